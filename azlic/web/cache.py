"""The lookout: one look at the site for all who ask within a second, and an older one while the ledger is busy."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import Generic, TypeVar

from licensing.core.errors import AzlicError

FRESH_SECONDS = 1.0
PATIENCE_SECONDS = 0.5
"""How long a question waits for a new look while there is an older one."""
KEEP_SECONDS = 60.0
"""How long an older one is good for; what it says of when stands in it."""

Seen = TypeVar("Seen")


class Cache(Generic[Seen]):
    """Looks at most once a second, whoever asks how often, and never twice at the same time.

    A writer that holds the ledger keeps nobody waiting who has an answer of this last minute.
    """

    def __init__(self, look: Callable[[], Seen], *, clock: Callable[[], float] = monotonic) -> None:
        self._look = look
        self._clock = clock
        self._lock = threading.Lock()
        self._looking = ThreadPoolExecutor(1, "lookout")
        self._running: Future[Seen] | None = None
        self._last: tuple[float, Seen] | None = None

    def fresh(self) -> Seen | None:
        """What was seen within the last second, if anything was."""
        return self._younger_than(FRESH_SECONDS)

    def see(self) -> Seen:
        """What there is to be seen. Raises ``AzlicError`` when the site cannot be looked at, and not just for now."""
        with self._lock:
            if (seen := self.fresh()) is not None:
                return seen
            if self._running is None or self._running.done():
                self._running = self._looking.submit(self._look_now)
            running = self._running
        older = self._younger_than(KEEP_SECONDS)
        try:
            return running.result(None if older is None else PATIENCE_SECONDS)
        except (TimeoutError, AzlicError):
            if older is None:
                raise
            return older

    def _younger_than(self, seconds: float) -> Seen | None:
        last = self._last
        return last[1] if last is not None and self._clock() - last[0] < seconds else None

    def _look_now(self) -> Seen:
        started = self._clock()
        seen = self._look()
        self._last = (started, seen)
        return seen
