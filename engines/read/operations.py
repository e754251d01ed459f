"""The asynchronous operations: who asked for what, and what came of it. In memory, for 48 hours."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from engines.read.refusal import Code, DocumentRefused
from engines.read.result import operation_result

KEPT = timedelta(hours=48)
STORE_BYTES = 256 * 1024 * 1024
_OWN_BYTES = 1024  # what an operation weighs besides its result, so that the number is bounded too


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One document under way: its status and, at the end, the encoded ``analyzeResult`` or the error."""

    id: str
    status: Literal["notStarted", "running", "succeeded", "failed"]
    created_at: datetime
    updated_at: datetime
    analyze_result: bytes | None = None
    error: dict[str, str] | None = None

    def answer(self) -> bytes:
        """What the client gets that asks for this operation."""
        outcome: dict[str, Any] = {}
        if self.analyze_result is not None:
            outcome["analyzeResult"] = msgspec.Raw(self.analyze_result)
        if self.error is not None:
            outcome["error"] = self.error
        return operation_result(self.status, self.created_at, self.updated_at, **outcome)

    @property
    def weight(self) -> int:
        return _OWN_BYTES + len(self.analyze_result or b"")


class Operations:
    """The operations of this process, safe to use from several threads.

    An ended operation is kept for 48 hours, the oldest for less if all results together outgrow
    ``store_bytes``. A restart forgets them all.
    """

    def __init__(self, *, clock: Callable[[], datetime], store_bytes: int = STORE_BYTES) -> None:
        self._clock = clock
        self._store_bytes = store_bytes
        self._lock = threading.Lock()
        self._open: dict[str, Operation] = {}
        self._ended: dict[str, Operation] = {}  # in the order of their end
        self._weight = 0

    def begin(self) -> Operation:
        """Note a new operation, not yet started, under an id nobody can guess."""
        now = self._clock()
        operation = Operation(id=str(uuid.uuid4()), status="notStarted", created_at=now, updated_at=now)
        with self._lock:
            self._open[operation.id] = operation
        return operation

    def run(self, operation_id: str) -> None:
        """Note that the document is being read."""
        with self._lock:
            operation = self._open[operation_id]
            self._open[operation_id] = replace(operation, status="running", updated_at=self._clock())

    def succeed(self, operation_id: str, analyze_result: bytes) -> None:
        """Publish the result."""
        self._end(operation_id, status="succeeded", analyze_result=analyze_result)

    def fail(self, operation_id: str, code: str, message: str) -> None:
        """Publish why there is no result."""
        self._end(operation_id, status="failed", error={"code": code, "message": message})

    def get(self, operation_id: str) -> Operation:
        """The operation as it stands; ``Refused`` (NotFound) if it is unknown or forgotten."""
        with self._lock:
            self._forget()
            operation = self._open.get(operation_id) or self._ended.get(operation_id)
        if operation is None:
            raise DocumentRefused(
                Code.NOT_FOUND,
                "there is no such operation",
                hint="results are kept for 48 hours, in the container that read the document",
            )
        return operation

    def _end(self, operation_id: str, **outcome: Any) -> None:
        with self._lock:
            operation = self._open.pop(operation_id)
            ended = replace(operation, updated_at=self._clock(), **outcome)
            self._ended[operation_id] = ended
            self._weight += ended.weight
            self._forget()

    def _forget(self) -> None:
        now = self._clock()
        while self._ended:
            oldest = next(iter(self._ended.values()))
            if self._weight <= self._store_bytes and now - oldest.updated_at < KEPT:
                break
            del self._ended[oldest.id]
            self._weight -= oldest.weight
