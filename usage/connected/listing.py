"""What connected containers reported, by resource, container and meter."""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from licensing.db.readonly import ReadOnlyConnection
from usage.ledger.source_kinds import SourceKind
from usage.months import Month
from usage.reporting.daily import DayUse, daily_use


class ConnectedUsage(NamedTuple):
    """What one meter of a connected container used in a month, in millionths; ``last_at`` is the last report's time."""

    resource: str
    container_type: str
    container_id: str
    meter: str
    quantity: int
    reports: int
    last_at: datetime


def connected_usage(connection: ReadOnlyConnection, month: Month) -> tuple[ConnectedUsage, ...]:
    """The connected use of a month, in the order of the resources."""
    found: dict[tuple[str, str, str, str], list[DayUse]] = defaultdict(list)
    for use in daily_use(connection, month.starts_at, month.next.starts_at):
        if SourceKind.CONNECTED.is_of(use.site):
            resource = use.site.removeprefix(SourceKind.CONNECTED)
            found[resource, use.container_type, use.container_id, use.meter].append(use)
    return tuple(
        ConnectedUsage(
            *labels,
            quantity=sum(use.quantity for use in days),
            reports=sum(use.records for use in days),
            last_at=max(use.last_at for use in days),
        )
        for labels, days in sorted(found.items())
    )
