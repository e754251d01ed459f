from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.core.errors import BadCall
from tests.site import a_plan
from tests.usage.commitments import day, plan
from usage.plans.model import Change, MeterShare, Period, Plan
from usage.plans.store import from_document
from usage.quantity import MICRO


def period(plan: Plan, at: str) -> tuple[str, str]:
    start, end = plan.period_around(day(at))
    return f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-15", ("2026-03-15", "2026-04-01")),
        ("2026-03-31T23:59:59.999999", ("2026-03-15", "2026-04-01")),
        ("2026-04-01", ("2026-04-01", "2026-05-01")),
        ("2026-12-31", ("2026-12-01", "2027-01-01")),
        ("2027-01-01", ("2027-01-01", "2027-01-20")),
    ],
)
def test_a_period_of_a_month_is_the_calendars_within_the_plan(at: str, expected: tuple[str, str]) -> None:
    assert period(plan("2026-03-15", "2027-01-20", period="month"), at) == expected


@pytest.mark.parametrize(
    ("start", "at", "expected"),
    [
        ("2026-01-01", "2026-12-31T23:59:59", ("2026-01-01", "2027-01-01")),
        ("2026-03-15", "2027-03-14", ("2026-03-15", "2027-03-15")),
        ("2026-03-15", "2027-03-15", ("2027-03-15", "2028-03-15")),
        ("2026-03-15", "2030-05-01", ("2030-03-15", "2030-06-01")),
        ("2024-02-29", "2025-02-28", ("2024-02-29", "2025-03-01")),
        ("2024-02-29", "2025-03-01", ("2025-03-01", "2026-03-01")),
        ("2024-02-29", "2028-02-28", ("2027-03-01", "2028-02-29")),
        ("2024-02-29", "2028-02-29", ("2028-02-29", "2029-03-01")),
    ],
)
def test_a_period_of_a_year_is_counted_from_the_plans_start(start: str, at: str, expected: tuple[str, str]) -> None:
    assert period(plan(start, "2030-06-01"), at) == expected


@given(
    st.dates(date(2020, 1, 1), date(2024, 12, 31)),
    st.integers(1, 3000),
    st.integers(0, 3000 * 86_400),
    st.sampled_from(["month", "year"]),
)
def test_periods_cover_a_plan_without_gap_or_overlap(first: date, days: int, second: int, kind: Period) -> None:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    one = replace(plan(), period=kind, starts_at=start, ends_at=start + timedelta(days))
    at = start + timedelta(seconds=second % (days * 86_400))
    begin, end = one.period_around(at)
    assert one.starts_at <= begin <= at < end <= one.ends_at
    assert begin == one.starts_at or one.period_around(begin - timedelta(microseconds=1))[1] == begin
    assert end == one.ends_at or one.period_around(end)[0] == end


def test_a_plan_commits_to_its_quota_for_every_unit_bought() -> None:
    assert plan(count=3).commitment_at(day("2026-06-01")) == 1_500_000 * MICRO


def test_seconds_are_converted_into_hours_rounded_down() -> None:
    assert MeterShare("m", 1, 3600).in_plan_units(3599 * MICRO) == 999_722
    assert MeterShare("m", 3, 2).in_plan_units(3) == 4


@pytest.mark.parametrize("changes", [{"start": "2026-01-01T08:00"}, {"end": "2026-12-31T23:59:59"}])
def test_a_plan_starts_and_ends_at_midnight_in_utc(changes: dict[str, str]) -> None:
    with pytest.raises(BadCall, match="does not start and end at 00:00 UTC") as refused:
        plan(**changes)
    assert refused.value.hint == "give both as plain dates"


def test_midnight_elsewhere_is_not_midnight_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    with pytest.raises(BadCall, match="00:00 UTC"):
        from_document(a_plan(starts_at=datetime(2026, 1, 1, tzinfo=berlin)))
    from_document(a_plan(starts_at=datetime(2026, 1, 1, 1, tzinfo=berlin)))


@pytest.mark.parametrize("changes", [{"quota": 0}, {"count": 0}, {"count": -1}])
def test_a_plan_commits_to_something(changes: dict[str, Any]) -> None:
    with pytest.raises(BadCall, match="commits to nothing"):
        replace(plan(), **changes)


def test_a_plan_that_ends_when_it_starts_is_none() -> None:
    instant = day("2026-01-01")
    with pytest.raises(BadCall, match="ends before it starts"):
        replace(plan(), starts_at=instant, ends_at=instant)


