"""Azure's own JSON, in the shapes that were recorded."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from licensing.core.errors import AzlicError, BadCall
from licensing.db.database import writing
from tests.site import METER, Site
from tests.usage.commitments import day, entered
from usage.plans.azure_decode import MAX_BYTES, read_json
from usage.plans.azure_entry import ImportedPlans, enter_plans
from usage.plans.azure_import import AzurePlans, parse_plans, parse_tiers
from usage.plans.model import MeterShare, NextTerm, Plan
from usage.quantity import MICRO

CURRENT = {
    "tier": "T1",
    "count": 2,
    "startDate": "2026-01-01T00:00:00Z",
    "endDate": "2027-01-01T00:00:00Z",
    "quota": {"quantity": 500000, "unit": "Transaction"},
}
NEXT = CURRENT | {"tier": "T2", "startDate": "2027-01-01T00:00:00Z", "endDate": "2028-01-01T00:00:00Z"}
TIERS = {
    "value": [
        {
            "kind": "ComputerVision",
            "skuName": "DC0",
            "hostingModel": "DisconnectedContainer",
            "planType": "Read",
            "tier": "T1",
            "maxCount": 10,
            "quota": {"quantity": 500000, "unit": "Transaction"},
            "cost": {},
        }
    ],
    "nextLink": None,
}


GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
KIND = "Microsoft.CognitiveServices/accounts/commitmentPlans"


def azure(
    name: str = "plant", current: dict[str, Any] | None = CURRENT, *, account: str = "hall-1", **properties: Any
) -> dict[str, Any]:
    fields = {
        "provisioningState": "Succeeded",
        "hostingModel": "DisconnectedContainer",
        "planType": "Read",
        "autoRenew": False,
        "current": current,
        "next": None,
    }
    identity = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/{account}/commitmentPlans/{name}"
    return {"id": identity, "type": KIND, "name": name, "etag": '"0"', "properties": fields | properties}


def changed(term: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (term | changes).items() if value != "gone"}


def parse(content: object, *, tiers: object = None, meters: tuple[str, ...] = ()) -> AzurePlans:
    known = {} if tiers is None else parse_tiers(json.dumps(tiers).encode(), "tiers.json")
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return parse_plans(raw, "plans.json", period="year", tiers=known, meters=meters)


def found(content: object, **more: Any) -> list[Plan]:
    """The plans of a file in which nothing is wrong; else the first thing that is."""
    parsed = parse(content, **more)
    for refused in parsed.refused:
        raise refused.error
    return [entry.plan for entry in parsed.plans]


def enter(site: Site, content: object, **more: Any) -> list[tuple[Plan, bool]]:
    done = take(site, content, **more)
    for refused in done.refused:
        raise refused.error
    return [(entry.plan, entry.added) for entry in done.entered]


def take(site: Site, content: object, *, start: datetime | None = None, **more: Any) -> ImportedPlans:
    with writing(site.ledger) as connection:
        return enter_plans(connection, parse(content, **more), start=start, now=site.now, entered_by="ada")


@pytest.mark.parametrize(
    "content",
    [azure(), [azure()], {"value": [azure()]}, {"value": [azure()], "nextLink": None}],
    ids=["one plan", "a list", "Azure's list", "a list that says it is the last"],
)
def test_each_shape_holds_the_same_plan(content: object) -> None:
    (only,) = found(content)
    assert only == Plan(
        name="plant",
        plan_type="Read",
        tier="T1",
        count=2,
        quota=500_000 * MICRO,
        unit="Transaction",
        period="year",
        starts_at=day("2026-01-01"),
        ends_at=day("2027-01-01"),
        arm_id=azure()["id"],
    )


@pytest.mark.parametrize("count", ["gone", None, 1, 1.0])
def test_a_count_left_out_is_one(count: object) -> None:
    (only,) = found(azure(current=changed(CURRENT, count=count)))
    assert only.count == 1


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse(b"\xef\xbb\xbf" + json.dumps(azure()).encode()).plans


def test_characters_of_ten_billion_are_counted() -> None:
    term = changed(CURRENT, quota={"quantity": 10_000_000_000.0, "unit": "Transaction"})
    (only,) = found(azure(planType="Characters", current=term))
    assert only.quota == 10**10 * MICRO


def test_a_first_month_cut_short_has_a_next_one_in_full() -> None:
    cut = {"startDate": "2022-03-28T00:00:00Z", "endDate": "2022-04-01T00:00:00Z"}
    full = {"startDate": "2022-04-01T00:00:00Z", "endDate": "2022-05-01T00:00:00Z"}
    quotas = [{"quantity": quantity, "unit": "Transaction"} for quantity in (129032, 3000000)]
    content = azure(
        "ta",
        {"tier": "T1", "quota": quotas[0], **cut},
        next={"tier": "T2", "quota": quotas[1], **full},
        hostingModel="Web",
        planType="TA",
    )
    parsed = parse(content)
    ((plan, coming, _),) = parsed.plans
    assert (plan.tier, plan.count, plan.quota // MICRO) == ("T1", 1, 129_032)
    assert coming == NextTerm("T2", 1, 3_000_000 * MICRO, day("2022-05-01"))
    assert parsed.notes == ("plan ta: it is for hosting model Web, not DisconnectedContainer",)


def test_a_next_term_without_dates_is_as_long_as_this_one() -> None:
    ((_, coming, _),) = parse(azure(next={"tier": "T1", "count": 3})).plans
    assert coming == NextTerm("T1", 3, 500_000 * MICRO, day("2028-01-01"))


def test_a_next_term_whose_quota_nobody_states_is_said_and_not_taken() -> None:
    parsed = parse(azure(next={"tier": "T2"}))
    assert parsed.plans[0].next_term is None
    assert "its next term, T2, has no quota; state that of tier T2 with --tiers FILE" in parsed.notes[0]


def test_a_next_term_after_a_pause_is_refused() -> None:
    with pytest.raises(AzlicError, match=r"plan plant: properties\.next begins on 2027-01-02, not on 2027-01-01"):
        found(azure(next=NEXT | {"startDate": "2027-01-02T00:00:00Z"}))


@pytest.mark.parametrize("state", ["Failed", "Canceled", "Deleting", "Creating"])
def test_a_plan_that_does_not_stand_is_left_out_with_its_reason(state: str) -> None:
    parsed = parse([azure(), azure("other", provisioningState=state)])
    assert [entry.plan.name for entry in parsed.plans] == ["plant"]
    assert parsed.left_out == (f"plan other: its provisioningState is {state}",)


def test_a_plan_without_a_term_is_left_out_with_its_reason() -> None:
    assert parse(azure(current=None)).left_out == ("plan plant: it has no current term",)


def test_a_list_that_goes_on_elsewhere_is_said_to() -> None:
    parsed = parse({"value": [azure()], "nextLink": "https://management.azure.com/more"})
    assert len(parsed.plans) == 1 and "continues at its nextLink" in parsed.left_out[0]


def test_a_quota_left_out_is_that_of_the_tier() -> None:
    (only,) = found(azure(current=changed(CURRENT, quota="gone")), tiers=TIERS)
    assert (only.quota, only.unit) == (500_000 * MICRO, "Transaction")
    with pytest.raises(AzlicError, match="has no quota; state that of tier T1 with --tiers FILE"):
        found(azure(current=changed(CURRENT, quota=None)))


def test_a_quota_unlike_its_tiers_is_taken_and_said() -> None:
    total = changed(CURRENT, quota={"quantity": 1_000_000, "unit": "Transaction"})
    parsed = parse(azure(current=total), tiers=TIERS)
    assert parsed.plans[0].plan.quota == 1_000_000 * MICRO
    assert (
        "states 1,000,000 Transaction, its tier 500,000 Transaction: taken as stated, for each of 2" in parsed.notes[0]
    )


def test_a_tier_of_two_quotas_states_none() -> None:
    twice = [TIERS["value"][0], TIERS["value"][0] | {"quota": {"quantity": 1, "unit": "Hour"}}]  # type: ignore[index]
    with pytest.raises(AzlicError, match="tier DisconnectedContainer Read T1 is listed with two quotas"):
        found(azure(current=changed(CURRENT, quota="gone")), tiers=twice)
    assert found(azure(), tiers=twice), "a plan that states its own quota needs none of them"


WRONG = {
    "no JSON": (b"{", r"plans.json: it is not JSON \(.* at character 1\)"),
    "UTF-16": (json.dumps(azure()).encode("utf-16"), "plans.json: it is not UTF-8 text"),
    "a key twice": (b'{"name": "a", "name": "b"}', "a key occurs twice"),
    "a number": (b"3", "plans.json: all of it: "),
    "a refusal": ({"error": {"code": "x"}}, "plans.json: name: Field required"),
    "no properties": ([azure(), {"name": "x"}], r"plans.json: \[1\].properties: Field required"),
    "no type": ({"value": [azure(planType=None)]}, r"value\[0\].properties.planType: "),
    "a time within the day": (
        azure(current=CURRENT | {"endDate": "2026-12-31T23:59:59Z"}),
        "properties.current.endDate: .*2026-12-31T23:59:59Z is not 00:00 UTC",
    ),
    "midnight elsewhere": (
        azure(current=CURRENT | {"startDate": "2026-01-01T00:00:00+01:00"}),
        "properties.current.startDate: .* is not 00:00 UTC",
    ),
    "a date that is none": (azure(current=CURRENT | {"startDate": "soon"}), "startDate: .*is not a date"),
    "a date left out": (
        azure(current=changed(CURRENT, endDate="gone")),
        "properties.current has no startDate or no end",
    ),
    "an end before its start": (
        azure(current=CURRENT | {"endDate": "2025-01-01T00:00:00Z"}),
        "plan plant: plan plant ends before it starts",
    ),
    "a count of nothing": (azure(current=CURRENT | {"count": 0}), "properties.current.count: "),
    "a count in words": (azure(current=CURRENT | {"count": "2"}), "current.count: .*it is not a whole number"),
    "a count of true": (azure(current=CURRENT | {"count": True}), "current.count: .*it is not a whole number"),
    "a part of a transaction": (
        azure(current=CURRENT | {"quota": {"quantity": 0.5, "unit": "Transaction"}}),
        "properties.current.quota.quantity: ",
    ),
    "a quota past counting": (
        azure(current=CURRENT | {"quota": {"quantity": 10**13, "unit": "Transaction"}}),
        "commits to more than can be counted",
    ),
    "a license": ({"payloadType": "x", "payload": "", "signatures": []}, "is a license, not Azure's JSON"),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_with_its_place(content: object, message: str) -> None:
    with pytest.raises(AzlicError, match=message) as refused:
        found(content)
    assert refused.value.hint


def test_a_file_larger_than_any_list_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "plans.json"
    path.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(AzlicError, match=r"plans\.json: it is larger than 4,194,304 bytes"):
        read_json(path)


def test_a_plan_of_ours_gets_the_meter_of_our_container(site: Site) -> None:
    ((only, added),) = enter(site, azure())
    assert added and only.meters == (MeterShare(METER),)


def test_meters_stated_are_taken_and_no_other(site: Site) -> None:
    ((only, _),) = enter(site, azure(), meters=("Mine", "Yours"))
    assert [share.meter for share in only.meters] == ["Mine", "Yours"]


def test_a_meter_that_is_taken_is_not_suggested(site: Site) -> None:
    (first, _), (second, added) = enter(site, [azure(), azure("other")])
    assert added and (len(first.meters), second.meters) == (1, ())
    ((third, _),) = enter(site, azure("third"), meters=(METER,))
    assert third.meters == first.meters, "it was stated"


def test_hours_get_no_meter_by_themselves(site: Site) -> None:
    hours = changed(CURRENT, quota={"quantity": 2000, "unit": "Hour"})
    ((only, _),) = enter(site, azure(planType="STT", current=hours))
    assert only.meters == ()


def test_the_same_file_twice_changes_nothing(site: Site) -> None:
    first = enter(site, azure(next=NEXT))
    before = entered(site)
    second = enter(site, azure(next=NEXT))
    assert [(one.name, added) for one, added in first] == [("plant", True)]
    assert [added for _, added in second] == [False]
    assert [one.name for one in entered(site)] == ["plant", "plant@2027-01-01"] and entered(site) == before


def test_a_year_later_the_next_term_is_the_current_one(site: Site) -> None:
    enter(site, azure(next=NEXT))
    assert enter(site, azure(current=NEXT))[0][1] is False
    later = NEXT | {"startDate": "2028-01-01T00:00:00Z", "endDate": "2029-01-01T00:00:00Z"}
    assert [(one.name, added) for one, added in enter(site, azure(current=later))] == [("plant@2028-01-01", True)]
    assert [one.renewed_from for one in entered(site)] == [None, None, None]


def test_a_next_term_that_came_with_other_terms_is_as_it_came(site: Site) -> None:
    enter(site, azure(next=NEXT))
    assert enter(site, azure(current=NEXT | {"tier": "T4"}))[0][1] is True
    assert [(one.name, one.tier) for one in entered(site)] == [("plant", "T1"), ("plant@2027-01-01", "T4")]


def test_other_terms_of_the_same_plan_are_refused(site: Site) -> None:
    enter(site, azure())
    with pytest.raises(BadCall, match="tier T1 here, T4 there"):
        enter(site, azure(current=CURRENT | {"tier": "T4"}))
    assert len(entered(site)) == 1


def test_a_license_and_azure_may_tell_of_the_same_plan(site: Site) -> None:
    site.enter_plan()
    term = changed(CURRENT, count="gone")
    ((one, added),) = enter(site, azure("read-2026", term))
    assert not added and one.arm_id == azure("read-2026")["id"] and [*one.meters] == [MeterShare(METER)]
