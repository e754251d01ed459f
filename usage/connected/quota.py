"""What is left of the plans that a connected container draws on."""

from datetime import datetime, timedelta

from licensing.containers import CONTAINER_TYPES
from licensing.core.instants import iso
from licensing.db.readonly import ReadOnlyConnection
from usage.ledger.source_kinds import SourceKind
from usage.months import DAY_MS, day_number
from usage.plans.book import read_book
from usage.quantity import group_digits
from usage.reporting.daily import DayUse, daily_use
from usage.reporting.draws import allocate
from usage.reporting.plan_usage import standing_of

_TICK = timedelta(microseconds=1)
_DAY = timedelta(milliseconds=DAY_MS)


def used_up_plan(
    connection: ReadOnlyConnection, resource: str, container_type: str, container_id: str, *, now: datetime
) -> str | None:
    """A plan that the container's meters draw on now and of which nothing is left, in words; None where there is none.

    All use counts that draws on it, connected or not.
    """
    book = read_book(connection, now + _DAY)
    site = SourceKind.CONNECTED.named(resource)
    meters = CONTAINER_TYPES[container_type].meters
    day = day_number(now)
    probes = [DayUse(day, site, container_type, container_id, meter, 0, 0, now) for meter in meters]
    for draw in allocate(book, probes):
        if draw.plan is None:
            continue
        for start, end in draw.plan.periods(now, now + _TICK):
            tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
            draws = allocate(book, daily_use(connection, start, end))
            standing = standing_of(draw.plan, start, min(end, tomorrow), draws)
            if standing.used >= standing.committed:
                return (
                    f"plan {draw.plan.name} commits to {group_digits(standing.committed)} {draw.plan.unit} up to"
                    f" {iso(end)}, and {group_digits(standing.used)} are used"
                )
    return None
