"""The issuer's HTTP face: ``POST {endpoint}/license`` answers DownloadLicense, ``{endpoint}/billing`` bills what runs.

The key travels in ``Ocp-Apim-Subscription-Key`` and is neither logged nor repeated. A denial is a flat JSON body
``{"code", "message"}`` under the status of ``licensing.delivery.denial.HTTP_STATUS``, with Retry-After where waiting
helps; what is no such request is answered in the same form.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from licensing.core import strict_json
from licensing.core.errors import AzlicError
from licensing.core.http_json import EscapedJSONResponse
from licensing.core.http_request import REQUEST_SECONDS, request_body
from licensing.core.validation_messages import first_fault
from licensing.db.database import DatabaseBusy
from licensing.delivery.denial import HTTP_STATUS, Denial, DenialCode
from licensing.delivery.protocol import KEY_HEADER, LICENSE_MEDIA_TYPE, LicenseRequest
from licensing.delivery.usage_report import KEY_IS_VALID, VALID, BillingState, Reporter, UsageRequest, asker_in
from licensing.issuer.billing import BadReport, Billed, Billing
from licensing.issuer.issue import Issuer

MAX_REQUEST_BYTES = 16 * 1024
_MAX_KEY = 256
_BUSY_SECONDS = 5.0
T = TypeVar("T")
_CODES = {404: "NotFound", 405: "MethodNotAllowed", 408: "RequestTimeout", 413: "RequestTooLarge"}
log = logging.getLogger("azlic.issuer")


def issuer_app(
    issuer: Issuer,
    *,
    clock: Callable[[], datetime],
    billing: Billing | None = None,
    request_seconds: float = REQUEST_SECONDS,
) -> FastAPI:
    """The license server as an ASGI application; a client may take ``request_seconds`` to send a request's body.

    Without ``billing`` no connected container is answered, and only keys are checked.
    """
    app = FastAPI(title="azlic issuer", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    @app.post("/{resource}/license")
    async def download(resource: str, request: Request) -> Response:
        key = _key(request)
        if isinstance(key, Denial):
            return _denial_response(key)
        order = _parsed(_order, await request_body(request, MAX_REQUEST_BYTES, seconds=request_seconds))

        def answer() -> bytes | Denial:
            return issuer.download(order, resource=resource, api_key=key, now=clock())

        given = await run_in_threadpool(_guard, answer, "a download")
        return _denial_response(given) if isinstance(given, Denial) else Response(given, media_type=LICENSE_MEDIA_TYPE)

    async def bill(request: Request, parse: Callable[[bytes], T], judge: Callable[[T, str], Billed]) -> Response:
        key = _key(request)
        if isinstance(key, Denial):
            return _denial_response(key)
        asked = _parsed(parse, await request_body(request, MAX_REQUEST_BYTES, seconds=request_seconds))
        given = await run_in_threadpool(_guard, lambda: judge(asked, key), "billing")
        if isinstance(given, Denial):
            return _denial_response(given)
        if given.denial is not None and not given.booked:
            return _denial_response(given.denial)
        identity = asked.usage_request_body.id if isinstance(asked, UsageRequest) else None
        return Response(_state(given.denial, identity).to_bytes(), media_type="application/json")

    @app.post("/{resource}/billing/status")
    async def check(resource: str, request: Request) -> Response:
        def judge(container: Reporter | None, key: str) -> Billed:
            if container is None or billing is None:
                return Billed(issuer.check_key(resource=resource, api_key=key, now=clock()))
            return billing.check(container, resource=resource, api_key=key, now=clock())

        def parse(body: bytes) -> Reporter | None:
            container = asker_in(body)
            if container is not None and billing is None:
                raise HTTPException(404, "no connected container is billed here: this server has no ledger")
            return container

        return await bill(request, parse, judge)

    if billing is not None:

        @app.post("/{resource}/billing/usage")
        async def report(resource: str, request: Request) -> Response:
            def judge(sent: UsageRequest, key: str) -> Billed:
                return billing.report(sent.usage_request_body, resource=resource, api_key=key, now=clock())

            return await bill(request, UsageRequest.parse, judge)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.exception_handler(HTTPException)
    def refused(_request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "BadRequest")
        return _flat(code, str(error.detail), error.status_code, error.headers)

    return app


def _key(request: Request) -> str | Denial:
    key = request.headers.get(KEY_HEADER, "")
    if 0 < len(key) <= _MAX_KEY:
        return key
    return Denial(DenialCode.INVALID, f"the {KEY_HEADER} header is missing, or longer than any key")


def _order(body: bytes) -> LicenseRequest:
    return LicenseRequest.model_validate(strict_json.loads(body))


def _state(denial: Denial | None, identity: str | None) -> BillingState:
    if denial is None:
        return BillingState(id=identity, api_status=VALID, api_status_message=KEY_IS_VALID)
    return BillingState(id=identity, api_status=denial.code, api_status_message=denial.detail)


def _parsed(parse: Callable[[bytes], T], body: bytes) -> T:
    try:
        return parse(body)
    except ValidationError as error:
        names, words = first_fault(error)
        raise HTTPException(400, f"the request is invalid at {'.'.join(('body', *names))[:300]}: {words}") from error
    except ValueError as error:
        raise HTTPException(400, f"the request is invalid at body: {error}") from error


def _guard(answer: Callable[[], T | Denial], what: str) -> T | Denial:
    """The issuer's answer; what went wrong with it is the server's to know, and not the client's."""
    try:
        return answer()
    except DatabaseBusy:
        return Denial(DenialCode.BUSY, "the issuer is busy with other downloads", _BUSY_SECONDS)
    except BadReport as error:
        raise HTTPException(400, f"the request is invalid at body: {error.message}") from error
    except AzlicError as error:
        log.error("%s failed: %s", what, error.message)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        log.error("%s failed: %s at %s:%s", what, type(error).__name__, last.filename, last.lineno)
    return Denial(DenialCode.UNKNOWN, "the issuer cannot answer now; its log says why")


def _denial_response(denial: Denial) -> Response:
    headers = {} if denial.retry_after is None else {"Retry-After": f"{denial.retry_after:.0f}"}
    return _flat(denial.code, denial.detail, HTTP_STATUS[denial.code], headers)


def _flat(code: str, message: str, status: int, headers: Mapping[str, Any] | None) -> Response:
    """A refusal, and the end of its connection: otherwise the server would swallow a body without end, for ever."""
    return EscapedJSONResponse(
        {"code": code, "message": message}, status, headers={**(headers or {}), "Connection": "close"}
    )
