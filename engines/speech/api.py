"""The speech routes: streams over WebSocket as the Speech SDK opens them, and short recordings over REST."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, WebSocket
from pydantic import BaseModel, Field

from engines.metering.meter import Meter
from engines.server.errors import LICENSE_NOT_VALID, Refusal, flat, new_request_id
from engines.speech.answers import Form
from engines.speech.audio import TICKS
from engines.speech.desk import Desk
from engines.speech.limits import Limits
from engines.speech.listener import SpeechModel
from engines.speech.recording import decode, transcribe
from engines.speech.refusal import AudioRefused
from engines.speech.session import Session
from engines.speech.turn import Mode, Wishes
from licensing.core.http_body import read_body
from licensing.core.http_json import EscapedJSONResponse

PATH = "/speech/recognition/{mode}/cognitiveservices/v1"
_RECORDING: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "WAV, FLAC or OGG, of at most 60 seconds",
        "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class RecordingOptions(BaseModel, frozen=True):
    """How a recording is to be heard."""

    language: Annotated[str, Field(description="The language of the model, such as `en-US`")] = "en-US"
    format: Annotated[str, Field(description="`simple` or `detailed`")] = "simple"


def speech_routes(
    *,
    model: SpeechModel,
    meter: Meter,
    admit: Callable[[], Refusal | None],
    clock: Callable[[], datetime],
    limits: Limits | None = None,
) -> APIRouter:
    """The routes of a speech-to-text container.

    ``admit`` is asked before a stream or a recording is taken in, and before each phrase leaves; the seconds of each
    go to ``meter`` first, on a thread of its own. ``clock`` gives aware instants.
    """
    desk = Desk(model=model, meter=meter, admit=admit, clock=clock, limits=limits or Limits())
    router = APIRouter(tags=["Speech"])

    @router.websocket(PATH)
    async def stream(socket: WebSocket, mode: str) -> None:
        if refused := await _refusal(desk, mode):
            status, refusal = refused
            await socket.send_denial_response(flat(status, refusal, new_request_id()))
            return
        try:
            await socket.accept()
            await Session(socket, desk, _wishes(mode, socket)).run()
        finally:
            desk.leave_place()

    @router.post(PATH, openapi_extra=_RECORDING)
    async def recognize(request: Request, mode: Mode, options: Annotated[RecordingOptions, Query()]) -> Response:
        """Hear a recording of up to a minute. The seconds up to the end of its last word count."""
        if refused := await _refusal(desk, mode):
            status, refusal = refused
            return flat(status, refusal, new_request_id())
        try:
            body = await _receive(request, desk.limits)
            form = Form(detailed=options.format.lower() == "detailed", words=True)
            return EscapedJSONResponse(await desk.work(lambda: _hear(desk, body, form)))
        except AudioRefused as refused_audio:
            return flat(400, Refusal("InvalidAudio", refused_audio.advice), new_request_id())
        finally:
            desk.leave_place()

    return router


def _hear(desk: Desk, body: bytes, form: Form) -> dict[str, object]:
    return transcribe(desk, decode(body, most_seconds=desk.limits.recording_seconds), form)


async def _refusal(desk: Desk, mode: str) -> tuple[int, Refusal] | None:
    """Why a stream or a recording is not taken in; else it has a place now."""
    if mode not in tuple(Mode):
        return HTTPStatus.NOT_FOUND, Refusal("NotFound", f"there is no mode {mode[:20]!r}: one of {', '.join(Mode)}")
    if refusal := await asyncio.to_thread(desk.admit):
        ended = refusal.code == LICENSE_NOT_VALID
        return HTTPStatus.FORBIDDEN if ended else HTTPStatus.SERVICE_UNAVAILABLE, refusal
    if not desk.take_place():
        words = f"{desk.limits.streams} streams are being heard already: try again in a few seconds"
        return HTTPStatus.TOO_MANY_REQUESTS, Refusal("TooManyRequests", words)
    return None


async def _receive(request: Request, limits: Limits) -> bytes:
    too_large = AudioRefused(f"the body has more than {limits.body_bytes} bytes", hint="send it in parts")
    try:
        async with asyncio.timeout(limits.upload_seconds):
            return await read_body(request.stream(), limits.body_bytes, too_large)
    except TimeoutError as error:
        raise AudioRefused(
            f"the body was not complete after {limits.upload_seconds:g} seconds",
            hint="check the network between client and container",
        ) from error


def _wishes(mode: str, socket: WebSocket) -> Wishes:
    query = {name.lower(): value for name, value in socket.query_params.items()}
    form = Form(
        detailed=query.get("format", "").lower() == "detailed",
        words=query.get("wordleveltimestamps", "").lower() == "true",
    )
    connection_id = socket.headers.get("x-connectionid") or query.get("x-connectionid", "")
    patience = query.get("initialsilencetimeoutms", "")
    silence = min(int(patience[:9]), 3_600_000) * TICKS // 1000 if patience.isdecimal() else 5 * TICKS
    return Wishes(Mode(mode), form, connection_id[:128], silence)
