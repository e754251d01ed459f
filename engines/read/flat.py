"""Errors as the Read 3.2 clients expect them: flat, with a code, a message and the request's id."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from engines.read.query import documented
from engines.read.refusal import Code, DocumentRefused
from engines.server.errors import Refusal, flat, refusal_of, request_id

REQUEST_ID = "apim-request-id"
RETRY_AFTER_SECONDS = 5
REFUSAL_HEADERS: Mapping[Code, Mapping[str, str]] = {
    Code.TOO_MANY_REQUESTS: {"Retry-After": str(RETRY_AFTER_SECONDS)},
    Code.UNSUPPORTED_MEDIA_TYPE: {"Accept-Encoding": "identity"},  # RFC 9110, 12.5.3
}


class FlatErrors(APIRoute):
    """A route whose refusals are ``{"code","message","requestId"}``; every answer names its request's id.

    The synchronous route opens its errors with ``"status":"Failed"``.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            own_id = request_id()
            try:
                if request.method == "POST":
                    request.scope["query_string"] = documented(request.scope["query_string"])
                response = await handle(request)
            except (DocumentRefused, RequestValidationError, HTTPException) as error:
                response = _error(error, own_id, sync=request.url.path.endswith("/syncAnalyze"))
            except ClientDisconnect:
                response = Response(status_code=499)  # nobody is left to read it
            response.headers[REQUEST_ID] = own_id
            return response

        return answer


def _error(error: DocumentRefused | RequestValidationError | HTTPException, own_id: str, *, sync: bool) -> Response:
    status, refusal, headers = _told(error)
    return flat(status, refusal, own_id, headers=headers, first={"status": "Failed"} if sync else None)


def _told(
    error: DocumentRefused | RequestValidationError | HTTPException,
) -> tuple[int, Refusal, Mapping[str, str] | None]:
    if isinstance(error, DocumentRefused):
        return error.code.status, Refusal(error.code, error.advice), REFUSAL_HEADERS.get(error.code)
    if isinstance(error, RequestValidationError):
        wrong = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
        return 400, Refusal(Code.INVALID_ARGUMENT, wrong), None
    return error.status_code, refusal_of(error), error.headers
