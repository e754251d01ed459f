"""What a site has seen before: the newest time anything showed, and the newest serial of each license it accepted.

Both live in the ledger (``licensing.site_tables``), are handed to the verification as values, and only grow.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far this machine's clock may stand behind the newest witness before it is suspect."""


class WitnessKind(StrEnum):
    """What has shown an instant: a license, a usage record, or an answer that was given."""

    LICENSE = "license"
    RECORD = "record"
    EVALUATION = "evaluation"


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
    """Everything the verification compares a license and the clock with."""

    witnesses: tuple[Witness, ...] = ()
    accepted: Mapping[str, Accepted] = MappingProxyType({})
    statements: Mapping[tuple[str, str], int] = MappingProxyType({})

    @property
    def high_water(self) -> Witness | None:
        """The newest of all witnesses."""
        return max(self.witnesses, key=lambda witness: witness.instant, default=None)
