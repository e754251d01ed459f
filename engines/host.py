"""What every container answers, whatever it processes: home page, readiness, status, usage, documentation.

Source: seeds/read-ocr-container (request URLs), facts §2.1 and §2.5 (bodies of a disconnected container).
"""

import asyncio
import contextlib
import html
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from pydantic import ConfigDict, Field, with_config
from starlette.exceptions import HTTPException
from typing_extensions import TypedDict

from engines.permit import NON_METERED, ApiStatus, Permit, Standing
from engines.server.described import RETRY_AFTER, DescribedAPI, Responses, answer, page
from engines.server.errors import (
    INTERNAL,
    MOUNT_SILENT,
    NOT_RECORDED,
    Refusal,
    flat,
    refusal_of,
    request_id,
)
from engines.server.methods import HeadAndOptions, allow_header, allowed_methods
from engines.server.requests import RequestLog
from engines.server.swagger import OPENAPI_URL, swagger_routes
from engines.server.usage_logs import NOT_READABLE, usage_logs_routes
from licensing.containers import ContainerType
from licensing.core.errors import AzlicError
from licensing.core.http_json import EscapedJSONResponse
from licensing.core.text import printable
from usage.months import Month
from usage.records.output_mount import MountReport

_LOOK_EVERY_SECONDS = 5.0
_DESCRIPTION = (
    "The container answers HTTP alone. With a license it sends nothing elsewhere; without one it reports to its billing"
    " endpoint how much was used, and nothing else. What it does not know, a path or a method, is"
    " refused with 404 `NotFound` or 405 `MethodNotAllowed` in the form of `Error`, and its own fault is 500"
    " `InternalServerError`. Names of parameters count in any case."
)
log = logging.getLogger("azlic.container")


@with_config(ConfigDict(extra="forbid"))
class Readiness(TypedDict):
    """Whether a container takes work."""

    service: str
    ready: Literal["ready", "notReady"]
    message: Annotated[str, Field(description="the reason, where it does not")]


@with_config(ConfigDict(extra="forbid"))
class ContainerStatus(TypedDict):
    """The state of a container. Compare `apiStatus` letter for letter: `Invalid` contains `valid`."""

    service: str
    apiStatus: ApiStatus
    apiStatusMessage: Annotated[str, Field(description="the reason, where it is invalid")]


_ENDED = "it expired at 2027-01-01T00:00:00Z"
_READY: Responses = {
    200: answer(
        "It takes work.",
        Readiness,
        example=Readiness(service="read", ready="ready", message=NON_METERED),
        narrowed={"properties": {"ready": {"const": "ready"}}},
    ),
    503: answer(
        "It takes no work now.",
        Readiness,
        example=Readiness(service="read", ready="notReady", message=_ENDED),
        headers=RETRY_AFTER,
        narrowed={"properties": {"ready": {"const": "notReady"}}},
    ),
}
_STATUS: Responses = {
    200: answer(
        "The license or the API key is good, and use can be recorded.",
        ContainerStatus,
        example=ContainerStatus(service="read", apiStatus="NonMetered", apiStatusMessage=NON_METERED),
        narrowed={"properties": {"apiStatus": {"enum": ["NonMetered", "Valid"]}}},
    ),
    503: answer(
        "The license or the API key is not good, the billing endpoint is not reached, or use cannot be recorded.",
        ContainerStatus,
        example=ContainerStatus(service="read", apiStatus="Invalid", apiStatusMessage=_ENDED),
        headers=RETRY_AFTER,
        narrowed={"properties": {"apiStatus": {"not": {"enum": ["NonMetered", "Valid"]}}}},
    ),
}


@dataclass(frozen=True, slots=True)
class Host:
    """The parts that every container has: its kind, what lets it work, its usage report, and the clock on the wall.

    ``recording_fault`` says what keeps usage records from being written, or None while nothing does. A mount that has
    not answered for ``mount_seconds``, as a network mount whose server is gone, counts as lost.
    """

    kind: ContainerType
    version: str
    permit: Permit
    recording_fault: Callable[[], AzlicError | None]
    report: MountReport
    clock: Callable[[], datetime]
    mount_seconds: float = 5.0
    _looks: ThreadPoolExecutor = field(default_factory=partial(ThreadPoolExecutor, 4, "mounts"), repr=False)

    def admit(self) -> Refusal | None:
        """Let work in while the container may work and use can be recorded; else the reason why not."""
        return self.standing().refusal

    def standing(self) -> Standing:
        """How the container stands now, its mounts looked at."""
        look = self._looks.submit(self._look_at_mounts)
        try:
            return look.result(self.mount_seconds)
        except TimeoutError:
            look.cancel()
            message = f"a mount has not answered for {self.mount_seconds:g} seconds"
            return self.permit.troubled(Refusal(MOUNT_SILENT, message))

    def _look_at_mounts(self) -> Standing:
        standing = self.permit.standing(self.clock())
        if standing.refusal is None and (fault := self.recording_fault()):
            return self.permit.troubled(Refusal(NOT_RECORDED, f"{fault.message}: {fault.hint}"))
        return standing


