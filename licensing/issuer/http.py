"""The issuer's HTTP face: ``POST {endpoint}/license`` answers DownloadLicense.

The key travels in ``Ocp-Apim-Subscription-Key`` and is neither logged nor repeated. A denial is a flat JSON body
``{"code", "message"}`` under the status of ``licensing.delivery.denial.HTTP_STATUS``, with Retry-After where waiting
helps; what is no such request is answered in the same form.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

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
from licensing.issuer.issue import Issuer

MAX_REQUEST_BYTES = 16 * 1024
_MAX_KEY = 256
_BUSY_SECONDS = 5.0
_CODES = {404: "NotFound", 405: "MethodNotAllowed", 408: "RequestTimeout", 413: "RequestTooLarge"}
log = logging.getLogger("azlic.issuer")


def issuer_app(issuer: Issuer, *, clock: Callable[[], datetime], request_seconds: float = REQUEST_SECONDS) -> FastAPI:
    """The license server as an ASGI application; a client may take ``request_seconds`` to send a request's body."""
    app = FastAPI(title="azlic issuer", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    @app.post("/{resource}/license")
    async def download(resource: str, request: Request) -> Response:
        key = request.headers.get(KEY_HEADER, "")
        if not 0 < len(key) <= _MAX_KEY:
            return _denial_response(
                Denial(DenialCode.INVALID, f"the {KEY_HEADER} header is missing, or longer than any key")
            )
        order = _order(await request_body(request, MAX_REQUEST_BYTES, seconds=request_seconds))

        def answer() -> bytes | Denial:
            return issuer.download(order, resource=resource, api_key=key, now=clock())

        given = await run_in_threadpool(_guard, answer)
        return _denial_response(given) if isinstance(given, Denial) else Response(given, media_type=LICENSE_MEDIA_TYPE)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.exception_handler(HTTPException)
    def refused(_request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "BadRequest")
        return _flat(code, str(error.detail), error.status_code, error.headers)

    return app


def _order(body: bytes) -> LicenseRequest:
    try:
        return LicenseRequest.model_validate(strict_json.loads(body))
    except ValidationError as error:
        names, words = first_fault(error)
        raise HTTPException(400, f"the request is invalid at {'.'.join(('body', *names))[:300]}: {words}") from error
    except ValueError as error:
        raise HTTPException(400, f"the request is invalid at body: {error}") from error


def _guard(answer: Callable[[], bytes | Denial]) -> bytes | Denial:
    """The issuer's answer; what went wrong with it is the server's to know, and not the client's."""
    try:
        return answer()
    except DatabaseBusy:
        return Denial(DenialCode.BUSY, "the issuer is busy with other downloads", _BUSY_SECONDS)
    except AzlicError as error:
        log.error("a download failed: %s", error.message)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        log.error("a download failed: %s at %s:%s", type(error).__name__, last.filename, last.lineno)
    return Denial(DenialCode.UNKNOWN, "the issuer cannot answer now; its log says why")


def _denial_response(denial: Denial) -> Response:
    headers = {} if denial.retry_after is None else {"Retry-After": f"{denial.retry_after:.0f}"}
    return _flat(denial.code, denial.detail, HTTP_STATUS[denial.code], headers)


def _flat(code: str, message: str, status: int, headers: Mapping[str, Any] | None) -> Response:
    """A refusal, and the end of its connection: otherwise the server would swallow a body without end, for ever."""
    return EscapedJSONResponse(
        {"code": code, "message": message}, status, headers={**(headers or {}), "Connection": "close"}
    )
