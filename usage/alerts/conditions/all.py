"""From the state to the alerts: pure, so that any instant can be asked for, and the same state always says the same."""

import traceback
from collections.abc import Iterator
from pathlib import Path

from licensing.core.text import sendable
from usage.alerts.alert import Alert, Severity
from usage.alerts.conditions.commitment import commitment_alerts, undecided_alerts
from usage.alerts.conditions.ledger import (
    audit_alerts,
    channel_alerts,
    disk_alerts,
    hand_over_alerts,
    handing_alerts,
    month_alerts,
    unreadable_alert,
)
from usage.alerts.conditions.license import license_alerts
from usage.alerts.conditions.records import counted_ahead_alerts, record_alerts, silence_alerts
from usage.alerts.conditions.trust import clock_alerts, strike_alerts, trust_alerts
from usage.alerts.rules import Rules
from usage.alerts.state import State, UnreadableLedger

CONDITION_FAILED = "condition-failed"

_SITE = (clock_alerts, license_alerts, trust_alerts, disk_alerts)
_LEDGER = (
    audit_alerts,
    strike_alerts,
    record_alerts,
    counted_ahead_alerts,
    silence_alerts,
    commitment_alerts,
    undecided_alerts,
    month_alerts,
    hand_over_alerts,
    handing_alerts,
    channel_alerts,
)


def alerts_of(state: State, rules: Rules) -> tuple[Alert, ...]:
    """Everything that somebody should know about a state, the worst first, then what has been there the longest."""
    ledger = state.ledger
    found = [alert for condition in _SITE for alert in _judge(condition.__name__, condition(state, rules), state)]
    if isinstance(ledger, UnreadableLedger):
        found.append(_sendable(unreadable_alert(ledger, state)))
    else:
        for judge in _LEDGER:
            found += _judge(judge.__name__, judge(ledger, state, rules), state)
    return tuple(sorted(found, key=lambda alert: (-alert.severity, alert.since, alert.id)))


def _judge(name: str, alerts: Iterator[Alert], state: State) -> Iterator[Alert]:
    """What a condition finds. One that fails is an alert itself, and silences no other."""
    try:
        for alert in alerts:
            yield _sendable(alert)
    except Exception as error:
        about = name.removesuffix("_alerts")
        failed = f"{CONDITION_FAILED}:{about}"
        yield Alert(
            id=failed,
            severity=Severity.CRITICAL,
            rank=0,
            stage="failed",
            since=state.since(failed),
            subject="azlic",
            meaning=f"A fault of azlic's own keeps it from seeing what is wrong with: {about}"
            f" ({type(error).__name__} at {_place_of(error)}).",
            action="Report these words to who maintains azlic, with what this prints: azlic --version. If the ledger"
            " was changed by hand, it may be that: azlic audit",
        )


def _place_of(error: Exception) -> str:
    """Where in the program it happened, for who maintains it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def _sendable(alert: Alert) -> Alert:
    """The alert in text that every channel and the ledger can hold: names may have bytes that are no UTF-8."""
    return alert._replace(
        id=sendable(alert.id),
        subject=sendable(alert.subject),
        meaning=sendable(alert.meaning),
        action=sendable(alert.action),
    )