def host_app(host: Host, router: APIRouter, *, closing: Callable[[], None]) -> FastAPI:
    """The container as an ASGI application: what all containers answer, and ``router`` for what this one does.

    ``closing`` is called when the container stops, after the last answer.
    """
    app = DescribedAPI(
        title=f"{host.kind.title} container",
        version=host.version,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI_URL,
        lifespan=_watching(host, closing),
    )
    app.add_middleware(HeadAndOptions, allowed=partial(allowed_methods, app))
    app.add_middleware(RequestLog)
    app.add_exception_handler(HTTPException, _flat)
    app.add_exception_handler(Exception, _fault)
    app.include_router(_common_routes(host))
    app.include_router(swagger_routes(app.title))
    app.include_router(router)
    return app


def _flat(request: Request, error: Exception) -> EscapedJSONResponse:
    """An error as every container reports it: ``{"code","message","requestId"}``."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for nothing else
    refusal = refusal_of(error, message=f"{request.method} {request.url.path} is not what this container answers")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = allow_header(allowed_methods(request.app, request.scope))
    return flat(error.status_code, refusal, request_id(), headers=headers)


def _fault(request: Request, error: Exception) -> EscapedJSONResponse:  # noqa: ARG001 - the server logs it
    refusal = Refusal(INTERNAL, "the container failed: its log says where")
    return flat(500, refusal, request_id(), headers={"Connection": "close"})  # as the server then does


def _common_routes(host: Host) -> APIRouter:
    router = APIRouter(tags=["Container"])

    @router.get("/", response_class=HTMLResponse, responses={200: page("How it stands, and where to go from here.")})
    def home() -> HTMLResponse:
        """The home page."""
        return HTMLResponse(_home_page(host))

    @router.get("/ready", responses=_READY)
    def ready() -> EscapedJSONResponse:
        """Whether the container takes work now."""
        standing = host.standing()
        body: Readiness = {
            "service": host.kind.service,
            "ready": "notReady" if standing.refusal else "ready",
            "message": standing.message,
        }
        return _answered(body, standing)

    @router.get("/status", responses=_STATUS)
    def status() -> EscapedJSONResponse:
        """The state of the container: of its license or its API key, and whether use can be recorded."""
        standing = host.standing()
        body: ContainerStatus = {
            "service": host.kind.service,
            "apiStatus": standing.status,
            "apiStatusMessage": standing.message,
        }
        return _answered(body, standing)

    router.include_router(usage_logs_routes(lambda month: _usage(host, month)))
    return router


def _answered(body: Readiness | ContainerStatus, standing: Standing) -> EscapedJSONResponse:
    refusal = standing.refusal
    after = None if refusal is None or refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    return EscapedJSONResponse(body, 503 if refusal else 200, headers=after)


def _usage(host: Host, month: Month | None) -> EscapedJSONResponse:
    try:
        return EscapedJSONResponse(host.report.body(month))
    except AzlicError as error:
        return flat(500, Refusal(NOT_READABLE, error.message), request_id())


def _watching(
    host: Host, closing: Callable[[], None]
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    """Look at the mounts while the container runs, and say in the log when something changes."""

    async def look() -> None:
        silent = False
        while True:
            refusal = await asyncio.to_thread(host.admit)
            if (refusal is not None and refusal.code == MOUNT_SILENT) is not silent:
                silent = not silent
                if silent:
                    log.error("No work is taken in, because a mount does not answer: see to the network storage.")
                else:
                    log.info("The mounts answer again.")
            if not silent:
                await asyncio.to_thread(host.permit.tell, host.clock())
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(look())
        yield
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        closing()
        log.info("The container has stopped.")

    return lifespan


def _home_page(host: Host) -> str:
    standing = host.standing()
    detail = printable(standing.detail).rstrip(".")
    title = html.escape(f"{host.kind.title} container {host.version}")
    rows = "".join(
        f'<li><a href="{path}">{path}</a> {what}</li>'
        for path, what in (
            ("/swagger", "the API, to read and to try"),
            ("/ready", "whether it takes work"),
            ("/status", "the state of its license or its API key, and of its records"),
            ("/records/usage-logs/", "what was used"),
        )
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:4em auto;padding:0 1em}</style>"
        f"<h1>{title}</h1><p>{'Not ready' if standing.refusal else 'Ready'}: {html.escape(detail.rstrip('.'))}.</p>"
        f"<ul>{rows}</ul></html>"
    )
