"""The course of use: a commitment's burn-down from day to day. What its chart is drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from sqlalchemy import Connection

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import view_of
from usage.months import DAY_MS, day_number
from usage.plans.book import read_book
from usage.reporting.daily import daily_use
from usage.reporting.draws import Draw, allocate
from usage.reporting.plan_usage import PlanUsage, daily_amounts, days_needed
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


BurnDown = tuple[Level, ...]
"""The level at the start of a period, at the end of each day, and where the report counts to."""


def burn_downs(connection: Connection, report: MonthlyReport) -> tuple[BurnDown, ...]:
    """The burn-down of each of a report's plans, from the totals; read in the report's own view of the ledger."""
    view = view_of(connection)
    days = daily_use(view, *days_needed((usage.plan for usage in report.plans), report.month))
    draws = allocate(read_book(view, report.month.next.starts_at), days)
    return tuple(_burn_down(usage, draws) for usage in report.plans)


def _burn_down(usage: PlanUsage, draws: Sequence[Draw]) -> BurnDown:
    start, until = usage.period_starts_at, usage.counted_until
    daily = daily_amounts(draw for draw in draws if draw.is_of(usage.plan))
    levels = [Level(start, 0, usage.plan.commitment_at(start))]
    used = Fraction()
    for day in range(day_number(start), day_number(until)):
        used += daily.get(day, 0)
        end = from_milliseconds((day + 1) * DAY_MS)
        levels.append(Level(end, int(used), usage.plan.commitment_at(end - _DAY)))
    last = Level(until, usage.used, usage.committed)
    return (*(level for level in levels if level.at < until), last)
