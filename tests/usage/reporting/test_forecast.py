from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usage.commitments import day, plan
from usage.quantity import MICRO
from usage.reporting.forecast import Cover, Pace, cover, pace_on, project, used_up_day

TODAY = 20_000


def used(*days: int) -> dict[int, Fraction]:
    """Use on the days up to yesterday, the last one given being yesterday's."""
    return {TODAY - len(days) + place: Fraction(quantity) for place, quantity in enumerate(days)}


@pytest.mark.parametrize("days", [0, 1, 6])
def test_less_than_a_whole_week_has_no_pace(days: int) -> None:
    assert pace_on(used(*[5] * days), TODAY) is None


def test_a_single_week_has_a_pace_and_no_range() -> None:
    assert pace_on(used(7, 0, 0, 0, 0, 0, 7), TODAY) == Pace(1, Fraction(2), None, None)


def test_the_weeks_before_yesterday_give_the_range() -> None:
    assert pace_on(used(*[1] * 7, *[4] * 7), TODAY) == Pace(2, Fraction(5, 2), Fraction(1), Fraction(4))


def test_what_is_left_of_a_week_at_the_beginning_does_not_count() -> None:
    assert pace_on(used(*[1000] * 6, *[1] * 7), TODAY) == Pace(1, Fraction(1), None, None)


def test_only_the_last_four_weeks_count() -> None:
    assert pace_on(used(*[1000] * 7, *[1] * 28), TODAY) == Pace(4, Fraction(1), Fraction(1), Fraction(1))


@pytest.mark.parametrize("later", [TODAY, TODAY + 1])
def test_today_and_what_lies_ahead_do_not_count(later: int) -> None:
    assert pace_on(used(*[1] * 7) | {later: Fraction(1000)}, TODAY) == Pace(1, Fraction(1), None, None)


def test_weeks_without_use_are_weeks_of_nothing() -> None:
    assert pace_on({TODAY - 100: Fraction(9)}, TODAY) == Pace(4, Fraction(0), Fraction(0), Fraction(0))


NOON = day("2026-12-22T12:00")
END = day("2027-01-01")


def runs_out(remaining: int, per_day: int) -> datetime | None:
    known = Pace(1, Fraction(per_day), None, None)
    return project(known, used=0, committed=remaining, at=NOON, ends_at=END).expected.runs_out_at


@pytest.mark.parametrize(
    ("remaining", "per_day", "expected"),
    [
        (10, 10, "2026-12-23T12:00"),
        (15, 10, "2026-12-24"),
        (1, 3, "2026-12-22T20:00"),
        (95, 10, None),
        (94, 10, "2026-12-31T21:36"),
        (10, 0, None),
        (0, 10, None),
        (-1, 10, None),
    ],
    ids=[
        "a day from now",
        "a day and a half",
        "eight hours",
        "at the very end",
        "just before the end",
        "nothing is used",
        "used up to the last",
        "used up and more",
    ],
)
def test_a_commitment_runs_out_where_the_pace_meets_it(remaining: int, per_day: int, expected: str | None) -> None:
    assert runs_out(remaining, per_day) == (None if expected is None else day(expected))


def test_the_projected_use_is_what_is_used_and_the_pace_for_the_rest() -> None:
    known = Pace(4, Fraction(10), Fraction(2), Fraction(20))
    found = project(known, used=100, committed=150, at=NOON, ends_at=END)
    assert found.least is not None and found.most is not None
    assert [one.used for one in (found.least, found.expected, found.most)] == [119, 195, 290]


@given(
    st.lists(st.integers(0, 10**15), min_size=14, max_size=40),
    st.integers(0, 10**18),
    st.integers(1, 10**18),
    st.integers(0, 366 * 86_400),
)
def test_the_range_holds_what_is_expected(days: list[int], already: int, committed: int, second: int) -> None:
    known = pace_on(used(*days), TODAY)
    assert known is not None and known.lowest is not None and known.highest is not None
    assert known.lowest <= known.per_day <= known.highest
    at = END - timedelta(seconds=second)
    found = project(known, used=already, committed=committed, at=at, ends_at=END)
    assert found.least is not None and found.most is not None
    assert already <= found.least.used <= found.expected.used <= found.most.used
    last = [one.runs_out_at or END for one in (found.most, found.expected, found.least)]
    assert at <= last[0] <= last[1] <= last[2] <= END or already >= committed


def test_the_day_a_commitment_is_used_up_is_that_of_its_last_unit() -> None:
    daily = used(3, 4, 3)
    first = TODAY - 3
    assert [used_up_day(daily, committed, first, TODAY) for committed in (3, 4, 7, 10, 11)] == [
        *(first, first + 1, first + 1, first + 2, None)
    ]
    assert used_up_day(daily, 4, first + 1, TODAY) == first + 1
    assert used_up_day(daily, 10, first, TODAY - 1) is None


def covered(overage: int, at: str) -> Cover | None:
    one = plan("2026-01-01", "2027-01-01")
    return cover(one, overage * MICRO, day(at), start=one.starts_at, end=one.ends_at)


@pytest.mark.parametrize(
    ("overage", "at", "full", "prorated"),
    [
        (1, "2026-01-01", 1, 1),
        (500_000, "2026-01-01T23:59:59.999", 1, 1),
        (500_000, "2026-01-02", 1, 2),
        (500_001, "2026-01-01", 2, 2),
        (1_369, "2026-12-31", 1, 1),
        (1_370, "2026-12-31", 1, 2),
        (1, "2027-01-01", 1, None),
    ],
)
def test_units_cover_an_overage(overage: int, at: str, full: int, prorated: int | None) -> None:
    assert covered(overage, at) == Cover(overage * MICRO, full, prorated)


@pytest.mark.parametrize("overage", [0, -1])
def test_what_is_not_over_needs_no_cover(overage: int) -> None:
    assert covered(overage, "2026-06-01") is None


@given(st.integers(1, 10**9), st.integers(0, 364))
def test_the_units_named_cover_it_and_one_less_would_not(overage: int, after: int) -> None:
    one = plan()
    at = one.starts_at + timedelta(days=after)
    found = cover(one, overage, at, start=one.starts_at, end=one.ends_at)
    assert found is not None and found.prorated is not None
    assert one.prorate(found.prorated, at) >= overage > one.prorate(found.prorated - 1, at)
    assert found.full * one.quota >= overage > (found.full - 1) * one.quota
