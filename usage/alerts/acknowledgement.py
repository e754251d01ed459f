"""Acknowledging: somebody has taken note of an alert, so it stays quiet until a date, or until it worsens."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from licensing.instants import from_milliseconds
from usage.alerts.alert import Alert
from usage.alerts.asking import Ask


class Acknowledgement(NamedTuple):
    """Who took note of an alert, when, at which weight (severity and rank), and until when it is to be quiet."""

    weight: tuple[int, int]
    until: datetime
    acknowledged_at: datetime
    acknowledged_by: str

    def quiets(self, alert: Alert, now: datetime) -> bool:
        """Whether the alert is still what was taken note of, and the date has not come."""
        return now < self.until and alert.weight <= self.weight


class Told(NamedTuple):
    """An alert, and its acknowledgement as long as that keeps it quiet."""

    alert: Alert
    acknowledgement: Acknowledgement | None


def told(alerts: Iterable[Alert], known: Mapping[str, Acknowledgement], now: datetime) -> tuple[Told, ...]:
    """The alerts, each with what keeps it quiet, if anything does."""
    return tuple(
        Told(alert, known[alert.id] if alert.id in known and known[alert.id].quiets(alert, now) else None)
        for alert in alerts
    )


def acknowledgements(ask: Ask) -> dict[str, Acknowledgement]:
    """What has been taken note of, by the alert's id."""
    query = 'SELECT alert, severity, stage, "until", acknowledged_at, acknowledged_by FROM acknowledged_alert'
    return {
        alert: Acknowledgement(
            (severity, int(rank)), from_milliseconds(until), from_milliseconds(acknowledged_at), acknowledged_by
        )
        for alert, severity, rank, until, acknowledged_at, acknowledged_by in ask(query)
    }
