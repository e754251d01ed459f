"""Acknowledged alerts: who took note of one, and until when that keeps it quiet; ``usage.alerts.store`` enters them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import ReadOnlyConnection
from usage.alerts.alert import Alert


class AlertAcknowledgement(NamedTuple):
    """Who took note of an alert, when, at which weight (severity and rank), and until when it is to be quiet."""

    weight: tuple[int, int]
    until: datetime
    acknowledged_at: datetime
    acknowledged_by: str

    def quiets(self, alert: Alert, now: datetime) -> bool:
        """Whether the alert is still what was taken note of, and the date has not come."""
        return now < self.until and alert.weight <= self.weight


class WatchedAlert(NamedTuple):
    """An alert, and its acknowledgement as long as that keeps it quiet."""

    alert: Alert
    acknowledgement: AlertAcknowledgement | None


def with_acknowledgements(
    alerts: Iterable[Alert], known: Mapping[str, AlertAcknowledgement], now: datetime
) -> tuple[WatchedAlert, ...]:
    """The alerts, each with what keeps it quiet, if anything does."""
    return tuple(
        WatchedAlert(alert, known[alert.id] if alert.id in known and known[alert.id].quiets(alert, now) else None)
        for alert in alerts
    )


def read_acknowledgements(connection: ReadOnlyConnection) -> dict[str, AlertAcknowledgement]:
    """What has been taken note of, by the alert's id."""
    table = connection.fitting("acknowledged_alert")
    query = f'SELECT alert, severity, stage, "until", acknowledged_at, acknowledged_by FROM {table}'  # noqa: S608
    return {
        row.alert: AlertAcknowledgement(
            (row.severity, int(row.stage)),
            from_milliseconds(row.until),
            from_milliseconds(row.acknowledged_at),
            row.acknowledged_by,
        )
        for row in connection.select(_AcknowledgedRow, query)
    }


class _AcknowledgedRow(NamedTuple):
    alert: str
    severity: int
    stage: str
    until: int
    acknowledged_at: int
    acknowledged_by: str
