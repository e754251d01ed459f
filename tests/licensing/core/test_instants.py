from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.core.errors import BadCall
from licensing.core.instants import iso, parse_duration, parse_instant


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2027-01-01", "2027-01-01T00:00:00Z"),
        ("2027-01-01T08:00", "2027-01-01T08:00:00Z"),
        ("2027-01-01 08:00:00", "2027-01-01T08:00:00Z"),
        ("2027-01-01T08:00:00Z", "2027-01-01T08:00:00Z"),
        ("2027-01-01T08:00:00+02:00", "2027-01-01T06:00:00Z"),
        ("2027-01-01T08:00:00.000001Z", "2027-01-01T08:00:00.000001Z"),
    ],
)
def test_reads_and_writes(text: str, written: str) -> None:
    assert iso(parse_instant(text)) == written


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_was_written_is_read(instant: datetime) -> None:
    assert parse_instant(iso(instant)) == instant


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2027-02-30", "2027-13-01", "01.02.2027", "0001-01-01T00:00:00+14:00", "1800000000"]
)
def test_refuses(text: str) -> None:
    with pytest.raises(BadCall, match="is not a date"):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("365d", timedelta(days=365)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("20s", timedelta(seconds=20)),
    ],
)
def test_reads_a_duration(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "0d", "-1d", "1", "d", "1w", "1d ", "1.5h", "1d12h", "1000000d"])
def test_refuses_a_duration(text: str) -> None:
    with pytest.raises(BadCall, match="is not a duration"):
        parse_duration(text)
