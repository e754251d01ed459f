"""Refusals over HTTP: a refusal is a value, and here it gets the form that clients know."""

import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from starlette.exceptions import HTTPException

from licensing.core.http_json import EscapedJSONResponse


class Refusal(NamedTuple):
    """Why work is not taken in: a stable code, and the reason in words. Each transport says it in its own way."""

    code: str
    message: str


class HTTPRefusal(HTTPException):
    """A refusal under way to an HTTP client, with the status that it travels with."""

    def __init__(self, status: int, refusal: Refusal) -> None:
        super().__init__(status, refusal.message)
        self.refusal = refusal


def require_admission(admit: Callable[[], Refusal | None]) -> Callable[[], None]:
    """What a route depends on that takes work in: 503 with the reason while ``admit`` refuses."""

    def gate() -> None:
        if refusal := admit():
            raise HTTPRefusal(HTTPStatus.SERVICE_UNAVAILABLE, refusal)

    return gate


def refusal_of(error: HTTPException, *, message: str | None = None) -> Refusal:
    """What an HTTP error says: its own refusal, or one made of its status and ``message``."""
    if isinstance(error, HTTPRefusal):
        return error.refusal
    code = HTTPStatus(error.status_code).phrase.replace(" ", "")
    return Refusal(code, error.detail if message is None else message)


def new_request_id() -> str:
    """An id that a client can quote when it asks about its request."""
    return str(uuid.uuid4())


def flat(
    status: int,
    refusal: Refusal,
    request_id: str,
    *,
    headers: Mapping[str, str] | None = None,
    first: Mapping[str, str] | None = None,
) -> EscapedJSONResponse:
    """A refusal as containers report it: ``{"code","message","requestId"}``, with what comes ``first``."""
    body = {**(first or {}), "code": refusal.code, "message": refusal.message, "requestId": request_id}
    return EscapedJSONResponse(body, status, headers=headers)
