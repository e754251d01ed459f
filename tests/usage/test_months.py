from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.core.errors import BadCall
from licensing.core.instants import from_milliseconds, milliseconds
from usage.months import DAY_MS, Month, day_number, is_midnight

months = st.builds(Month, st.integers(1970, 9998), st.integers(1, 12))
instants = st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
ONE = timedelta(microseconds=1)


@given(months)
def test_a_month_holds_its_first_instant_and_not_the_next_ones(month: Month) -> None:
    assert Month.of(month.starts_at) == month
    assert Month.of(month.next.starts_at - ONE) == month
    assert Month.of(month.next.starts_at) == month.next > month


@given(months)
def test_a_month_has_one_name_and_one_number(month: Month) -> None:
    assert Month.parse(str(month)) == month
    assert Month.from_number(month.number) == month
    assert month.number < month.next.number


@pytest.mark.parametrize(("month", "days"), [("2023-02", 28), ("2024-02", 29), ("2000-02", 29), ("2100-02", 28)])
def test_february_has_the_days_of_its_year(month: str, days: int) -> None:
    february = Month.parse(month)
    assert february.next.starts_at - february.starts_at == timedelta(days=days)


def test_january_follows_december() -> None:
    assert str(Month.parse("2026-12").next) == "2027-01"


def test_an_instant_elsewhere_lies_in_its_month_of_utc() -> None:
    auckland = timezone(timedelta(hours=13))
    assert str(Month.of(datetime(2026, 4, 1, 12, 59, tzinfo=auckland))) == "2026-03"
    assert str(Month.of(datetime(2026, 4, 1, 13, 0, tzinfo=auckland))) == "2026-04"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-3",
        "2026-13",
        "2026-00",
        "26-03",
        "2026-03\n",
        " 2026-03",
        "2026-03-01",
        "1969-12",
        "9999-01",
        "٢٠٢٦-٠٣",
    ],
)
def test_what_is_no_month_is_a_bad_call(text: str) -> None:
    with pytest.raises(BadCall, match="is not a month") as refused:
        Month.parse(text)
    assert refused.value.hint == "write it as 2026-11"


@given(instants)
def test_milliseconds_lose_less_than_one(instant: datetime) -> None:
    back = from_milliseconds(milliseconds(instant))
    assert timedelta() <= instant - back < timedelta(milliseconds=1)


@given(instants)
def test_a_day_begins_at_midnight_in_utc(instant: datetime) -> None:
    midnight = from_milliseconds(day_number(instant) * DAY_MS)
    assert is_midnight(midnight)
    assert midnight <= instant < midnight + timedelta(days=1)
    assert is_midnight(instant) == (instant - midnight < timedelta(milliseconds=1))
