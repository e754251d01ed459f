"""A plan of Azure's is known by its ARM id: two accounts with a plan of one name have two plans."""

from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import update

from licensing.core.errors import BadCall
from licensing.db.database import reading, writing
from tests.site import METER, Site
from tests.usage.commitments import day, enter, entered
from tests.usage.plans.test_azure_plans import CURRENT, NEXT, azure, changed, take
from usage.ledger.tables.records import PlanRow
from usage.plans.amendments import amend_plan
from usage.plans.azure_entry import EnteredPlan
from usage.plans.store import find_plan, rename_plan
from usage.quantity import MICRO

pytestmark = pytest.mark.databases("sqlite", "postgresql")

NAME = "DisconnectedContainer-Read"
SUBSCRIPTIONS = ("00000000-0000-0000-0000-000000000000", "11111111-1111-1111-1111-111111111111")


def read(account: str, group: str = "rg", subscription: str = SUBSCRIPTIONS[0], **changes: Any) -> dict[str, Any]:
    one = azure(NAME, account=account, **changes)
    one["id"] = one["id"].replace("/rg/", f"/{group}/").replace(SUBSCRIPTIONS[0], subscription)
    return one


def only(site: Site, content: object) -> EnteredPlan:
    done = take(site, content)
    assert not done.refused
    return done.entered[0]


@pytest.mark.parametrize("tier", ["T1", "T2"], ids=["the same terms", "other terms"])
def test_two_accounts_with_a_plan_of_one_name_have_two_plans(site: Site, tier: str) -> None:
    take(site, [read("hall-1"), read("hall-2", current=CURRENT | {"tier": tier})])
    assert [(one.name, one.account, one.tier) for one in entered(site)] == [
        (NAME, "hall-1", "T1"),
        (f"{NAME}@hall-2", "hall-2", tier),
    ]


FOUR = (
    read("hall-1"),
    read("hall-2"),
    read("hall-2", "other"),
    read("hall-2", "other", SUBSCRIPTIONS[1]),
)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_each_is_found_again_by_its_id_whatever_it_is_called(site: Site, order: tuple[int, ...]) -> None:
    take(site, [FOUR[number] for number in order])
    names = {one.arm_id: one.name for one in entered(site)}
    assert len(set(names.values())) == 4 and min(names.values(), key=len) == NAME
    with writing(site.ledger) as connection:
        rename_plan(connection, NAME, "mine")
    again = take(site, [one | {"id": one["id"].upper() + "/"} for one in FOUR])
    assert [(entry.added, entry.changed) for entry in again.entered] == [(False, ())] * 4
    assert len(entered(site)) == 4


def test_the_name_grows_by_account_then_group_then_subscription(site: Site) -> None:
    take(site, list(FOUR))
    assert [one.name.removeprefix(NAME) for one in entered(site)] == [
        "",
        "@hall-2",
        "@hall-2@other",
        f"@hall-2@other@{SUBSCRIPTIONS[1]}",
    ]


def test_a_command_takes_the_short_name_or_the_id_in_any_case(site: Site) -> None:
    take(site, [read("hall-1"), read("hall-2")])
    with reading(site.ledger) as connection:
        for name in (read("hall-2")["id"], read("hall-2")["id"].lower(), f"{NAME}@hall-2"):
            assert find_plan(connection, name).account == "hall-2"
        with pytest.raises(BadCall, match="there is no plan named /subscriptions/"):
            find_plan(connection, read("hall-3")["id"])


def test_of_several_terms_an_id_means_the_one_that_runs(site: Site) -> None:
    take(site, azure(next=NEXT))
    name = azure()["id"]
    with writing(site.ledger) as connection:
        amend_plan(connection, name, 1, day("2027-03-01"), now=site.now)
    with reading(site.ledger) as connection:
        found = [find_plan(connection, name, day(at)).name for at in ("2026-05-01", "2027-05-01")]
    assert found == ["plant", "plant@2027-01-01"]
    assert [(one.name, one.units_by(one.ends_at), one.renewed_from) for one in entered(site)] == [
        ("plant", 2, None),
        ("plant@2027-01-01", 3, None),
    ]


def without_id(site: Site) -> None:
    """As an earlier version entered it."""
    with writing(site.ledger) as connection:
        connection.execute(update(PlanRow).values(arm_id=None))


