"""The gate: what a running container asks before each piece of work."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from licensing.verdict.seen import Seen, Witness, WitnessKind
from licensing.verdict.verdict import Verdict
from licensing.verification.mounts import LICENSE_NAME

RECHECK_AFTER = timedelta(minutes=1)


class Gate:
    """Asks for the verdict again whenever it could have changed, and only then.

    That is: at the instant a date of the license passes, when the file is another one, when the clock was turned
    back, and once a minute in any case. A renewed license is so taken without a restart, a removed one noticed. The
    newest instant it was asked about is a witness against a clock that was turned back.
    """

    def __init__(self, folder: Path, examine: Callable[[datetime, Seen], Verdict]) -> None:
        self._folder = folder
        self._newest: datetime | None = None
        self._examine = examine
        self._lock = threading.Lock()
        self._seen: tuple[Verdict, object] | None = None

    def verdict(self, now: datetime) -> Verdict:
        """The verdict as of ``now``."""
        with self._lock:
            identity = self._identity()
            if self._seen is None or self._stale(*self._seen, now, identity):
                self._seen = (self._examine(now, self._recall()), identity)
            self._newest = max(now, self._newest or now)
            return self._seen[0]

    def _recall(self) -> Seen:
        if self._newest is None:
            return Seen()
        return Seen((Witness(WitnessKind.EVALUATION, self._newest, "this process"),))

    def _identity(self) -> object:
        try:
            found = (self._folder / LICENSE_NAME).stat()
        except NotADirectoryError:
            found = self._folder.stat()  # the file itself was named
        except OSError as error:
            return error.errno
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    @staticmethod
    def _stale(verdict: Verdict, seen: object, now: datetime, identity: object) -> bool:
        until = verdict.as_of + RECHECK_AFTER
        if verdict.changes_at is not None:
            until = min(until, verdict.changes_at)
        return identity != seen or not verdict.as_of <= now < until
