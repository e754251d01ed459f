"""What an audit finds: faults, each of one numbered check, the first ones in full and all of them counted."""

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum

from licensing.core.instants import from_milliseconds, iso
from licensing.core.text import printable
from usage.months import DAY_MS, Month

KEPT = 20
"""How many faults are reported in full; the rest is only counted, so that a badly damaged ledger needs no memory."""


class AuditCheck(IntEnum):
    """The checks, numbered as in docs/audit.md and ``usage.auditing.run``."""

    NUMBERS = 1
    HEADS = 2
    ROWS = 3
    TOTALS = 4
    MONTHS = 5
    OUTSIDE = 6
    AGAINST = 7
    SCHEMA = 8
    FILES = 9
    PAGES = 10
    TYPES = 11
    BOOKED = 12
    DERIVED = 13


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the ledger that is not what was written: by which check, where, and what is wrong there."""

    check: AuditCheck
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Faults:
    """The faults of one audit in the order they are found: those of the batches first, in the order of the batches."""

    def __init__(self) -> None:
        self.first: list[Fault] = []
        self.counts: Counter[AuditCheck] = Counter()

    def add(self, check: AuditCheck, where: str, what: str) -> None:
        """Take note of a fault."""
        self.counts[check] += 1
        if len(self.first) < KEPT:
            self.first.append(Fault(check, where, what))


def day_text(day: object) -> str:
    """A day of the totals, as a date where it is one."""
    try:
        return iso(from_milliseconds(int(str(day)) * DAY_MS))[:10]
    except (ValueError, OverflowError, OSError):
        return f"day {printable(day)}"


def month_text(number: object) -> str:
    """A month's number as YYYY-MM, where it is one."""
    try:
        return str(Month.from_number(int(str(number))))
    except ValueError:
        return f"month {printable(number)}"
