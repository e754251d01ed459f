"""What Azure can change of a plan, the ledger can: noted with its day, by import and by hand, rows only added."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select

from licensing.core.errors import BadCall
from licensing.db.database import reading, writing
from tests.site import Site
from tests.usage.commitments import day, enter, entered, plan
from tests.usage.plans.test_azure_plans import CURRENT, NEXT, azure, changed, take
from usage.ledger.tables.records import PlanRenewalRow
from usage.plans.amendments import amend_plan
from usage.plans.model import MeterShare, NextTerm, Plan, same_length_after
from usage.plans.renewals import day_of_change, note_renewal, stated_term
from usage.plans.store import find_plan, list_plans, map_meter
from usage.quantity import MICRO

pytestmark = pytest.mark.databases("sqlite", "postgresql")


def note(site: Site, *, auto_renew: bool, next_term: NextTerm | None = None, at: str | None = None) -> bool:
    with writing(site.ledger) as connection:
        one = find_plan(connection, "read-2026", site.now)
        since = day(at) if at else day_of_change(one, site.now)
        noted = note_renewal(
            connection,
            one,
            auto_renew=auto_renew,
            next_term=next_term,
            effective_at=since,
            now=site.now,
            entered_by="ada",
        )
        return noted is not None


def known(site: Site, until: str) -> list[tuple[str, str, int, int]]:
    with reading(site.ledger) as connection:
        found = list_plans(connection, day(until))
    return [(one.name, one.tier, one.count, one.quota // MICRO) for one in found]


def test_renewing_itself_is_turned_off_and_on_again_and_each_turn_stays(site: Site) -> None:
    enter(site, plan())
    turns = [note(site, auto_renew=on) for on in (False, True, True, False, True)]
    assert turns == [False, True, False, True, True]
    (only,) = entered(site)
    assert [(turn.auto_renew, turn.effective_at, turn.entered_by) for turn in only.renewals] == [
        (on, day(f"{site.now:%Y-%m-%d}"), "ada") for on in (True, False, True)
    ]
    assert only.auto_renew and only.ends_at == day("2027-01-01")


def test_a_plan_that_renews_itself_goes_on_year_after_year(site: Site) -> None:
    enter(site, replace(plan(), auto_renew=True))
    assert known(site, "2027-01-01") == [("read-2026", "T1", 1, 500_000)]
    assert [name for name, *_ in known(site, "2029-05-01")] == [
        *("read-2026", "read-2026@2027-01-01", "read-2026@2028-01-01", "read-2026@2029-01-01")
    ]


def test_a_term_that_is_to_come_is_found_by_its_name_and_entered_when_it_is_changed(site: Site) -> None:
    enter(site, replace(plan(), auto_renew=True))
    with writing(site.ledger) as connection:
        amend_plan(connection, "read-2026@2028-01-01", 2, day("2028-01-01"), now=site.now)
        map_meter(connection, "read-2026@2029-01-01", MeterShare("more"))
        with pytest.raises(BadCall, match="there is no plan named read-2026@2029-02-30"):
            find_plan(connection, "read-2026@2029-02-30")
    found = {one.name: (one.units_by(one.ends_at), len(one.meters), one.renewed_from) for one in entered(site)}
    assert found == {
        "read-2026": (1, 1, None),
        "read-2026@2028-01-01": (3, 1, None),
        "read-2026@2029-01-01": (3, 2, None),
    }


def test_a_next_term_comes_once_and_then_goes_on_as_it_is(site: Site) -> None:
    enter(site, plan())
    note(site, auto_renew=True, next_term=NextTerm("T2", 3, 2_000_000 * MICRO, day("2028-01-01")))
    assert known(site, "2028-06-01") == [
        ("read-2026", "T1", 1, 500_000),
        ("read-2026@2027-01-01", "T2", 3, 2_000_000),
        ("read-2026@2028-01-01", "T2", 3, 2_000_000),
    ]
    note(site, auto_renew=False)
    assert known(site, "2028-06-01") == [("read-2026", "T1", 1, 500_000)]


def test_a_term_that_was_entered_takes_the_place_of_the_one_that_was_noted(site: Site) -> None:
    enter(site, replace(plan(), auto_renew=True))
    enter(site, plan("2027-01-01", "2028-01-01", name="read-2027"))
    assert [name for name, *_ in known(site, "2029-01-01")] == ["read-2026", "read-2027"]


@pytest.mark.parametrize("at", ["2025-12-31", "2027-01-01", "2026-05-01T00:00:01"])
def test_it_stands_from_a_whole_day_of_the_plan(site: Site, at: str) -> None:
    enter(site, plan())
    with pytest.raises(BadCall, match="is not "):
        note(site, auto_renew=True, at=at)


def test_what_was_noted_later_stands_from_no_earlier_day(site: Site) -> None:
    enter(site, plan())
    note(site, auto_renew=True, at="2026-06-01")
    with pytest.raises(BadCall, match="2026-05-31 is not a day on which plan read-2026 can be changed"):
        note(site, auto_renew=False, at="2026-05-31")
    assert note(site, auto_renew=False, at="2026-06-01")


STEPS: Mapping[str, tuple[dict[str, Any], str]] = {
    "renews": ({"autoRenew": True}, "renews itself"),
    "ends": ({"autoRenew": False}, "no longer renews itself"),
    "a unit more": ({"current": CURRENT | {"count": 3}}, "+1 unit from 2026-"),
    "a unit less": ({"current": CURRENT | {"count": 1}}, "-1 unit from 2026-"),
    "as at first": ({"current": CURRENT}, "-1 unit from 2026-"),
    "next tier": ({"next": NEXT}, "becomes T2 x 2 at its end"),
    "next count": ({"next": NEXT | {"count": 7}}, "becomes T2 x 7 at its end"),
    "no next": ({"next": None}, "no other next term any more"),
}


@pytest.mark.parametrize("step", STEPS)
def test_what_azure_changed_is_noted_by_importing_it_again(site: Site, step: str) -> None:
    before: dict[str, dict[str, Any]] = {"ends": {"autoRenew": True}, "no next": {"next": NEXT}}
    before["as at first"] = {"current": CURRENT | {"count": 3}}
    take(site, azure(**before.get(step, {})))
    properties, told = STEPS[step]
    done = take(site, azure(**properties))
    assert not done.refused and told in done.entered[0].changed[0], done
    again = take(site, azure(**properties))
    assert again.entered[0].changed == () and not again.entered[0].added


@pytest.mark.parametrize("seed", range(3))
def test_any_walk_of_azures_ends_where_azure_is(site: Site, seed: int) -> None:
    state: dict[str, Any] = {"autoRenew": False, "current": CURRENT, "next": None}
    take(site, azure(**state))
    for step in Random(seed).choices(sorted(STEPS), k=6):
        state |= STEPS[step][0]
        assert not take(site, azure(**state)).refused
        one = entered(site)[0]
        coming = one.noted_term
        assert (one.auto_renew, coming and (coming.tier, coming.count)) == (
            state["autoRenew"],
            state["next"] and (state["next"]["tier"], state["next"]["count"]),
        )
        assert one.units_by(one.ends_at) == state["current"]["count"]


def test_a_file_that_says_nothing_of_renewal_changes_nothing_of_it(site: Site) -> None:
    take(site, azure(autoRenew=True))
    cut = azure()
    for name in ("autoRenew", "next"):
        del cut["properties"][name]
    assert take(site, cut).entered[0].changed == () and entered(site)[0].auto_renew


def test_rows_are_only_added(site: Site) -> None:
    take(site, azure())
    steps: list[dict[str, Any]] = [{"autoRenew": True}, {"next": NEXT}, {}, {"autoRenew": True}]
    for number, properties in enumerate(steps, 1):
        take(site, azure(**properties))
        with reading(site.ledger) as connection:
            counted = connection.execute(select(func.count()).select_from(PlanRenewalRow)).scalar_one()
        assert counted == number


def test_a_changed_count_counts_from_the_day_that_is_stated(site: Site) -> None:
    take(site, azure())
    take(site, azure(current=CURRENT | {"count": 4}), start=day("2026-07-02"))
    (only,) = entered(site)
    assert only.commitment_at(day("2026-07-01")) == 1_000_000 * MICRO
    assert only.commitment_at(day("2026-07-02")) == 1_000_000 * MICRO + only.prorate(2, day("2026-07-02"))


def test_a_next_term_is_stated_by_what_differs() -> None:
    one = plan()
    assert stated_term(one, tier=None, units=None, quota=None, ends_at=None) is None
    assert stated_term(one, tier=None, units=4, quota=None, ends_at=None) == NextTerm(
        "T1", 4, one.quota, day("2028-01-01")
    )
    with pytest.raises(BadCall, match="what one unit of tier T2 commits to is not known"):
        stated_term(one, tier="T2", units=1, quota=None, ends_at=None)
    with pytest.raises(BadCall, match="the next term cannot end at 2027-01-01"):
        stated_term(one, tier=None, units=None, quota=None, ends_at=one.ends_at)
    cut = plan("2026-03-15", "2027-01-01")
    with pytest.raises(BadCall, match="was cut short"):
        stated_term(cut, tier=None, units=4, quota=None, ends_at=None)


@pytest.mark.parametrize(
    ("start", "end", "after"),
    [
        ("2026-01-01", "2027-01-01", "2028-01-01"),
        ("2026-03-15", "2027-03-15", "2028-03-15"),
        ("2026-04-01", "2026-05-01", "2026-06-01"),
        ("2026-11-30", "2026-12-30", "2027-01-30"),
        ("2026-12-30", "2027-01-30", None),
        ("2026-03-28", "2026-04-01", None),
        ("2026-03-15", "2027-01-01", None),
    ],
)
def test_a_term_renews_itself_for_as_many_months(start: str, end: str, after: str | None) -> None:
    assert same_length_after(day(start), day(end)) == (after and day(after))


def test_a_plan_cut_short_does_not_say_what_its_next_term_commits_to(site: Site) -> None:
    cut = replace(plan("2026-03-15", "2027-01-01"), auto_renew=True)
    assert cut.renewed() is None
    take(site, azure(current=changed(CURRENT, startDate="2026-03-15T00:00:00Z"), next=NEXT, autoRenew=True))
    assert [one.starts_at for one in entered(site)] == [day("2026-03-15"), day("2027-01-01")]


def test_what_follows_keeps_meters_and_units_that_were_added(site: Site) -> None:
    take(site, azure(autoRenew=True))
    take(site, azure(autoRenew=True, current=CURRENT | {"count": 5}))
    with reading(site.ledger) as connection:
        first, second = list_plans(connection, day("2027-01-02"))
    assert (second.count, second.meters, second.arm_id) == (5, first.meters, first.arm_id)
    assert second.changes == () and isinstance(second, Plan) and second.starts_at - first.ends_at == timedelta()
