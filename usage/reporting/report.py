"""The monthly report: what was used, held against what was committed, and how sound the numbers are.

It reads the daily totals, never the records: its cost does not grow with the ledger.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from licensing.db.readonly import view_of
from usage.ledger.closed_months import ClosedMonth, closing_of
from usage.months import Month, day_number
from usage.plans.model import Plan
from usage.plans.read import read_plans
from usage.reporting.activity import ContainerActivity, container_activity
from usage.reporting.daily import DayUse, Since, Usage, daily_use, usage_rows
from usage.reporting.plan_usage import PlanUsage, by_month, days_needed, usage_of_plan
from usage.reporting.quality import Quality, quality_of


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """A month of a site: each plan's period that runs in it, and everything else.

    ``unmapped`` is usage that draws on no plan on its days: shown, never dropped. ``other_times`` names the plans that
    such a meter draws on at other times; ``unmapped_history`` holds twelve months of each such meter, in its own unit.
    ``closed`` says how the month was closed: from then on its numbers stay as they are.
    """

    month: Month
    as_of: datetime
    plans: tuple[PlanUsage, ...]
    unmapped: tuple[Usage, ...]
    other_times: Mapping[str, tuple[str, ...]]
    unmapped_history: Mapping[str, tuple[tuple[Month, int], ...]]
    containers: tuple[ContainerActivity, ...]
    quality: Quality
    closed: ClosedMonth | None

    @property
    def usages(self) -> Sequence[Usage]:
        """All use in the month, on a plan or on none."""
        return [*(row for usage in self.plans for row in usage.usages), *self.unmapped]


def monthly_report(connection: Connection, month: Month, *, as_of: datetime) -> MonthlyReport:
    """The report on a month, from the ledger as it is; ``as_of`` is the instant it was asked for."""
    start, end = month.starts_at, month.next.starts_at
    view = view_of(connection)
    known = read_plans(view)
    periods = [(plan, period) for plan in known for period in plan.periods(start, end)]
    days = daily_use(view, *days_needed(known, month))
    unmapped = _without_plan(days, known, month)
    meters = tuple(sorted({row.meter for row in unmapped}))
    named = {share.meter for plan in known for share in plan.meters}
    nowhere = set(view.select(str, "SELECT DISTINCT meter FROM series")) - named
    return MonthlyReport(
        month=month,
        as_of=as_of,
        plans=tuple(usage_of_plan(plan, period, days, month, as_of=as_of) for plan, period in periods),
        unmapped=unmapped,
        other_times={meter: found for meter in meters if (found := _plans_of(meter, known))},
        unmapped_history={meter: _history(days, known, meter, month) for meter in meters},
        containers=container_activity(days, day_number(min(as_of, end))),
        quality=quality_of(view, tuple(sorted(nowhere.union(meters)))),
        closed=closing_of(view, month),
    )


def _without_plan(days: Iterable[DayUse], known: Sequence[Plan], month: Month) -> tuple[Usage, ...]:
    """Use on days when no plan had the meter: this month's, and the year's of meters that no plan of the month has."""
    running = {
        share.meter for plan in known for share in plan.meters if plan.covers(month.starts_at, month.next.starts_at)
    }
    since = Since(
        month=day_number(month.starts_at), year=day_number(datetime(month.year, 1, 1, tzinfo=UTC)), period=None
    )
    rows = usage_rows(_on_no_plan(days, known), since)
    return tuple(row for row in rows if row.records or row.apart or row.meter not in running)


def _on_no_plan(days: Iterable[DayUse], known: Sequence[Plan]) -> list[DayUse]:
    spans: dict[str, list[tuple[int, int]]] = {}
    for plan in known:
        for share in plan.meters:
            spans.setdefault(share.meter, []).append((day_number(plan.starts_at), day_number(plan.ends_at)))
    return [use for use in days if not any(first <= use.day < past for first, past in spans.get(use.meter, ()))]


def _plans_of(meter: str, known: Sequence[Plan]) -> tuple[str, ...]:
    return tuple(plan.name for plan in known if meter in {share.meter for share in plan.meters})


def _history(days: Iterable[DayUse], known: Sequence[Plan], meter: str, month: Month) -> tuple[tuple[Month, int], ...]:
    unmapped = _on_no_plan((use for use in days if use.meter == meter), known)
    return tuple((one, sum(use.quantity for use in uses)) for one, uses in by_month(unmapped, month).items())
