from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.database import reading, writing
from licensing.errors import BadCall
from tests.site import METER, Site, a_plan
from usage.plans import MeterShare, Period, Plan, add_plan, from_document, plans
from usage.quantity import MICRO


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def plan(start: str = "2026-01-01", end: str = "2027-01-01", **changes: Any) -> Plan:
    return from_document(a_plan(starts_at=day(start), ends_at=day(end), **changes))


def period(plan: Plan, at: str) -> tuple[str, str]:
    start, end = plan.period_around(day(at))
    return f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}"


def enter(site: Site, plan: Plan) -> bool:
    with writing(site.ledger) as connection:
        return add_plan(connection, plan)


def entered(site: Site) -> list[Plan]:
    with reading(site.ledger) as connection:
        return list(plans(connection))


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
    assert plan(count=3).committed == 1_500_000 * MICRO


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


@pytest.mark.parametrize("meters", [(METER,), (), ("b", "a", "c")])
def test_the_same_plan_twice_is_once(site: Site, meters: tuple[str, ...]) -> None:
    one = plan(meters=meters)
    assert (enter(site, one), enter(site, one), entered(site)) == (True, False, [one])


def test_another_plan_of_the_same_name_is_refused(site: Site) -> None:
    enter(site, plan())
    with pytest.raises(BadCall, match="there is another plan named read-2026"):
        enter(site, plan(tier="T2"))


@pytest.mark.parametrize(("start", "end"), [("2026-12-31", "2027-12-31"), ("2025-01-01", "2026-01-02")])
def test_a_meter_draws_on_one_plan_at_a_time(site: Site, start: str, end: str) -> None:
    enter(site, plan())
    with pytest.raises(BadCall, match=f"meter {METER} already draws on plan read-2026 at that time"):
        enter(site, plan(start, end, name="other"))
    assert len(entered(site)) == 1


def test_plans_may_follow_each_other_to_the_instant(site: Site) -> None:
    enter(site, plan())
    assert enter(site, plan("2027-01-01", "2028-01-01", name="read-2027"))
    assert enter(site, plan("2025-01-01", "2026-01-01", name="read-2025"))
    assert [one.name for one in entered(site)] == ["read-2025", "read-2026", "read-2027"]


def test_plans_of_different_meters_may_overlap(site: Site) -> None:
    enter(site, plan())
    assert enter(site, plan(name="speech", meters=("speech",)))
