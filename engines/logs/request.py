"""The request that is being answered, for the lines of the log that are written meanwhile."""

import uuid
from contextvars import ContextVar

_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


def new_request_id() -> str:
    """An id for one request, which its client can quote."""
    return str(uuid.uuid4())


def begin_request() -> None:
    """Give what is being answered from here on an id of its own."""
    _ID.set(new_request_id())


def current_request() -> str | None:
    """The id of the request that is being answered, or whose work this is; None outside of any."""
    return _ID.get()
