"""The asynchronous operations: who asked for what, and what came of it, for as long as that is kept."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from engines.read.limits import KEPT
from engines.read.refusal import Code, DocumentRefused
from engines.read.result import Status, operation_result
from engines.results.store import ResultStore

_ENVELOPE_BYTES = 1024
"""More than an answer has around the text."""


class Operation(NamedTuple):
    """One document under way, under an id that nobody can guess."""

    id: str
    created_at: datetime


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

    def check_size(self, analyze_result: bytes) -> None:
        """Refuse a result that could not be kept until it is asked for."""
        if not self._results.takes(len(analyze_result) + _ENVELOPE_BYTES):
            raise DocumentRefused(
                Code.INVALID_IMAGE_SIZE,
                f"the text of the document, with {len(analyze_result)} bytes, is too large to be kept",
                hint="send the document in parts",
            )

    def succeed(self, operation: Operation, analyze_result: bytes) -> None:
        """Publish the result."""
        self._put(operation, "succeeded", self._clock(), analyzeResult=msgspec.Raw(analyze_result))

    def fail(self, operation: Operation, code: str, message: str) -> None:
        """Publish why there is no result."""
        self._put(operation, "failed", self._clock(), error={"code": code, "message": message})

    def answer(self, operation_id: str) -> bytes:
        """The state of the operation, as its client gets it; ``DocumentRefused`` (NotFound) if unknown or forgotten."""
        if answer := self._results.get(operation_id, now=self._clock()):
            return answer
        raise DocumentRefused(
            Code.NOT_FOUND,
            "there is no such operation",
            hint=f"results are kept for {_hours(self._kept)}, in the container that read the document",
        )

    def _put(self, operation: Operation, status: Status, at: datetime, **outcome: object) -> None:
        answer = operation_result(status, operation.created_at, at, **outcome)
        if not outcome:
            self._results.put(operation.id, answer, until=None)
            return
        self._results.expire(at)
        self._results.put(operation.id, answer, until=at + self._kept)


def _hours(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    return "1 hour" if hours == 1 else f"{hours:.4g} hours"
