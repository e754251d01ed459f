"""States in a test's hand, and what they say."""

from datetime import UTC, datetime, timedelta
from typing import Any

from licensing.verdict.verdict import Status
from usage.alerts.alert import Alert
from usage.alerts.conditions.all import alerts_of
from usage.alerts.rules import Rules
from usage.alerts.state import LicenseFact, State

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def a_fact(ends: datetime | None = NOON + timedelta(days=365), **changes: Any) -> LicenseFact:
    """A license at /license that began a year ago."""
    fields: dict[str, Any] = {
        "path": "/license",
        "refusal": None,
        "detail": "",
        "container": "read",
        "issued_at": NOON - timedelta(days=365),
        "not_before": NOON - timedelta(days=365),
        "expires_at": ends,
        "grace_ends_at": ends,
    }
    return LicenseFact(**(fields | changes))


def refused(status: Status, **changes: Any) -> LicenseFact:
    """A license that is no good at any date."""
    return LicenseFact("/license", status, "it is so", **changes)


def said(now: datetime = NOON, rules: Rules | None = None, **facts: Any) -> list[Alert]:
    """The alerts of a state."""
    return list(alerts_of(State(now=now, **facts), rules or Rules()))


def ids(alerts: list[Alert]) -> list[str]:
    return [alert.id for alert in alerts]


def stages(alerts: list[Alert]) -> list[tuple[str, str, str]]:
    return [(alert.kind, alert.stage, alert.severity.word) for alert in alerts]
