"""The issuer's HTTP face: ``POST {endpoint}/license`` answers DownloadLicense.

The key travels in ``Ocp-Apim-Subscription-Key`` and is neither logged nor repeated. A denial is a flat JSON body
``{"code", "message"}`` under the status of ``licensing.denial.HTTP_STATUS``, with Retry-After where waiting helps.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from licensing.database import DatabaseBusy
from licensing.denial import HTTP_STATUS, Denial, DenialCode
from licensing.errors import AzlicError
from licensing.issuer import Issuer
from licensing.protocol import KEY_HEADER, LICENSE_MEDIA_TYPE, LicenseRequest

_BUSY_SECONDS = 5.0


def issuer_app(issuer: Issuer, *, clock: Callable[[], datetime]) -> FastAPI:
    """The license server as an ASGI application."""
    app = FastAPI(title="azlic issuer", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/{resource}/license")
    def download(
        resource: str, body: LicenseRequest, key: Annotated[str, Header(alias=KEY_HEADER, max_length=256)]
    ) -> Response:
        try:
            answer = issuer.download(body, resource=resource, api_key=key, now=clock())
        except DatabaseBusy:
            answer = Denial(DenialCode.BUSY, "the issuer is busy with other downloads", _BUSY_SECONDS)
        if isinstance(answer, Denial):
            return _denied(answer)
        return Response(answer, media_type=LICENSE_MEDIA_TYPE)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.exception_handler(RequestValidationError)
    def malformed(_request: Request, error: RequestValidationError) -> Response:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        if KEY_HEADER.lower() in where.lower():
            return _denied(Denial(DenialCode.INVALID, f"the {KEY_HEADER} header is missing"))
        return JSONResponse({"code": "BadRequest", "message": f"the request is not usable at {where}"}, 400)

    @app.exception_handler(AzlicError)
    def failed(_request: Request, error: AzlicError) -> Response:
        return _denied(Denial(DenialCode.UNKNOWN, error.message))

    return app


def _denied(denial: Denial) -> Response:
    headers = {} if denial.retry_after is None else {"Retry-After": f"{denial.retry_after:.0f}"}
    return JSONResponse({"code": denial.code, "message": denial.detail}, HTTP_STATUS[denial.code], headers=headers)
