"""HEAD and OPTIONS, wherever something is answered."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


def allowed_methods(app: Starlette, scope: Scope) -> set[str]:
    """The methods with which a path can be asked; none where nothing is there."""
    methods = {method for method in _METHODS if _is_answered(app, {**scope, "method": method})}
    if "GET" in methods:
        methods.add("HEAD")
    return methods | {"OPTIONS"} if methods else methods


def _is_answered(app: Starlette, scope: Scope) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in app.routes)


def allow_header(methods: set[str]) -> str:
    """The value of ``Allow``."""
    return ", ".join(sorted(methods))


class HeadAndOptions:
    """Answers HEAD as GET, of which the server sends the head alone, and OPTIONS with what is allowed."""

    def __init__(self, app: ASGIApp, *, allowed: Callable[[Scope], set[str]]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope.get("method")
        if method == "OPTIONS" and (methods := self._allowed(scope)):
            await Response(status_code=204, headers={"Allow": allow_header(methods)})(scope, receive, send)
            return
        await self._app({**scope, "method": "GET"} if method == "HEAD" else scope, receive, send)
