"""Licenses that are watched: the verdict on each, as fresh as a container would have it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from licensing.verdict.seen import NOTHING_SEEN, Seen
from licensing.verdict.verdict import Verdict
from licensing.verification.gate import Gate
from licensing.verification.mounts import Mounts, Places, find_mounts

Examine = Callable[[Path, datetime, Seen], Verdict]
"""Verifies one license as of an instant, with what was seen before."""


class _Watched(NamedTuple):
    place: str
    gate: Gate


class Watched:
    """A gate before each mount that some paths refer to.

    A mount that comes below one of the paths joins; one that has been seen stays, so that a license that is taken away
    is missing and does not just vanish from the list. Another trust store, or something else than before in what
    ``read_seen`` gives of licenses that were accepted or adopted here, is a reason to ask every gate again; so is a
    witness of time that was struck, which a gate's own memory would go on telling.
    """

    def __init__(
        self, paths: Sequence[Path], examine: Examine, trust: Path, read_seen: Callable[[], Seen] = Seen
    ) -> None:
        self._paths = paths
        self._examine = examine
        self._trust = trust
        self._read_seen = read_seen
        self._seen = NOTHING_SEEN
        self._context: object = None
        self._gates: dict[Path, _Watched] = {}

    def look(self, now: datetime) -> tuple[Mounts, list[Verdict]]:
        """The mounts as they are, and the verdict on each as of ``now``; only what may have changed is examined."""
        places = Places()
        mounts = find_mounts(self._paths, places)
        found = {places.of(path) for path in (*mounts.paths, *self._paths)}
        paths = (*mounts.paths, *(path for path in self._gates if places.of(path) not in found))
        known = self._gates if self._same_context() else {}
        self._gates = {path: self._gate(path, places.of(path), known.get(path)) for path in paths}
        verdicts = [gate.verdict(now) for _, gate in self._gates.values()]
        return mounts._replace(paths=paths, alone=mounts.alone and len(paths) == 1), verdicts

    def _gate(self, path: Path, place: str, known: _Watched | None) -> _Watched:
        if known is not None and known.place == place:
            return known
        return _Watched(
            place, Gate(path, lambda now, seen: self._examine(path, now, self._seen.with_witnesses(seen.witnesses)))
        )

    def _same_context(self) -> bool:
        seen = self._seen = self._read_seen()
        try:
            found = self._trust.stat()
            trust: object = (found.st_dev, found.st_ino, found.st_mtime_ns)
        except OSError as error:
            trust = error.errno
        before, self._context = (
            self._context,
            (
                trust,
                seen.accepted,
                seen.statements,
                seen.adopted,
                seen.strikes,
                seen.unread,
            ),
        )
        return before == self._context
