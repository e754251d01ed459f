"""Reports as they arrive: read from a container or carried on a stick, with our own time stamp."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from licensing.core.errors import AzlicError, BadCall
from licensing.core.files import FileTooLarge, read_file
from licensing.core.instants import from_milliseconds, iso, milliseconds
from usage.months import Month
from usage.records.usage_logs import MAX_BYTES, UnusableBody, UsageLogs, parse_usage_logs

EARLIEST = Month(2015, 1)
"""No such container is older; the ledger's time stamps could not tell the years before 1974 from seconds."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report of a month, or of everything (None), that can be read: the bytes as they came, and what they say.

    ``taken_at`` is when it was taken, to the millisecond; where nobody said so (``stated`` is False) it is when it
    came here.
    """

    month: Month | None
    content: bytes
    logs: UsageLogs
    origin: str
    taken_at: datetime
    stated: bool = True

    @classmethod
    def of(
        cls, content: bytes, *, month: Month | None, origin: str, taken_at: datetime, stated: bool = True
    ) -> "Arrival":
        """Read a body. Raises ``UnusableBody``."""
        whole = from_milliseconds(milliseconds(taken_at))
        return cls(month, content, parse_usage_logs(content, month=month), origin, whole, stated)

    def rounded(self) -> "Arrival":
        """The same, with its numbers rounded that are too fine to be counted."""
        return replace(self, logs=parse_usage_logs(self.content, month=self.month, rounds=True))

    @property
    def month_number(self) -> int:
        """The month as the ledger keeps it: 0 means everything."""
        return self.month.number if self.month else 0

    @property
    def what(self) -> str:
        """What it reports, for people."""
        return str(self.month) if self.month else "all time"


def check_month(month: Month, *, taken_at: datetime) -> Month:
    """The month, if it can be reported at that instant. Raises ``BadCall`` for one that had not begun."""
    if month < EARLIEST:
        raise BadCall(f"no container reports a month as old as {month}", hint=f"name one from {EARLIEST} on")
    if month.starts_at > taken_at:
        raise BadCall(
            f"{month} had not begun at {iso(taken_at)}", hint="name the month that was asked for, and when it was taken"
        )
    return month


def from_file(path: Path, *, month: Month | None, now: datetime, taken_at: datetime | None = None) -> Arrival:
    """A report that was carried here in a file; ``taken_at`` is when it was taken, where that is known.

    Raises ``BadCall`` for a month or an instant that cannot be, ``AzlicError`` for a file that is not a usage report.
    """
    if taken_at is not None and taken_at > now:
        raise BadCall(f"{iso(taken_at)} is in the future", hint="state when the report was taken, in UTC")
    if month is not None:
        check_month(month, taken_at=taken_at or now)
    try:
        return Arrival.of(
            read_file(path, MAX_BYTES),
            month=month,
            origin=path.name,
            taken_at=taken_at or now,
            stated=taken_at is not None,
        )
    except (FileTooLarge, UnusableBody) as error:
        raise AzlicError(
            f"{path} is not a usage report: {error}",
            hint="give it the answer to GET /records/usage-logs/03/2026, unchanged; nothing was booked",
        ) from error
