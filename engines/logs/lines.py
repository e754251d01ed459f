"""A line of the log, as programs read it: JSON, in ASCII, with nothing in it that a client wrote."""

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime

from engines.logs.levels import level_name
from engines.logs.request import current_request
from licensing.core.errors import AzlicError
from usage.records.container_log import INSTANT


def fields(record: logging.LogRecord) -> dict[str, object]:
    """What a record says, by names: ``requestId``, ``durationMs`` and ``exception`` where there are any."""
    told: dict[str, object] = {
        INSTANT: datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level_name(record.levelno),
        "category": record.name,
        "message": record.getMessage(),
    }
    if request_id := getattr(record, "request_id", None) or current_request():
        told["requestId"] = request_id
    if (duration := getattr(record, "duration_ms", None)) is not None:
        told["durationMs"] = round(duration, 3)
    if record.exc_info and record.exc_info[1]:
        told["exception"] = without_values(record.exc_info[1])
    return told


def json_line(told: dict[str, object]) -> bytes:
    """One line, without its end."""
    return json.dumps(told, separators=(",", ":")).encode()


class JsonLines(logging.Formatter):
    """Each record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one."""
        return json_line(fields(record)).decode()


def without_values(error: BaseException) -> str:
    """Where an error happened and what kind of error it is, without the words of libraries.

    They quote what they were given: a text that cannot be decoded, a value that is none.
    """
    return "".join(_told(traceback.TracebackException.from_exception(error), error)).rstrip()


def _told(seen: traceback.TracebackException, error: BaseException) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    if cause is not None and before is not None:
        yield from _told(before, cause)
        yield "Then:\n"
    yield from seen.stack.format()
    ours = error.strerror if isinstance(error, OSError) else error.message if isinstance(error, AzlicError) else None
    yield f"{type(error).__module__}.{type(error).__qualname__}{f': {ours}' if ours else ''}\n"
    if isinstance(error, BaseExceptionGroup):
        for number, each in enumerate(error.exceptions, 1):
            yield f"Part {number}:\n{without_values(each)}\n"
