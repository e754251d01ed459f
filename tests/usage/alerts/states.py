"""States in a test's hand, and what they say."""

from datetime import UTC, datetime, timedelta
from typing import Any

from licensing.verdict.verdict import Cause, Status
from tests.usage.commitments import day, plan
from usage.alerts.alert import Alert
from usage.alerts.conditions.all import alerts_of
from usage.alerts.rules import Rules
from usage.alerts.state import NO_LEDGER, DatedLicense, Issue, LedgerFacts, LicenseTerm, PlanFact, RefusedLicense, State
from usage.months import Month, day_number
from usage.plans.book import PlanBook
from usage.quantity import MICRO
from usage.reporting.daily import DayUse
from usage.reporting.draws import allocate
from usage.reporting.plan_usage import PlanUsage, usage_of_plan

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


YEAR_AGO = NOON - timedelta(days=365)


def a_fact(
    ends: datetime = NOON + timedelta(days=365),
    *,
    path: str = "/license",
    container: str = "read",
    grace_ends_at: datetime | None = None,
    begins: datetime = YEAR_AGO,
    issued_at: datetime = YEAR_AGO,
    stated: bool = False,
) -> DatedLicense:
    """A license at /license that began a year ago."""
    issue = None if stated else Issue("the license", issued_at, begins)
    return DatedLicense(path, container, LicenseTerm(ends, grace_ends_at or ends, issue), stamp=b"")


def refused(status: Status, cause: Cause | None = None) -> RefusedLicense:
    """A license that is no good at any date."""
    return RefusedLicense("/license", status, "it is so", cause, container="", term=None)


def a_state(now: datetime = NOON, **facts: Any) -> State:
    """A state that holds these facts, of the site or of its ledger, and nothing else."""
    told = {name: facts.pop(name) for name in LedgerFacts._fields if name in facts}
    nothing: dict[str, Any] = {"licenses": (), "trust": (), "clock_behind": None, "disks": ()}
    return State(now=now, **({"ledger": NO_LEDGER._replace(**told)} | nothing | facts))


def said(now: datetime = NOON, rules: Rules | None = None, **facts: Any) -> list[Alert]:
    """The alerts of a state."""
    return list(alerts_of(a_state(now, **facts), rules or Rules()))


def ids(alerts: list[Alert]) -> list[str]:
    return [alert.id for alert in alerts]


def stages(alerts: list[Alert]) -> list[tuple[str, str, str]]:
    return [(alert.kind, alert.stage, alert.severity.word) for alert in alerts]


def a_usage(used: int, at: datetime = NOON, on: str = "2026-05-30") -> PlanUsage:
    known = plan()
    days = [DayUse(day_number(day(on)), "", "read", "a", known.meters[0].meter, used * MICRO, 1, day(on))]
    return usage_of_plan(known, known.period_around(at), allocate(PlanBook([known], {}), days), Month.of(at), as_of=at)


def a_plan_fact(usage: PlanUsage | None = None, **changes: Any) -> PlanFact:
    fields: dict[str, Any] = {
        "name": "read-2026",
        "container": "Read",
        "ends_at": day("2027-01-01"),
        "renews": False,
        "followed": True,
        "used_after": False,
        "usage": usage,
    }
    return PlanFact(**(fields | changes))
