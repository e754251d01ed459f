"""From the state to the alerts: pure, so that any instant can be asked for, and the same state always says the same."""

from usage.alerts.alert import Alert
from usage.alerts.conditions.commitment import commitment_alerts
from usage.alerts.conditions.ledger import (
    audit_alerts,
    channel_alerts,
    disk_alerts,
    hand_over_alerts,
    month_alerts,
    unreadable_alert,
)
from usage.alerts.conditions.license import license_alerts
from usage.alerts.conditions.records import record_alerts, silence_alerts
from usage.alerts.conditions.trust import clock_alerts, strike_alerts, trust_alerts
from usage.alerts.rules import Rules
from usage.alerts.state import State, UnreadableLedger

_SITE = (clock_alerts, license_alerts, trust_alerts, disk_alerts)
_LEDGER = (
    audit_alerts,
    strike_alerts,
    record_alerts,
    silence_alerts,
    commitment_alerts,
    month_alerts,
    hand_over_alerts,
    channel_alerts,
)


def alerts_of(state: State, rules: Rules) -> tuple[Alert, ...]:
    """Everything that somebody should know about a state, the worst first, then what has been there the longest."""
    found = [alert for condition in _SITE for alert in condition(state, rules)]
    if isinstance(state.ledger, UnreadableLedger):
        found.append(unreadable_alert(state.ledger, state))
    else:
        found += [alert for condition in _LEDGER for alert in condition(state.ledger, state, rules)]
    return tuple(sorted(found, key=lambda alert: (-alert.severity, alert.since, alert.id)))
