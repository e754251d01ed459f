"""Requests for work that are refused: flat errors, as Azure's clients expect, each with the id of its request."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from engines.server.described import RETRY_AFTER, Header, header
from engines.server.errors import INVALID_ARGUMENT, Refusal, WorkRefused, flat, refusal_of, request_id
from engines.server.query import Parameters

REQUEST_ID = "apim-request-id"
HEADERS_OF_STATUS: Mapping[int, Mapping[str, str]] = {
    415: {"Accept-Encoding": "identity"},  # RFC 9110, 12.5.3
    429: {"Retry-After": "5"},
}
"""What a refusal with such a status says in its headers."""
_MEANT = {
    "Retry-After": "So many seconds later it may be tried again.",
    "Accept-Encoding": "How a body may be coded: not at all.",
}
NAMED: Mapping[str, Header] = {REQUEST_ID: header("The request's id, to quote when asking about it.", format="uuid")}
"""The header of every answer to work, described."""


def headers_of(status: int) -> Mapping[str, Header]:
    """The headers of a refusal with such a status, described."""
    more = {name: header(_MEANT[name], const=value) for name, value in HEADERS_OF_STATUS.get(status, {}).items()}
    return {**NAMED, **more, **(RETRY_AFTER if status == 503 else {})}


class FlatErrors(APIRoute):
    """A route whose refusals are ``{"code","message","requestId"}``; every answer names its request's id.

    ``parameters`` are those of the query that work is asked for with.
    """

    parameters = Parameters(())

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            own_id = request_id()
            try:
                if request.method == "POST":
                    request.scope["query_string"] = self.parameters.documented(request.scope["query_string"])
                response = await handle(request)
            except (WorkRefused, RequestValidationError, HTTPException) as error:
                status, refusal, headers = _told(error)
                response = flat(status, refusal, own_id, headers=headers, first=self.first(request))
            except ClientDisconnect:
                response = Response(status_code=499)  # nobody is left to read it
            response.headers[REQUEST_ID] = own_id
            return response

        return answer

    def first(self, _request: Request) -> Mapping[str, str] | None:
        """What an error's body opens with, where it does with more than its code."""
        return None


def _told(
    error: WorkRefused | RequestValidationError | HTTPException,
) -> tuple[int, Refusal, Mapping[str, str] | None]:
    if isinstance(error, WorkRefused):
        return error.status, Refusal(error.code, error.advice), HEADERS_OF_STATUS.get(error.status)
    if isinstance(error, RequestValidationError):
        wrong = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
        return 400, Refusal(INVALID_ARGUMENT, wrong), None
    return error.status_code, refusal_of(error), error.headers