@pytest.mark.parametrize(
    ("quota", "start", "end", "at", "added"),
    [
        (1_000_000, "2022-03-01", "2022-04-01", "2022-03-28", 129_032),
        (1_000_000, "2022-10-01", "2022-11-01", "2022-10-19", 419_354),
        (1_000_000, "2021-11-01", "2021-12-01", "2021-11-30", 33_333),
    ],
    ids=["4 of 31 days", "13 of 31 days", "1 of 30 days"],
)
def test_units_are_prorated_as_azure_did_it(quota: int, start: str, end: str, at: str, added: int) -> None:
    one = replace(plan(start, end, period="month"), quota=quota * MICRO)
    assert one.prorate(1, day(at)) == added * MICRO


@pytest.mark.parametrize(
    ("start", "end", "at", "added"),
    [
        ("2026-01-01", "2027-01-01", "2026-01-01", 500_000),
        ("2026-01-01", "2027-01-01", "2026-01-02", 498_630),
        ("2026-01-01", "2027-01-01", "2026-12-31", 1_369),
        ("2028-01-01", "2029-01-01", "2028-02-29", 419_398),
        ("2026-03-15", "2027-05-15", "2027-03-14", 1_369),
        ("2026-03-15", "2027-05-15", "2027-03-15", 500_000),
        ("2026-03-15", "2027-05-15", "2027-05-14", 8_196),
    ],
    ids=[
        "the first day",
        "the second day",
        "the last day",
        "a leap day of 366",
        "the last day of the first period",
        "the first day of a period cut short",
        "the last of its 61 days",
    ],
)
def test_the_days_left_count_from_the_day_itself(start: str, end: str, at: str, added: int) -> None:
    assert plan(start, end).prorate(1, day(at)) == added * MICRO


def test_several_units_are_rounded_down_together() -> None:
    assert plan().prorate(3, day("2026-12-31")) == 4_109 * MICRO  # three times 1,369.86


@given(st.integers(1, 10**12), st.integers(1, 1000), st.integers(0, 730), st.sampled_from(["month", "year"]))
def test_proration_never_exceeds_the_full_quota(quota: int, units: int, after: int, kind: Period) -> None:
    one = replace(plan("2026-01-15", "2028-01-16", period=kind), quota=quota * MICRO)
    at = one.starts_at + timedelta(days=after)
    added = one.prorate(units, at)
    assert 0 <= added <= units * one.quota
    assert added % MICRO == 0
    assert (added == units * one.quota) == (at == one.period_around(at)[0])


def test_added_units_count_pro_rated_in_their_period_and_in_full_later() -> None:
    change = Change(day("2026-03-10"), 2, 700_000 * MICRO, prorated=True, entered_at=day("2026-03-09"))
    one = replace(plan(period="month"), changes=(change,))
    at = ("2026-02-28", "2026-03-09T23:59:59.999", "2026-03-10", "2026-03-31", "2026-04-01", "2026-12-31")
    assert [one.commitment_at(day(text)) // MICRO for text in at] == [
        *(500_000, 500_000, 1_200_000, 1_200_000, 1_500_000, 1_500_000)
    ]
    assert [one.units_by(day(text)) for text in at] == [1, 1, 3, 3, 3, 3]


def test_a_plan_of_14_months_has_a_period_of_a_year_and_one_of_two_months() -> None:
    one = plan("2026-03-15", "2027-05-15")
    periods = [(f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}") for start, end in one.periods(one.starts_at, one.ends_at)]
    assert periods == [("2026-03-15", "2027-03-15"), ("2027-03-15", "2027-05-15")]
    assert [one.commitment_at(start) for start, _ in one.periods(one.starts_at, one.ends_at)] == [one.quota] * 2


def test_a_meter_stands_once_on_a_plan() -> None:
    with pytest.raises(BadCall, match="meter m is listed twice in plan read-2026"):
        replace(plan(), meters=(MeterShare("m"), MeterShare("m", 1, 60)))


def test_ratios_are_kept_in_lowest_terms() -> None:
    assert MeterShare("m", 2, 7200) == MeterShare("m", 1, 3600)


@pytest.mark.parametrize(("multiplier", "divisor"), [(0, 1), (1, 0), (-1, 1), (1, 10**12 + 1)])
def test_a_ratio_is_of_two_whole_numbers_above_nothing(multiplier: int, divisor: int) -> None:
    with pytest.raises(BadCall, match="is not a valid ratio for meter m"):
        MeterShare("m", multiplier, divisor)


@pytest.mark.parametrize("changes", [{"quota": 10**18 + MICRO}, {"count": 2**31}])
def test_more_than_the_ledger_can_count_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadCall, match="commits to more than can be counted"):
        replace(plan(), **changes)


@pytest.mark.parametrize("changes", [{"name": ""}, {"unit": "x" * 201}, {"tier": "T\x1b[31m1"}])
def test_names_are_short_and_printable(changes: dict[str, Any]) -> None:
    with pytest.raises(BadCall, match="is not a valid name for a part of a plan"):
        replace(plan(), **changes)
