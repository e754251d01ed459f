"""What a site has seen before: the newest time anything showed, and the newest serial of each license it accepted.

Both live in the ledger (``licensing.history.tables``), are handed to the verification as values, and only grow. Beside
them stands what the operator has stated about licenses of another maker's, which azlic cannot read.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Self

from licensing.core.instants import iso

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far this machine's clock may stand behind the newest witness before it is suspect."""


class WitnessKind(StrEnum):
    """What has shown an instant: a license, a usage record, or an answer that was given."""

    LICENSE = "license"
    RECORD = "record"
    EVALUATION = "evaluation"

    @property
    def phrase(self) -> str:
        """The kind, as a phrase within a sentence."""
        return {"license": "a license", "record": "a usage record", "evaluation": "an earlier answer"}[self]


class Witness(NamedTuple):
    """The newest instant that one kind of witness has shown, and where."""

    kind: WitnessKind
    instant: datetime
    source: str


class Strike(NamedTuple):
    """A witness that the ledger's owner took back, as it stood: when, who, and why. It counts as ``at`` since."""

    number: int
    witness: Witness
    at: datetime
    by: str
    reason: str


def strike_words(strike: Strike) -> str:
    """A strike in a sentence: when, who, what, why."""
    shown = f"{strike.witness.kind.phrase} that had shown {iso(strike.witness.instant)} ({strike.witness.source})"
    return f"At {iso(strike.at)} {strike.by} struck {shown}: {strike.reason}."


class AcceptedLicense(NamedTuple):
    """The newest serial of a license that was accepted here, and the SHA-256 of its payload."""

    serial: int
    digest: bytes


class AdoptedLicense(NamedTuple):
    """A license that azlic cannot read: its SHA-256 and size in bytes, and what the operator stated about it.

    ``expires_at`` is exclusive. What was never stated is None. ``stated_by`` is the system's user who stated it.
    """

    digest: bytes
    size: int
    container_type: str
    image: str | None
    resource: str | None
    downloaded_at: datetime | None
    expires_at: datetime
    adopted_at: datetime
    stated_by: str


class Seen(NamedTuple):
    """Everything the verification compares a license and the clock with.

    ``statements`` holds the highest number of each issuer's ``rotation`` and ``revocations``, ``adopted`` what was
    stated about opaque licenses, by ``licensing.verification.mounts.place_of``, ``strikes`` the witnesses that the
    ledger's owner took back, the oldest first. ``unread`` says why the ledger that
    would know could not be asked. ``compared`` is False where the caller
    named the instant, so that no clock is in question.
    """

    witnesses: tuple[Witness, ...] = ()
    accepted: Mapping[str, AcceptedLicense] = MappingProxyType({})
    statements: Mapping[tuple[str, str], int] = MappingProxyType({})
    adopted: Mapping[str, AdoptedLicense] = MappingProxyType({})
    strikes: tuple[Strike, ...] = ()
    unread: str = ""
    compared: bool = True

    def at_a_named_instant(self) -> Self:
        """What still counts where the caller names the instant: what was stated, and nothing to compare with."""
        return self._replace(witnesses=(), accepted={}, statements={}, compared=False)

    def with_witnesses(self, more: tuple[Witness, ...]) -> Self:
        """The same, with witnesses that somebody else has seen."""
        return self._replace(witnesses=self.witnesses + more)

    @property
    def high_water(self) -> Witness | None:
        """The newest of all witnesses."""
        return max(self.witnesses, key=lambda witness: witness.instant, default=None)

    def ahead_of(self, now: datetime) -> tuple[Witness, ...]:
        """The witnesses that are later than a clock that says ``now``."""
        return tuple(witness for witness in self.witnesses if witness.instant > now)

    def clock_behind(self, now: datetime) -> str | None:
        """Why a clock that says ``now`` is suspect, in words; None where nothing speaks against it."""
        mark = self.high_water
        if mark is None or mark.instant <= now + CLOCK_TOLERANCE:
            return None
        return f"the clock says {iso(now)}, but {mark.kind.phrase} already showed {iso(mark.instant)} ({mark.source})"


NOTHING_SEEN = Seen()
