"""Requests in the log: each with an id of its own, which its client can quote, and how long it took."""

import logging
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engines.logs.request import begin_request

log = logging.getLogger("azlic.requests")
_LOOKING = ("GET", "HEAD", "OPTIONS")
_METHODS = (*_LOOKING, "DELETE", "PATCH", "POST", "PUT")


class RequestLog:
    """Tells the log of each request when it has been answered: its route, not what was filled into it, and no more.

    What only looks is told at the level Debug, what brings work at Information.
    """

    def __init__(self, app: ASGIApp, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        begin_request()
        began, status, is_told = self._monotonic(), HTTPStatus.INTERNAL_SERVER_ERROR.value, False

        def tell() -> None:
            nonlocal is_told
            if not is_told:
                _tell(scope, status, 1000 * (self._monotonic() - began))
            is_told = True

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = HTTPStatus.SWITCHING_PROTOCOLS
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                tell()  # before work that goes on after the answer

        try:
            await self._app(scope, receive, seen)
        finally:
            tell()


def _tell(scope: Scope, status: int, milliseconds: float) -> None:
    method = scope.get("method", "GET")
    level = logging.DEBUG if scope["type"] == "http" and method in _LOOKING else logging.INFO
    log.log(level, "%s %s: %d", _word(method), _route(scope), status, extra={"duration_ms": milliseconds})


def _word(method: str) -> str:
    return method if method in _METHODS else "(another method)"


def _route(scope: Scope) -> str:
    """The route as it is described: what a client wrote into its path is nobody else's business."""
    route = scope.get("route")
    return str(getattr(route, "path_format", None) or getattr(route, "path", "(no such path)"))