def test_a_plan_of_an_earlier_version_with_the_same_terms_gets_the_id(site: Site) -> None:
    take(site, read("hall-1"))
    without_id(site)
    done = take(site, [read("hall-1"), read("hall-2")])
    assert "was entered without an id" in done.entered[0].changed[0]
    assert [(one.name, one.account) for one in entered(site)] == [(NAME, "hall-1"), (f"{NAME}@hall-2", "hall-2")]


def test_a_plan_of_an_earlier_version_is_never_merged_with_one_that_may_be_anothers(site: Site) -> None:
    take(site, read("hall-1"))
    without_id(site)
    refused = take(site, read("hall-2", current=CURRENT | {"count": 3})).refused[0].error
    assert "count 2 here, 3 there; it was entered without an id" in refused.message
    assert f"azlic plan amend {NAME} --units 1 --from DATE" in refused.hint
    assert f"azlic plan rename {NAME} NEW" in refused.hint
    with writing(site.ledger) as connection:
        rename_plan(connection, NAME, "hall-1")
    assert only(site, read("hall-2", current=CURRENT | {"count": 3})).added
    assert [(one.name, one.count) for one in entered(site)] == [(NAME, 3), ("hall-1", 2)]


def test_a_plan_of_an_earlier_version_of_another_tier_is_another_plan(site: Site) -> None:
    take(site, read("hall-1"))
    without_id(site)
    assert only(site, read("hall-2", current=CURRENT | {"tier": "T2"})).plan.name == f"{NAME}@hall-2"


def test_without_ids_a_name_twice_in_a_file_is_refused(site: Site) -> None:
    nameless = [{name: value for name, value in read(account).items() if name != "id"} for account in ("a", "b")]
    done = take(site, nameless)
    assert [entry.plan.name for entry in done.entered] == [NAME]
    assert "nothing tells them apart" in done.refused[0].error.message


BAD = {
    "no plan at all": 3,
    "no properties": {"name": "x"},
    "no current dates": azure("x", changed(CURRENT, endDate="gone")),
    "a quota of half": azure("x", CURRENT | {"quota": {"quantity": 0.5, "unit": "Transaction"}}),
    "more than can be counted": azure("x", CURRENT | {"quota": {"quantity": 10**13, "unit": "Transaction"}}),
    "an id that is none": azure("x") | {"id": "x"},
    "a name of a slash": azure("/x"),
    "other terms": azure("known", CURRENT | {"tier": "T4"}),
    "a term that overlaps": azure("known", CURRENT | {"startDate": "2026-06-01T00:00:00Z"}),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_plan_that_cannot_be_taken_keeps_no_other_out(site: Site, bad: object, place: int) -> None:
    take(site, azure("known"))
    good = [azure("first"), azure("second", planType="STT")]
    done = take(site, {"value": [*good[:place], bad, *good[place:]]})
    assert [entry.plan.name for entry in done.entered] == ["first", "second"]
    assert len(done.refused) == 1 and done.refused[0].error.hint
    assert [one.name for one in entered(site)] == ["first", "known", "second"]


def test_a_meter_stated_for_all_is_that_of_each(site: Site) -> None:
    done = take(site, [azure("one"), azure("two", CURRENT | {"tier": "T4"})], meters=("Mine",))
    assert [(entry.plan.name, entry.plan.meters[0].meter) for entry in done.entered] == [
        ("one", "Mine"),
        ("two", "Mine"),
    ]


def test_a_short_name_is_no_id(site: Site) -> None:
    (one,) = [only(site, azure()).plan]
    with writing(site.ledger) as connection, pytest.raises(BadCall, match="is an ARM id, not a short name"):
        rename_plan(connection, one.name, azure()["id"])
    take(site, azure("other"))
    with pytest.raises(BadCall, match="there is a plan named plant already"), writing(site.ledger) as connection:
        rename_plan(connection, "other", "plant")


def test_the_meters_of_a_plan_go_on_with_its_next_term(site: Site) -> None:
    take(site, azure(), meters=("a", "b"))
    take(site, azure(current=NEXT))
    assert [[share.meter for share in one.meters] for one in entered(site)] == [["a", "b"], ["a", "b"]]
    assert METER not in {share.meter for one in entered(site) for share in one.meters}
    assert enter(site, entered(site)[0]) is False and entered(site)[1].quota == 500_000 * MICRO
