"""The monthly report: what was used, held against what was committed, and how sound the numbers are.

It reads the daily totals, never the records: its cost does not grow with the ledger.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from licensing.db.readonly import view_of
from licensing.history.read import read_strikes
from licensing.verdict.seen import Strike
from usage.ledger.closed_months import ClosedMonth, closing_of
from usage.months import Month, day_number
from usage.plans.book import read_book
from usage.plans.model import Plan, PlanIdentity
from usage.plans.places import Places
from usage.reporting.activity import ContainerActivity, container_activity
from usage.reporting.daily import DayUse, Since, Usage, daily_use, usage_rows
from usage.reporting.draws import Draw, allocate
from usage.reporting.plan_usage import (
    PlanUsage,
    by_month,
    days_needed,
    first_of_twelve,
    months_of_plan,
    usage_of_plan,
)
from usage.reporting.quality import Quality, quality_of, read_idle_rules
from usage.reporting.subtotals import Part, Subtotals, subtotals

Months = tuple[tuple[Month, int], ...]
"""The use of each of the last twelve months, in millionths."""


class PlanMonths(NamedTuple):
    """What each of the last twelve months drew on a plan, in millionths of the plan's unit."""

    plan: Plan
    months: Months


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """A month of a site: each plan's period that runs in it, and everything else.

    ``unmapped`` is usage of the month or the year to date that draws on no plan on its days: shown, never dropped.
    ``undecided`` is what several plans have the meter of, and no rule gives to one of them: ``candidates`` names them.
    ``other_times`` names the plans that such a meter draws on at other times. All use of the last twelve months is in
    one place: in the ``history`` of its plan, in ``other_history`` where that plan does not run in the month, or, in
    the meter's unit, in ``unmapped_history``. ``closed`` says how the month was closed: from then on its numbers stay
    as they are. ``strikes`` are the witnesses of the clock that were struck in it. Subtotals of what is on no plan are
    those of a meter, of the month and of the year to date. ``places`` is what is known of the resources of containers.
    """

    month: Month
    as_of: datetime
    plans: tuple[PlanUsage, ...]
    unmapped: tuple[Usage, ...]
    undecided: tuple[Usage, ...]
    candidates: Mapping[str, tuple[str, ...]]
    other_times: Mapping[str, tuple[str, ...]]
    other_history: tuple[PlanMonths, ...]
    unmapped_history: Mapping[str, Months]
    containers: tuple[ContainerActivity, ...]
    quality: Quality
    closed: ClosedMonth | None
    unmapped_subtotals: Mapping[str, Subtotals]
    undecided_subtotals: Mapping[str, Subtotals]
    places: Places
    strikes: tuple[Strike, ...] = ()

    @property
    def plan_months(self) -> Sequence[PlanMonths]:
        """What the last twelve months drew on each plan; a plan of two periods in the month is there once."""
        running = {usage.plan.identity: PlanMonths(usage.plan, usage.history) for usage in self.plans}
        return [*running.values(), *self.other_history]

    @property
    def usages(self) -> Sequence[Usage]:
        """All use in the month, on a plan or on none."""
        return [*(row for usage in self.plans for row in usage.usages), *self.unmapped, *self.undecided]


def monthly_report(connection: Connection, month: Month, *, as_of: datetime) -> MonthlyReport:
    """The report on a month, from the ledger as it is; ``as_of`` is the instant it was asked for."""
    start, end = month.starts_at, month.next.starts_at
    view = view_of(connection)
    book = read_book(view, end)
    known = book.of(month)
    periods = [(plan, period) for plan in known for period in plan.periods(start, end)]
    days = daily_use(view, *days_needed(known, month))
    draws = allocate(book, days)
    on_none = [draw.use for draw in draws if draw.plan is None]
    unmapped = usage_rows((draw.use for draw in draws if draw.plan is None and not draw.undecided), _since(month))
    candidates = {draw.use.meter: draw.undecided for draw in draws if draw.undecided}
    running = {plan.identity: plan for plan, _ in periods}
    mapped = {share.meter for plan in running.values() for share in plan.meters}
    waiting = {row.meter for row in unmapped if row.records or row.apart or row.meter not in mapped}
    named = {share.meter for plan in known for share in plan.meters}
    nowhere = set(view.select(str, "SELECT DISTINCT meter FROM series")) - named
    return MonthlyReport(
        month=month,
        as_of=as_of,
        plans=tuple(usage_of_plan(plan, period, draws, month, as_of=as_of) for plan, period in periods),
        unmapped=unmapped,
        undecided=usage_rows((draw.use for draw in draws if draw.undecided), _since(month)),
        candidates=candidates,
        other_times={
            meter: found for meter in sorted({row.meter for row in unmapped}) if (found := _plans_of(meter, known))
        },
        other_history=_other_history(known, running, draws, month),
        unmapped_history=_history(on_none, month),
        containers=container_activity(days, day_number(min(as_of, end))),
        quality=quality_of(
            view,
            tuple(sorted(nowhere.union(waiting))),
            _undecided_in(draws, month),
            () if book.is_frozen(month) else read_idle_rules(view, running.values(), book.places),
            until=month,
            as_of=as_of,
        ),
        closed=closing_of(view, month),
        unmapped_subtotals=_subtotals([draw for draw in draws if draw.plan is None and not draw.undecided], month),
        undecided_subtotals=_subtotals([draw for draw in draws if draw.undecided], month),
        places=book.places_of(month),
        strikes=tuple(one for one in read_strikes(view) if Month.of(one.at) == month),
    )


def _undecided_in(draws: Iterable[Draw], month: Month) -> tuple[str, ...]:
    """The meters of which something in a month is undecided."""
    first = day_number(month.starts_at)
    return tuple(sorted({draw.use.meter for draw in draws if draw.undecided and draw.use.day >= first}))


def _since(month: Month) -> Since:
    year = datetime(month.year, 1, 1, tzinfo=UTC)
    return Since(month=day_number(month.starts_at), year=day_number(year), period=None)


def _subtotals(draws: Sequence[Draw], month: Month) -> dict[str, Subtotals]:
    since = _since(month)
    parts: dict[str, list[Part]] = {}
    for use, _, _, _, resource, _ in draws:
        if use.day >= since.year:
            now = (use.records, use.quantity) if use.day >= since.month else (0, 0)
            parts.setdefault(use.meter, []).append(Part(use.site, resource, now[0], (now[1], use.quantity)))
    return {meter: subtotals(parts[meter]) for meter in sorted(parts)}


def _plans_of(meter: str, known: Sequence[Plan]) -> tuple[str, ...]:
    return tuple(plan.name for plan in known if meter in {share.meter for share in plan.meters})


def _other_history(
    known: Iterable[Plan], running: Container[PlanIdentity], draws: Sequence[Draw], month: Month
) -> tuple[PlanMonths, ...]:
    plans = {draw.plan.identity: draw.plan for draw in draws if draw.plan is not None}
    plans |= {plan.identity: plan for plan in known}
    others = [
        PlanMonths(plan, months_of_plan(plan, draws, month))
        for identity, plan in sorted(plans.items(), key=lambda one: (one[1].starts_at, one[1].name))
        if identity not in running
    ]
    return tuple(one for one in others if any(used for _, used in one.months))


def _history(on_none: Sequence[DayUse], month: Month) -> dict[str, Months]:
    first = day_number(first_of_twelve(month).starts_at)
    meters = sorted({use.meter for use in on_none if use.day >= first})
    return {
        meter: tuple(
            (one, sum(use.quantity for use in uses if use.meter == meter))
            for one, uses in by_month(on_none, month).items()
        )
        for meter in meters
    }
