"""The one place where the program looks at a clock."""

from datetime import UTC, datetime

from licensing.core.instants import parse_instant


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def as_of(at: str | None) -> datetime:
    """The one instant a command answers for: the one asked for, or now, to the second."""
    return now().replace(microsecond=0) if at is None else parse_instant(at)
