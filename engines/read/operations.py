"""The asynchronous operations: who asked for what, and what came of it, for as long as that is kept."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from engines.read.limits import KEPT
from engines.read.refusal import Code, DocumentRefused
from engines.read.result import Status, operation_result
from engines.results.store import ResultStore, ResultsUnavailable
from engines.server.errors import INTERNAL

_ENVELOPE_BYTES = 1024
"""More than an answer has around the text."""
_ALONE = (
    "the container that read the document; where several are behind a balancer, give all of them one folder as"
    " Mounts:Shared"
)
_SHARED = "the folder that Mounts:Shared names; give all containers behind a balancer the same one"


class Operation(NamedTuple):
    """One document under way, under an id that nobody can guess."""

    id: str
    created_at: datetime


class Ended(NamedTuple):
    """The answer of a document that was read, and until when it can be asked for."""

    answer: bytes
    until: datetime


class Operations:
    """The operations of a container: what is stored of each is the answer to the client that asks for it.

    An ended operation is ``kept`` for so long, or for less where the store runs out of room.
    """

    def __init__(self, results: ResultStore, *, clock: Callable[[], datetime], kept: timedelta = KEPT) -> None:
        self._results = results
        self._clock = clock
        self._kept = kept

    def begin(self) -> Operation:
        """Note a new operation, not yet started."""
        operation = Operation(str(uuid.uuid4()), self._clock())
        self._put(operation, "notStarted", operation.created_at)
        return operation

    def run(self, operation: Operation) -> None:
        """Note that the document is being read."""
        self._put(operation, "running", self._clock())

    def prepare(self, operation: Operation, analyze_result: bytes) -> Ended | None:
        """The answer that will be published, its place made sure of; None where the operation was ended by others.

        Refuses a result that could not be kept until it is asked for.
        """
        if not self._results.takes(len(analyze_result) + _ENVELOPE_BYTES):
            raise DocumentRefused(
                Code.INVALID_IMAGE_SIZE,
                f"the text of the document, with {len(analyze_result)} bytes, is too large to be kept",
                hint="send the document in parts",
            )
        ended = self._ended(operation, "succeeded", analyzeResult=msgspec.Raw(analyze_result))
        with refusing():
            return ended if self._results.claim(operation.id, ended.answer, until=ended.until) else None

    def succeed(self, operation: Operation, ended: Ended) -> None:
        """Publish the result."""
        self._publish(operation, ended)

    def fail(self, operation: Operation, code: str, message: str) -> None:
        """Publish why there is no result."""
        self._publish(operation, self._ended(operation, "failed", error={"code": code, "message": message}))

    def answer(self, operation_id: str) -> bytes:
        """The state of the operation, as its client gets it; ``DocumentRefused`` (NotFound) if unknown or forgotten."""
        with refusing():
            answer = self._results.get(operation_id, now=self._clock())
        if answer:
            return answer
        where = _SHARED if self._results.shared else _ALONE
        raise DocumentRefused(
            Code.NOT_FOUND,
            "there is no such operation",
            hint=f"results are kept for {_hours(self._kept)}, in {where}",
        )

    def _ended(self, operation: Operation, status: Status, **outcome: object) -> Ended:
        at = self._clock()
        return Ended(operation_result(status, operation.created_at, at, **outcome), at + self._kept)

    def _put(self, operation: Operation, status: Status, at: datetime) -> None:
        with refusing():
            self._results.put(operation.id, operation_result(status, operation.created_at, at), until=None)

    def _publish(self, operation: Operation, ended: Ended) -> None:
        with refusing():
            self._results.expire(self._clock())
            self._results.put(operation.id, ended.answer, until=ended.until)


@contextmanager
def refusing() -> Iterator[None]:
    """Say of a store that cannot be used what clients are told."""
    try:
        yield
    except ResultsUnavailable as error:
        raise DocumentRefused(Code.RESULTS_UNAVAILABLE, error.message, hint=error.hint) from error


class _Begun(msgspec.Struct, forbid_unknown_fields=True):
    status: Literal["notStarted", "running"]
    createdDateTime: datetime  # noqa: N815 - the documented name
    lastUpdatedDateTime: datetime  # noqa: N815


def abandoned(begun: bytes, at: datetime) -> bytes:
    """The answer of an operation whose container is gone, from its last one; ``ValueError`` where that is none."""
    last = msgspec.json.decode(begun, type=_Begun)
    error = {"code": INTERNAL, "message": "the container that read the document is gone: send the document again"}
    return operation_result("failed", last.createdDateTime, at, error=error)


def _hours(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    return "1 hour" if hours == 1 else f"{hours:.4g} hours"
