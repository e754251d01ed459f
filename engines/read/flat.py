"""Errors as the Read 3.2 clients expect them: flat, with a code, a message and the request's id."""

import uuid
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from engines.read.refusal import Code, DocumentRefused

REQUEST_ID = "apim-request-id"
RETRY_AFTER_SECONDS = 5


class FlatErrors(APIRoute):
    """A route whose refusals are ``{"code","message","requestId"}``; every answer names its request's id.

    The synchronous route opens its errors with ``"status":"Failed"``. An ``HTTPException`` of a dependency
    may say its code by a ``detail`` of ``{"code","message"}``.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def flat(request: Request) -> Response:
            request_id = str(uuid.uuid4())
            try:
                response = await handle(request)
            except (DocumentRefused, RequestValidationError, HTTPException) as error:
                response = _error(error, request_id, sync=request.url.path.endswith("/syncAnalyze"))
            except ClientDisconnect:
                response = Response(status_code=499)  # nobody is left to read it
            response.headers[REQUEST_ID] = request_id
            return response

        return flat


def _error(error: DocumentRefused | RequestValidationError | HTTPException, request_id: str, *, sync: bool) -> Response:
    status, code, message, headers = _error_fields(error)
    body = {"code": code, "message": message, "requestId": request_id}
    if sync:
        body = {"status": "Failed"} | body
    return JSONResponse(body, status_code=status, headers=headers)


def _error_fields(
    error: DocumentRefused | RequestValidationError | HTTPException,
) -> tuple[int, str, str, dict[str, str]]:
    if isinstance(error, DocumentRefused):
        busy = error.code is Code.TOO_MANY_REQUESTS
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if busy else {}
        return error.code.status, error.code, error.advice, headers
    if isinstance(error, RequestValidationError):
        wrong = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
        return 400, Code.INVALID_ARGUMENT, wrong, {}
    headers = dict(error.headers or {})
    if isinstance(error.detail, dict):
        return error.status_code, error.detail["code"], error.detail["message"], headers
    code = HTTPStatus(error.status_code).phrase.replace(" ", "")
    return error.status_code, code, error.detail, headers
