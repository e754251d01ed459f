"""The page as an ASGI application: it answers, it never writes, and it lets in only who may come in."""

import logging
from collections.abc import Mapping
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from azlic.monitoring.metrics import MEDIA_TYPE
from azlic.web.access import COOKIE, SESSION, Doors
from azlic.web.cache import Cache
from azlic.web.pages.site import login_html, month_html, site_html
from azlic.web.pages.templates import static
from azlic.web.site import Scrape, WatchedSite
from engines.server.usage_logs import usage_logs_routes
from licensing.core.errors import AzlicError, BadCall
from licensing.core.http_json import EscapedJSONResponse
from licensing.core.http_request import request_body
from usage.months import Month

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STATIC = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_OPEN = frozenset({"/healthz", "/login", *(f"/static/{name}" for name in _STATIC)})
_MAX_FORM_BYTES = 8192
_CODES = {400: "InvalidArgument", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed"}
_CODES |= {408: "RequestTimeout", 413: "RequestTooLarge", 421: "MisdirectedRequest", 503: "LedgerNotReadable"}
log = logging.getLogger("azlic.page")


def site_app(site: WatchedSite, doors: Doors, *, tls: bool = False) -> FastAPI:
    """The page of a site, behind its doors."""
    app = FastAPI(title="azlic", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    metrics = Cache(site.scrape)
    home = Cache(lambda: site_html(site.view()).encode())
    _pages(app, site, home)
    _for_machines(app, site, metrics)
    _login(app, doors, tls=tls)
    app.add_exception_handler(AzlicError, _told)
    app.add_exception_handler(HTTPException, _refused)
    app.add_middleware(_Guarded, doors=doors)
    return app


def _pages(app: FastAPI, site: WatchedSite, home: Cache[bytes]) -> None:
    @app.get("/")
    async def page() -> Response:
        seen = home.fresh()
        return HTMLResponse(await run_in_threadpool(home.see) if seen is None else seen)

    @app.get("/report/{month}")
    def report(month: str) -> Response:
        return HTMLResponse(month_html(site.month(_month(month))))

    @app.get("/static/{name}")
    def file(name: str) -> Response:
        if name not in _STATIC:
            raise HTTPException(404)
        return Response(static(name), media_type=_STATIC[name])


def _for_machines(app: FastAPI, site: WatchedSite, scrape: Cache[Scrape]) -> None:
    @app.get("/metrics")
    async def metrics() -> Response:
        seen = scrape.fresh()
        seen = await run_in_threadpool(scrape.see) if seen is None else seen
        return Response(seen.text, media_type=MEDIA_TYPE)

    @app.get("/healthz")
    def healthz() -> Response:
        try:
            readable = scrape.see().ledger_readable
        except AzlicError:
            readable = False
        return EscapedJSONResponse(
            {"status": "ok"} if readable else {"status": "the ledger cannot be read"}, 200 if readable else 503
        )

    app.include_router(usage_logs_routes(lambda month: EscapedJSONResponse(site.usage_logs(month))))


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except BadCall as error:
        raise HTTPException(400, error.message) from error


def _login(app: FastAPI, doors: Doors, *, tls: bool) -> None:
    @app.get("/login")
    def ask() -> Response:
        return HTMLResponse(login_html(refused=False))

    @app.post("/login")
    async def login(request: Request) -> Response:
        if not doors.is_token(_token(await request_body(request, _MAX_FORM_BYTES))):
            return HTMLResponse(login_html(refused=True), 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE, doors.session(), int(SESSION.total_seconds()), secure=tls, httponly=True, samesite="strict"
        )
        return answer


def _token(form: bytes) -> str:
    try:
        return parse_qs(form.decode(), max_num_fields=2).get("token", [""])[0].strip()
    except ValueError:
        return ""


def _told(_request: Request, error: Exception) -> Response:
    """What kept the ledger from being read: whoever is in here may know, and the log does."""
    assert isinstance(error, AzlicError)  # noqa: S101 - it is registered for nothing else
    log.error("a page could not be made: %s", error.message)
    return _flat(503, error.message)


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for nothing else
    known = error.status_code not in (404, 405)
    return _flat(error.status_code, error.detail if known else "this page does not answer that", error.headers)


def _flat(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return EscapedJSONResponse({"code": _CODES.get(status, "BadRequest"), "message": message}, status, headers=headers)


class _Guarded:
    """Asks at the door first, and puts the headers on every answer, whatever it is."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answer = None if scope["path"] in _OPEN else self._at_the_door(scope)
        await (answer or self._app)(scope, receive, send_guarded)

    def _at_the_door(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        refusal = self._doors.refusal((scope["client"] or ("", 0))[0], headers)
        if refusal is None:
            return None
        status, why = refusal
        if status == 401 and "text/html" in headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        return _flat(status, why, {"WWW-Authenticate": "Bearer"} if status == 401 else None)
