"""The speech routes: streams over WebSocket as the Speech SDK opens them, and short recordings over REST."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response, WebSocket
from starlette.websockets import WebSocketDisconnect

from engines.metering.meter import Meter
from engines.server.errors import LICENSE_NOT_VALID, Refusal, flat, request_id, require_admission
from engines.server.refusing import HEADERS_OF_STATUS, FlatErrors
from engines.server.uploads import named_coding, until_disconnect
from engines.speech.answers import Form, PhraseAnswer
from engines.speech.audio import TICKS
from engines.speech.described import PARAMETERS, RECOGNIZED, RECORDING, RecordingOptions
from engines.speech.desk import Desk
from engines.speech.limits import Limits
from engines.speech.model import SpeechModel
from engines.speech.recording import decode, transcribe
from engines.speech.refusal import AudioRefused, Code
from engines.speech.session import Session
from engines.speech.turn import Mode, Wishes
from licensing.core.http_json import EscapedJSONResponse

PATH = "/speech/recognition/{mode}/cognitiveservices/v1"
_INITIAL_SILENCE = 5 * TICKS
_LONGEST_SILENCE_MS = 3_600_000


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
    router = APIRouter(tags=["Speech"], route_class=_Errors)

    @router.websocket(PATH)
    async def stream(socket: WebSocket, mode: str) -> None:
        with ExitStack() as held, suppress(WebSocketDisconnect):
            if refused := await _refusal(desk, mode, held):
                status, refusal = refused
                headers = HEADERS_OF_STATUS.get(status)
                await socket.send_denial_response(flat(status, refusal, request_id(), headers=headers))
                return
            await socket.accept()
            await Session(socket, desk, _wishes(mode, socket)).run()

    @router.post(PATH, dependencies=[Depends(require_admission(admit))], responses=RECOGNIZED, openapi_extra=RECORDING)
    async def recognize(
        request: Request,
        mode: Annotated[Mode, Path(description="a recording is heard alike in all of them")],  # noqa: ARG001
        options: Annotated[RecordingOptions, Query()],
    ) -> Response:
        """Hear a recording of up to a minute. The seconds up to the end of its last word count."""
        if coding := named_coding(request):
            raise AudioRefused(
                f"a body with Content-Encoding: {coding[:60]} is not taken",
                hint="send the recording's bytes as they are, without that header",
                code=Code.UNSUPPORTED_MEDIA_TYPE,
            )
        desk.check_places()
        with desk.uploads.one() as upload:
            body = await upload.receive(request)
            with desk.place():
                heard = await until_disconnect(request, _hear(desk, body, options.form))
        return EscapedJSONResponse(heard)

    return router


class _Errors(FlatErrors):
    """What a recording is refused with."""

    parameters = PARAMETERS


async def _hear(desk: Desk, body: bytes, form: Form) -> PhraseAnswer:
    recording = await asyncio.to_thread(decode, body, most_seconds=desk.limits.recording_seconds)
    return await transcribe(desk, recording, form)


async def _refusal(desk: Desk, mode: str, held: ExitStack) -> tuple[int, Refusal] | None:
    """Why a stream is not taken in; else ``held`` has its place now.

    It has it before anything is asked that may take seconds, so that no crowd can wait for the answer.
    """
    if mode not in tuple(Mode):
        return HTTPStatus.NOT_FOUND, Refusal("NotFound", f"there is no mode {mode[:20]!r}: one of {', '.join(Mode)}")
    try:
        held.enter_context(desk.place())
    except AudioRefused as full:
        return full.status, Refusal(full.code, full.advice)
    if refusal := await asyncio.to_thread(desk.admit):
        ended = refusal.code == LICENSE_NOT_VALID
        return HTTPStatus.FORBIDDEN if ended else HTTPStatus.SERVICE_UNAVAILABLE, refusal
    return None


def _wishes(mode: str, socket: WebSocket) -> Wishes:
    query = {name.lower(): value for name, value in socket.query_params.items()}
    form = Form(
        detailed=query.get("format", "").lower() == "detailed",
        words=query.get("wordleveltimestamps", "").lower() == "true",
    )
    connection_id = socket.headers.get("x-connectionid") or query.get("x-connectionid", "")
    patience = query.get("initialsilencetimeoutms", "")
    silence = min(int(patience[:9]), _LONGEST_SILENCE_MS) * TICKS // 1000 if patience.isdecimal() else _INITIAL_SILENCE
    return Wishes(Mode(mode), form, connection_id[:128], silence)
