from datetime import datetime

import pytest

from licensing.core.errors import BadCall
from licensing.db.database import writing
from tests.site import Site
from tests.usage.commitments import day, enter, entered, plan
from usage.plans.amendments import amend_plan
from usage.plans.model import Change
from usage.quantity import MICRO

pytestmark = pytest.mark.databases("sqlite", "postgresql")


@pytest.fixture(autouse=True)
def read_plan(site: Site) -> None:
    enter(site, plan(period="month"))


def amend(site: Site, units: int, at: str | datetime, quota: int | None = None) -> Change | None:
    when = day(at) if isinstance(at, str) else at
    with writing(site.ledger) as connection:
        stated = None if quota is None else quota * MICRO
        return amend_plan(connection, "read-2026", units, when, quota=stated, now=site.now)


def committed(site: Site, at: str) -> int:
    (only,) = entered(site)
    return only.commitment_at(day(at)) // MICRO


def test_units_are_prorated_unless_their_quota_is_stated(site: Site) -> None:
    amend(site, 1, "2026-03-28")
    amend(site, 2, "2026-03-29", 7)
    (only,) = entered(site)
    assert [(change.units, change.quota // MICRO, change.prorated) for change in only.changes] == [
        (1, 64_516, True),
        (2, 7, False),
    ]
    assert [committed(site, at) for at in ("2026-03-27", "2026-03-28", "2026-03-31", "2026-04-01")] == [
        *(500_000, 564_516, 564_523, 2_000_000)
    ]


def test_the_same_units_twice_are_added_once(site: Site) -> None:
    assert amend(site, 1, "2026-03-28") is not None
    assert amend(site, 1, "2026-03-28") is None
    with pytest.raises(
        BadCall, match="were already added to plan read-2026 from that day with 64,516 Transaction, not 9"
    ):
        amend(site, 1, "2026-03-28", 9)
    assert committed(site, "2026-04-01") == 1_000_000


def test_a_mistake_is_taken_back_by_another_row(site: Site) -> None:
    amend(site, 10, "2026-03-28")
    amend(site, -10, "2026-03-28")
    assert amend(site, 1, "2026-03-28") is not None
    (only,) = entered(site)
    assert [change.units for change in only.changes] == [10, -10, 1]
    assert [committed(site, at) for at in ("2026-03-28", "2026-04-01")] == [564_516, 1_000_000]
    assert amend(site, 10, "2026-03-28") is not None


@pytest.mark.parametrize(("units", "at"), [(-1, "2026-03-28"), (-2, "2026-03-27")])
def test_only_what_was_added_can_be_taken_back(site: Site, units: int, at: str) -> None:
    amend(site, 2, "2026-03-28")
    with pytest.raises(BadCall, match="units were added"):
        amend(site, units, at)


def test_what_was_taken_back_cannot_be_taken_back_again(site: Site) -> None:
    amend(site, 2, "2026-03-28")
    amend(site, -2, "2026-03-28")
    with pytest.raises(BadCall, match="no 2 units were added"):
        amend(site, -2, "2026-03-28")


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("2026-03-28T00:00:01", "is not 00:00 UTC"),
        ("2026-03-28T23:59:59.999", "is not 00:00 UTC"),
        ("2025-12-31", "2025-12-31 is not a day of plan read-2026"),
        ("2027-01-01", "2027-01-01 is not a day of plan read-2026"),
    ],
)
def test_units_count_from_a_whole_day_of_the_plan(site: Site, at: str, message: str) -> None:
    with pytest.raises(BadCall, match=message):
        amend(site, 1, at)


@pytest.mark.parametrize("at", ["2026-01-01", "2026-12-31"])
def test_the_first_and_the_last_day_are_days_of_the_plan(site: Site, at: str) -> None:
    assert amend(site, 1, at) is not None


@pytest.mark.parametrize("units", [0, 2**31])
def test_a_number_of_units_that_cannot_be_is_refused(site: Site, units: int) -> None:
    with pytest.raises(BadCall, match="units cannot be added"):
        amend(site, units, "2026-03-28")


@pytest.mark.parametrize(("units", "quota"), [(2**31 - 1, 1), (1, 10**12 + 1)])
def test_more_than_can_be_counted_is_refused(site: Site, units: int, quota: int) -> None:
    with pytest.raises(BadCall, match="is more than can be counted"):
        amend(site, units, "2026-03-28", quota)
