"""Plans in a test's hand, and the book they are entered in."""

from datetime import UTC, datetime
from typing import Any

from licensing.db.database import reading, writing
from tests.site import Site, a_plan
from usage.plans.model import Plan
from usage.plans.store import add_plan, from_document, list_plans


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def plan(start: str = "2026-01-01", end: str = "2027-01-01", **changes: Any) -> Plan:
    return from_document(a_plan(starts_at=day(start), ends_at=day(end), **changes))


def enter(site: Site, plan: Plan) -> bool:
    with writing(site.ledger) as connection:
        return add_plan(connection, plan)


def entered(site: Site) -> list[Plan]:
    with reading(site.ledger) as connection:
        return list(list_plans(connection))
