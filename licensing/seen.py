"""What a site has seen before: the newest time anything showed, and the newest serial of each license it accepted.

Both live in the ledger (``licensing.site_tables``), are handed to the verification as values, and only grow.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Self

from licensing.instants import iso

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far this machine's clock may stand behind the newest witness before it is suspect."""


class WitnessKind(StrEnum):
    """What has shown an instant: a license, a usage record, or an answer that was given."""

    LICENSE = "license"
    RECORD = "record"
    EVALUATION = "evaluation"

    @property
    def phrase(self) -> str:
        """The kind, as it stands in a sentence."""
        return {"license": "a license", "record": "a usage record", "evaluation": "an earlier answer"}[self]


class Witness(NamedTuple):
    """The newest instant that one kind of witness has shown, and where."""

    kind: WitnessKind
    instant: datetime
    source: str


class Accepted(NamedTuple):
    """The newest serial of a license that was accepted here, and the SHA-256 of its payload."""

    serial: int
    digest: bytes


class Seen(NamedTuple):
    """Everything the verification compares a license and the clock with.

    ``statements`` holds the highest number of each issuer's ``rotation`` and ``revocations``. ``unread`` says why the
    ledger that would know could not be asked.
    """

    witnesses: tuple[Witness, ...] = ()
    accepted: Mapping[str, Accepted] = MappingProxyType({})
    statements: Mapping[tuple[str, str], int] = MappingProxyType({})
    unread: str = ""

    def with_witnesses(self, more: tuple[Witness, ...]) -> Self:
        """The same, with witnesses that somebody else has seen."""
        return self._replace(witnesses=self.witnesses + more)

    @property
    def high_water(self) -> Witness | None:
        """The newest of all witnesses."""
        return max(self.witnesses, key=lambda witness: witness.instant, default=None)

    def clock_behind(self, now: datetime) -> str | None:
        """Why a clock that says ``now`` is suspect, in words; None where nothing speaks against it."""
        mark = self.high_water
        if mark is None or mark.instant <= now + CLOCK_TOLERANCE:
            return None
        return f"the clock says {iso(now)}, and {mark.kind.phrase} showed {iso(mark.instant)} before ({mark.source})"


NOTHING_SEEN = Seen()
