"""Licenses that are watched: the verdict on each, as fresh as a container would have it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Verdict
from licensing.verification.gate import Gate
from licensing.verification.mounts import Mounts, find_mounts


class Watched:
    """A gate before each mount that some paths stand for.

    A mount that comes below one of the paths joins; one that has been seen stays, so that a license that is taken away
    is missing and does not just vanish from the list. Another trust store is a reason to ask every gate again.
    """

    def __init__(self, paths: Sequence[Path], examine: Callable[[Path, datetime, Seen], Verdict], trust: Path) -> None:
        self._paths = paths
        self._examine = examine
        self._trust = trust
        self._trust_seen: object = None
        self._gates: dict[Path, Gate] = {}

    def look(self, now: datetime) -> tuple[Mounts, list[Verdict]]:
        """The mounts as they are, and the verdict on each as of ``now``; only what may have changed is examined."""
        mounts = find_mounts(self._paths)
        given = set(self._paths).difference(mounts.paths)
        paths = dict.fromkeys((*mounts.paths, *(path for path in self._gates if path not in given)))
        known = self._gates if self._same_trust() else {}
        self._gates = {path: known.get(path) or Gate(path, partial(self._examine, path)) for path in paths}
        verdicts = [gate.verdict(now) for gate in self._gates.values()]
        return mounts._replace(paths=tuple(paths), alone=mounts.alone and len(paths) == 1), verdicts

    def _same_trust(self) -> bool:
        try:
            found = self._trust.stat()
            seen: object = (found.st_dev, found.st_ino, found.st_mtime_ns)
        except OSError as error:
            seen = error.errno
        before, self._trust_seen = self._trust_seen, seen
        return before == seen
