"""Refusals over HTTP: a refusal is a value, and here it gets the form that clients know."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, NamedTuple

from pydantic import ConfigDict, Field, with_config
from starlette.exceptions import HTTPException
from typing_extensions import TypedDict

from engines.logs.request import current_request, new_request_id
from licensing.core.errors import AzlicError
from licensing.core.http_json import EscapedJSONResponse

LICENSE_NOT_VALID = "LicenseNotValid"
BILLING_NOT_VALID = "BillingNotValid"
NOT_RECORDED = "UsageNotRecorded"
MOUNT_SILENT = "MountNotAnswering"
INTERNAL = "InternalServerError"
INVALID_ARGUMENT = "InvalidArgument"
NOT_ADMITTED = {
    LICENSE_NOT_VALID: "the license does not let the container work now; the message says why",
    BILLING_NOT_VALID: "the billing endpoint does not let the container work now; the message names the state",
    NOT_RECORDED: "the use cannot be recorded, so no text leaves",
    MOUNT_SILENT: "a mount has not answered for some seconds",
}
FAULT = {INTERNAL: "the container failed; its log says where"}
"""Codes that every container may answer with, and what they mean."""


class Refusal(NamedTuple):
    """Why work is not taken in: a stable code, and the reason in words. Each transport says it in its own way.

    ``retry_after`` are the seconds after which it may be taken in, where that is known.
    """

    code: str
    message: str
    retry_after: int | None = None


@with_config(ConfigDict(extra="forbid"))
class Error(TypedDict):
    """Why a request was refused."""

    code: Annotated[str, Field(description="stable: programs may go by it")]
    message: Annotated[str, Field(description="what happened and what to try, for people")]
    requestId: Annotated[str, Field(description="to quote when asking about the request")]


class HTTPRefusal(HTTPException):
    """A refusal under way to an HTTP client, with the status that it travels with."""

    def __init__(self, status: int, refusal: Refusal) -> None:
        headers = None if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
        super().__init__(status, refusal.message, headers)
        self.refusal = refusal


class WorkRefused(AzlicError):
    """Work was not done, nothing was metered, and ``code`` says why; ``status`` is what it travels with over HTTP."""

    def __init__(self, code: str, status: int, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.status = status

    @property
    def advice(self) -> str:
        """The message for a client: what happened, and what to try."""
        return f"{self.message}: {self.hint}"


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


def request_id() -> str:
    """The id of the request that is being answered, which its client can quote; a new one where none is."""
    return current_request() or new_request_id()


def flat(
    status: int,
    refusal: Refusal,
    request_id: str,
    *,
    headers: Mapping[str, str] | None = None,
    first: Mapping[str, str] | None = None,
) -> EscapedJSONResponse:
    """A refusal as containers report it: ``{"code","message","requestId"}``, with what comes ``first``."""
    body: Error = {"code": refusal.code, "message": refusal.message, "requestId": request_id}
    return EscapedJSONResponse({**(first or {}), **body}, status, headers=headers)
