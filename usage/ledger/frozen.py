"""What a closing froze beside a month's totals, as it was digested: plans with their periods, and places."""

from sqlalchemy import Connection, select

from licensing.core.instants import iso
from usage.ledger.canonical import Frozen
from usage.ledger.tables.months import ClosedPeriodRow, ClosedPlaceRow, ClosedPlanRow


def read_frozen(connection: Connection, month: int) -> Frozen:
    """What was frozen with a month, by its number."""
    periods: dict[int, list[tuple[str, str, str]]] = {}
    columns = (ClosedPeriodRow.plan, ClosedPeriodRow.starts_at, ClosedPeriodRow.committed, ClosedPeriodRow.used)
    query = select(*columns).where(ClosedPeriodRow.month == month).order_by(ClosedPeriodRow.plan, columns[1])
    for plan, starts_at, committed, used in connection.execute(query):
        periods.setdefault(plan, []).append((iso(starts_at), committed, used))
    plans = select(ClosedPlanRow.plan, ClosedPlanRow.terms).where(ClosedPlanRow.month == month)
    places = select(ClosedPlaceRow.series, ClosedPlaceRow.resource, ClosedPlaceRow.output)
    return (
        [
            (plan, terms, periods.get(plan, ()))
            for plan, terms in connection.execute(plans.order_by(ClosedPlanRow.plan))
        ],
        [
            (series, resource, output)
            for series, resource, output in connection.execute(
                places.where(ClosedPlaceRow.month == month).order_by(ClosedPlaceRow.series)
            )
        ],
    )
