"""What became of the reports that were taken: an entry for each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from usage.months import Month


class ReadingOutcome(StrEnum):
    """What became of a report."""

    BOOKED = "booked"
    FELL = "fell"
    UNCHANGED = "unchanged"
    KNOWN = "known"
    OLDER = "older"
    HELD_BACK = "held-back"
    COMPARED = "compared"


@dataclass(frozen=True, slots=True)
class ReceiptEntry:
    """One report and what became of it. ``amounts`` are the increases booked, or what a mirror reads beyond its other.

    In millionths, by meter. ``rounded`` are the numbers that were, as they are written.
    """

    month: Month | None
    taken_at: datetime
    origin: str
    outcome: ReadingOutcome
    amounts: Mapping[str, int] = field(default_factory=dict)
    rounded: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadingsReceipt:
    """What became of a source's reports, and the findings that are new.

    ``outside`` is what its mount holds in months that were never read, in millionths by meter.
    """

    source: str
    mirror_of: str | None
    entries: tuple[ReceiptEntry, ...]
    records: int
    findings: tuple[str, ...]
    outside: Mapping[str, int]
