from dataclasses import replace

import pytest

from licensing.core.errors import BadCall
from licensing.db.database import writing
from tests.site import METER, Site
from tests.usage.commitments import enter, entered, plan
from usage.plans.model import MeterShare
from usage.plans.store import map_meter, unmap_meter
from usage.quantity import MICRO

pytestmark = pytest.mark.databases("sqlite", "postgresql")


@pytest.mark.parametrize("meters", [(METER,), (), ("b", "a", "c")])
def test_the_same_plan_twice_is_once(site: Site, meters: tuple[str, ...]) -> None:
    one = plan(meters=meters)
    assert (enter(site, one), enter(site, one), entered(site)) == (True, False, [one])


def test_another_plan_of_the_same_name_is_refused(site: Site) -> None:
    enter(site, plan())
    with pytest.raises(BadCall, match="plan read-2026 already exists with other terms: tier T1 here, T2 there"):
        enter(site, plan(tier="T2"))


@pytest.mark.parametrize(("start", "end"), [("2026-12-31", "2027-12-31"), ("2025-01-01", "2026-01-02")])
def test_plans_of_one_meter_may_run_at_the_same_time(site: Site, start: str, end: str) -> None:
    enter(site, plan())
    assert enter(site, plan(start, end, name="other"))
    assert [share.meter for one in entered(site) for share in one.meters] == [METER, METER]


def test_plans_may_follow_each_other_to_the_instant(site: Site) -> None:
    enter(site, plan())
    assert enter(site, plan("2027-01-01", "2028-01-01", name="read-2027"))
    assert enter(site, plan("2025-01-01", "2026-01-01", name="read-2025"))
    assert [one.name for one in entered(site)] == ["read-2025", "read-2026", "read-2027"]


def test_plans_of_different_meters_may_overlap(site: Site) -> None:
    enter(site, plan())
    assert enter(site, plan(name="speech", meters=("speech",)))


def map_it(site: Site, meter: str, multiplier: int = 1, divisor: int = 1, name: str = "read-2026") -> MeterShare | None:
    with writing(site.ledger) as connection:
        return map_meter(connection, name, MeterShare(meter, multiplier, divisor))


def test_what_differs_is_named_term_by_term(site: Site) -> None:
    enter(site, plan())
    with pytest.raises(BadCall) as refused:
        enter(site, replace(plan(end="2026-12-31"), quota=600_000 * MICRO, auto_renew=True))
    assert refused.value.message.removeprefix("plan read-2026 already exists with other terms: ").split("; ") == [
        "quota 500,000 here, 600,000 there",
        "ends_at 2027-01-01T00:00:00Z here, 2026-12-31T00:00:00Z there",
        "auto_renew no here, yes there",
    ]


def test_more_units_than_entered_point_to_amend(site: Site) -> None:
    enter(site, plan())
    with pytest.raises(BadCall, match="count 1 here, 3 there") as refused:
        enter(site, plan(count=3))
    assert "azlic plan amend read-2026 --units 2 --from DATE" in refused.value.hint


def test_a_plan_mapped_by_hand_is_the_same_plan(site: Site) -> None:
    enter(site, plan())
    map_it(site, "other")
    map_it(site, METER, 2)
    assert not enter(site, plan())
    with pytest.raises(BadCall, match="meter third only there") as refused:
        enter(site, plan(meters=("third",)))
    assert refused.value.hint == "azlic plan map read-2026 METER"


def test_meters_are_mapped_remapped_and_unmapped(site: Site) -> None:
    enter(site, plan())
    assert map_it(site, "seconds", 1, 3600) is None
    assert map_it(site, "seconds", 1, 60) == MeterShare("seconds", 1, 3600)
    with writing(site.ledger) as connection:
        assert unmap_meter(connection, "read-2026", METER) == MeterShare(METER)
    (only,) = entered(site)
    assert only.meters == (MeterShare("seconds", 1, 60),)


def test_what_is_not_mapped_cannot_be_unmapped(site: Site) -> None:
    enter(site, plan())
    with pytest.raises(BadCall, match="meter x does not draw on plan read-2026"), writing(site.ledger) as connection:
        unmap_meter(connection, "read-2026", "x")


def test_a_meter_may_be_mapped_on_several_plans(site: Site) -> None:
    enter(site, plan())
    enter(site, plan("2026-12-31", "2027-12-31", name="late", meters=()))
    assert map_it(site, METER, name="late") is None
    assert [[share.meter for share in one.meters] for one in entered(site)] == [[METER], [METER]]


def test_a_plan_that_is_not_there_is_said_so(site: Site) -> None:
    with pytest.raises(BadCall, match="there is no plan named nothing"):
        map_it(site, METER, name="nothing")
