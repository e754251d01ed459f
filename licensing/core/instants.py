"""Instants: aware, in UTC, written as ISO 8601 with a Z."""

import re
from datetime import UTC, datetime, timedelta

from licensing.core.errors import BadCall


def iso(instant: datetime) -> str:
    """Write an instant as ``2027-01-01T00:00:00Z``; a fraction of a second is kept only where there is one."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_the_second(instant: datetime) -> str:
    """Write an instant for people: a fraction of a second is cut off."""
    return iso(instant.replace(microsecond=0))


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 date or instant; without a zone it is UTC, and a bare date is its first moment.

    Raises ``BadCall`` for anything else.
    """
    try:
        instant = datetime.fromisoformat(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadCall(f"{text!r} is not a date or a time", hint="write 2027-01-01 or 2027-01-01T08:00:00Z") from error


def milliseconds(instant: datetime) -> int:
    """Unix time in milliseconds, rounded down."""
    whole = int(instant.replace(microsecond=0).timestamp())
    return whole * 1000 + instant.microsecond // 1000


def from_milliseconds(value: int) -> datetime:
    """The instant of a Unix time in milliseconds."""
    return datetime.fromtimestamp(value // 1000, tz=UTC).replace(microsecond=value % 1000 * 1000)


_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def parse_duration(text: str) -> timedelta:
    """Read a time such as ``365d``, ``12h``, ``30m`` or ``20s``. Raises ``BadCall`` for anything else, and for none."""
    match = re.fullmatch(r"(\d{1,6})([dhms])", text)
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta()
    if not duration:
        raise BadCall(f"{text!r} is not a duration", hint="write it as 365d, 12h, 30m or 20s")
    return duration
