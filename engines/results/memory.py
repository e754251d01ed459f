"""Results in the memory of one process. A restart forgets them all."""

import threading
from datetime import datetime
from typing import NamedTuple

MOST_BYTES = 256 * 1024 * 1024
_OWN_BYTES = 1024  # what an entry weighs besides its content, so that the number of entries is bounded too


class _Kept(NamedTuple):
    content: bytes
    until: datetime

    @property
    def weight(self) -> int:
        return _OWN_BYTES + len(self.content)


class MemoryResults:
    """Results of this process; those of ended work take at most ``most_bytes`` together.

    Those that somebody has asked for make room first: nobody's text is lost to a client that never fetches its own,
    as long as there is another to let go.
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._open: dict[str, bytes] = {}
        self._ended: dict[str, _Kept] = {}  # in the order in which they came
        self._fetched: dict[str, None] = {}  # in the order in which they were asked for
        self._weight = 0

    shared = False

    def takes(self, size: int) -> bool:
        """Whether there can be room for a result of ``size`` bytes."""
        return _OWN_BYTES + size <= self._most_bytes

    def put(self, key: str, content: bytes, *, until: datetime | None) -> None:
        """Keep ``content``; of what has an end, what was fetched, and then the oldest, makes room for the newest."""
        with self._lock:
            self._drop(key)
            if until is None:
                self._open[key] = content
                return
            kept = self._ended[key] = _Kept(content, until)
            self._weight += kept.weight
            while self._weight > self._most_bytes:
                self._drop(next(iter(self._fetched or self._ended)))

    def claim(self, key: str, content: bytes, *, until: datetime) -> bool:  # noqa: ARG002
        """Nobody else ends what this process works on."""
        return True

    def get(self, key: str, *, now: datetime) -> bytes | None:
        """What is kept under the key, or None."""
        with self._lock:
            self._expire(now)
            if (content := self._open.get(key)) is not None:
                return content
            kept = self._ended.get(key)
            if kept is None or now >= kept.until:
                return None
            self._fetched.setdefault(key)
            return kept.content

    def expire(self, now: datetime) -> None:
        """Free what has ended by ``now``, and came before everything that has not."""
        with self._lock:
            self._expire(now)

    def open(self) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """Nothing is to be done."""

    def _expire(self, now: datetime) -> None:
        while self._ended:
            oldest = next(iter(self._ended))
            if now < self._ended[oldest].until:
                break
            self._drop(oldest)

    def _drop(self, key: str) -> None:
        self._open.pop(key, None)
        self._fetched.pop(key, None)
        if kept := self._ended.pop(key, None):
            self._weight -= kept.weight
