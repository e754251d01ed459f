"""Months: half-open intervals in UTC, named YYYY-MM."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from licensing.core.errors import BadCall
from licensing.core.instants import milliseconds

DAY_MS = 86_400_000

_FORM = re.compile(r"(?!9999)([0-9]{4})-([0-9]{2})")  # what can be asked for has a month that follows


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in UTC: from its first instant up to, not including, the next month's."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1970 <= self.year <= 9999 and 1 <= self.month <= 12):
            raise ValueError(f"there is no month {self.year}-{self.month}")

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read ``YYYY-MM``. Raises ``BadCall`` for anything else."""
        match = _FORM.fullmatch(text)
        try:
            return cls(*map(int, match.groups() if match else (0, 0)))
        except ValueError as error:
            raise BadCall(f"{text!r} is not a month", hint="write it as 2026-11") from error

    @classmethod
    def of(cls, instant: datetime) -> "Month":
        """The month that contains an instant."""
        utc = instant.astimezone(UTC)
        return cls(utc.year, utc.month)

    @classmethod
    def from_number(cls, number: int) -> "Month":
        """The month whose number this is."""
        return cls(*divmod(number, 100))

    @property
    def number(self) -> int:
        """The month as one rising integer, 202611: its key in the ledger."""
        return self.year * 100 + self.month

    @property
    def starts_at(self) -> datetime:
        """The month's first instant."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def next(self) -> "Month":
        """The month that follows."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def day_number(instant: datetime) -> int:
    """Days since 1970-01-01 in UTC: the ledger's key of a day."""
    return milliseconds(instant) // DAY_MS


def is_midnight(instant: datetime) -> bool:
    """Whether an instant is the first of a day in UTC."""
    return milliseconds(instant) % DAY_MS == 0
