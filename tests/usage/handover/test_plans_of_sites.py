"""Head office with a plan of the same meter for each of two sites: rules give each site's use to its plan."""

import pytest

from licensing.db.database import reading, writing
from tests.site import START, a_plan
from tests.usage.handover.houses import HandingHouse, HeadOffice, later
from usage.auditing.run import audit
from usage.closing.close import close_month
from usage.months import Month
from usage.plans.model import Rule
from usage.plans.store import add_plan, add_rule, from_document, remove_rule
from usage.quantity import MICRO
from usage.reporting.report import MonthlyReport, monthly_report

MONTH = Month.of(START)
SITES = ("hall-7", "yard-1")


def report(office: HeadOffice) -> MonthlyReport:
    with reading(office.ledger) as connection:
        return monthly_report(connection, MONTH, as_of=office.now)


def used(office: HeadOffice) -> dict[str, int]:
    found = report(office)
    plans = {usage.plan.name: usage.used // MICRO for usage in found.plans}
    return plans | {"undecided": sum(row.month for row in found.undecided) // MICRO}


def rule(office: HeadOffice, plan: str, site: str, *, stands: bool = True) -> None:
    change = add_rule if stands else remove_rule
    with writing(office.ledger) as connection:
        change(connection, plan, Rule("site", site), now=office.now, entered_by="anna")


@pytest.mark.databases("sqlite", "postgresql")
def test_each_site_draws_on_its_own_plan(hall: HandingHouse, yard: HandingHouse, office: HeadOffice) -> None:
    office.enrol(yard)
    yard.use("c", "d", "e")
    for site in (hall, yard):
        office.accept(site.export())
    with writing(office.ledger) as connection:
        for name in SITES:
            add_plan(connection, from_document(a_plan(f"read-{name}")))
    assert used(office) == {"read-hall-7": 0, "read-yard-1": 0, "undecided": 5}
    for name in SITES:
        rule(office, f"read-{name}", name)
    wanted = {"read-hall-7": 2, "read-yard-1": 3, "undecided": 0}
    assert used(office) == wanted
    for usage in report(office).plans:
        (name,) = usage.subtotals.sites
        assert (f"read-{name}", usage.subtotals.sites[name].amounts[1]) == (usage.plan.name, usage.used)
        assert usage.rules == ((Rule("site", name),),)
    office.now = later(days=40)
    close_month(office.ledger, MONTH, now=office.now, accept="the sites hand over once a quarter")
    for name in SITES:
        rule(office, f"read-{name}", name, stands=False)
    assert used(office) == wanted
    assert audit(office.ledger).faults == ()
