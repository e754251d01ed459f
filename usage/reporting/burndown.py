"""The course of use: a commitment's burn-down from day to day, and each meter's months. What charts are drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from sqlalchemy import Connection

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import view_of
from usage.months import DAY_MS, Month, day_number
from usage.reporting.daily import DayUse, daily_use
from usage.reporting.plan_usage import PlanUsage, by_month, days_needed
from usage.reporting.report import MonthlyReport

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Level:
    """How a period stood at an instant: used since its start, and committed by then, in millionths of the unit."""

    at: datetime
    used: int
    committed: int

    @property
    def remaining(self) -> int:
        """What was left of the commitment; negative once more was used."""
        return self.committed - self.used


@dataclass(frozen=True, slots=True)
class BurnDown:
    """What the charts of a report show; ``burn_downs`` are in the order of its plans, ``meters`` in that of names.

    A burn-down has a level at the start of its period, at the end of each day, and where the report counts to. Meters
    have the last twelve months, in millionths of their own unit.
    """

    burn_downs: tuple[tuple[Level, ...], ...]
    meters: Mapping[str, tuple[tuple[Month, int], ...]]


def burn_down(connection: Connection, report: MonthlyReport) -> BurnDown:
    """The course of what a report is about, from the totals; read in the report's own view of the ledger."""
    days = daily_use(view_of(connection), *days_needed((usage.plan for usage in report.plans), report.month))
    return BurnDown(
        burn_downs=tuple(_burn_down(usage, days) for usage in report.plans),
        meters={meter: _months(days, meter, report.month) for meter in sorted({use.meter for use in days})},
    )


def _burn_down(usage: PlanUsage, days: Sequence[DayUse]) -> tuple[Level, ...]:
    ratios = {share.meter: share.ratio for share in usage.plan.meters}
    start, until = usage.period_starts_at, usage.counted_until
    daily: dict[int, Fraction] = {}
    for use in days:
        if use.meter in ratios:
            daily[use.day] = daily.get(use.day, Fraction()) + use.quantity * ratios[use.meter]
    levels = [Level(start, 0, usage.plan.commitment_at(start))]
    used = Fraction()
    for day in range(day_number(start), day_number(until)):
        used += daily.get(day, 0)
        end = from_milliseconds((day + 1) * DAY_MS)
        levels.append(Level(end, int(used), usage.plan.commitment_at(end - _DAY)))
    last = Level(until, usage.used, usage.committed)
    return (*(level for level in levels if level.at < until), last)


def _months(days: Sequence[DayUse], meter: str, last: Month) -> tuple[tuple[Month, int], ...]:
    months = by_month((use for use in days if use.meter == meter), last)
    return tuple((month, sum(use.quantity for use in uses)) for month, uses in months.items())
