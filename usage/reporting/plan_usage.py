"""The standing of a plan: one of its periods against what was used of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from licensing.core.instants import from_milliseconds
from usage.months import DAY_MS, Month, day_number
from usage.plans.model import MeterShare, Plan
from usage.quantity import percent
from usage.reporting.daily import DayUse, Since, Usage, usage_rows
from usage.reporting.forecast import Cover, Pace, Projection, cover, pace_on, project, used_up_day

_MICROSECOND = timedelta(microseconds=1)


class Amounts(NamedTuple):
    """What one row of a plan's use drew on the plan, in millionths of the plan's unit.

    ``lines`` are the parts of ``month``: what was reported in its time, then each of the row's ``apart``. The amounts
    of all rows add up to the plan's own figures exactly: each is what its meter drew with the row, less what it drew
    before.
    """

    month: int
    period: int
    year_to_date: int
    lines: tuple[int, ...]


class PlanUsage(NamedTuple):
    """A plan's period against its use, in millionths of the plan's unit, as it stood at ``counted_until``.

    That is the end of the reported month or of the period, or the instant the report was asked for, if that is earlier.
    ``used`` is the period to date, ``month`` its part within the reported month, ``year_to_date`` what the plan's days
    since 1 January used. ``remaining`` is negative once more was used than committed. ``history`` is what each of the
    last twelve months drew on the plan, in all its periods. ``usages`` are in the meters' units, ``amounts`` are the
    same rows in the plan's. ``is_over`` says that the day of ``counted_until`` is past: nothing can be bought from it
    on any more.
    """

    plan: Plan
    period_starts_at: datetime
    period_ends_at: datetime
    counted_until: datetime
    committed: int
    used: int
    month: int
    year_to_date: int
    usages: tuple[Usage, ...]
    amounts: tuple[Amounts, ...]
    used_up_on: datetime | None
    pace: Pace | None
    projection: Projection | None
    history: tuple[tuple[Month, int], ...]
    is_over: bool

    @property
    def remaining(self) -> int:
        """What is left of the period's commitment."""
        return self.committed - self.used

    def share_of(self, meter: str) -> MeterShare:
        """The ratio in which one of its meters draws on the plan."""
        return next(share for share in self.plan.meters if share.meter == meter)

    @property
    def percent(self) -> Decimal:
        """How much of the period's commitment is used, in percent."""
        return percent(self.used, self.committed)

    @property
    def percent_of_time(self) -> Decimal:
        """How much of the period had gone by, in percent."""
        whole, gone = self.period_ends_at - self.period_starts_at, self.counted_until - self.period_starts_at
        return percent(gone // _MICROSECOND, whole // _MICROSECOND)

    @property
    def cover(self) -> Cover | None:
        """What would cover the overage there is."""
        return self._cover(self.used)

    @property
    def projected_cover(self) -> Cover | None:
        """What would cover the overage that the pace leads to."""
        return None if self.projection is None else self._cover(self.projection.expected.used)

    def _cover(self, used: int) -> Cover | None:
        return cover(
            self.plan,
            used - self.committed,
            self.period_ends_at if self.is_over else self.counted_until,
            start=self.period_starts_at,
            end=self.period_ends_at,
        )


def usage_of_plan(
    plan: Plan, period: tuple[datetime, datetime], days: Sequence[DayUse], month: Month, *, as_of: datetime
) -> PlanUsage:
    """One period of a plan at the end of a month; ``days`` hold the last twelve months and all of the period."""
    start, end = period
    until = min(month.next.starts_at, end)
    at = max(start, min(as_of, until))
    shares = {share.meter: share for share in plan.meters}
    drawing = [use for use in days if use.meter in shares]
    past = day_number(until)
    since = Since(
        month=day_number(max(month.starts_at, start)),
        year=day_number(datetime(month.year, 1, 1, tzinfo=UTC)),
        period=day_number(start),
    )
    usages = usage_rows((use for use in drawing if draws_on(plan, use) and use.day < past), since)
    used = _draw(plan, ((row.meter, row.period) for row in usages))
    committed = plan.commitment_at(until - _MICROSECOND)
    daily = _by_day(plan, drawing)
    known = pace_on(daily, day_number(min(as_of, until)))
    up = used_up_day(daily, committed, day_number(start), past) if used >= committed else None
    return PlanUsage(
        plan=plan,
        period_starts_at=start,
        period_ends_at=end,
        counted_until=at,
        committed=committed,
        used=used,
        month=_draw(plan, ((row.meter, row.month) for row in usages)),
        year_to_date=_draw(plan, ((row.meter, row.year_to_date) for row in usages)),
        usages=usages,
        amounts=_amounts(plan, usages),
        is_over=as_of > until,
        used_up_on=None if up is None else from_milliseconds(up * DAY_MS),
        pace=known,
        projection=project(known, used=used, committed=committed, at=at, ends_at=end) if known and at < end else None,
        history=months_of_plan(plan, days, month),
    )


def draws_on(plan: Plan, use: DayUse) -> bool:
    """Whether a day's use draws on a plan: the plan has its meter, and runs on that day."""
    named = any(share.meter == use.meter for share in plan.meters)
    return named and day_number(plan.starts_at) <= use.day < day_number(plan.ends_at)


def months_of_plan(plan: Plan, days: Iterable[DayUse], last: Month) -> tuple[tuple[Month, int], ...]:
    """What each of the twelve months up to and including the last drew on a plan, in millionths of its unit.

    A month is what is drawn from its beginning to the end of the last, less what is drawn after it: months that follow
    each other up to the last add up to exactly what is drawn in all of them, converted once.
    """
    months: list[tuple[Month, int]] = []
    quantities: Counter[str] = Counter()
    after = 0
    for one, uses in reversed(by_month((use for use in days if draws_on(plan, use)), last).items()):
        for use in uses:
            quantities[use.meter] += use.quantity
        drawn = _draw(plan, quantities.items())
        months.append((one, drawn - after))
        after = drawn
    return tuple(reversed(months))


def by_month(days: Iterable[DayUse], last: Month) -> dict[Month, list[DayUse]]:
    """The days sorted into the twelve months up to and including the last; none of them is left out."""
    at = first_of_twelve(last)
    months: dict[Month, list[DayUse]] = {}
    while at <= last:
        months[at] = []
        at = at.next
    for use in days:
        one = Month.of(from_milliseconds(use.day * DAY_MS))
        if one in months:
            months[one].append(use)
    return months


def days_needed(plans: Iterable[Plan], month: Month) -> tuple[datetime, datetime]:
    """The days that a month's numbers are made of: the last twelve months, and each period that runs in the month."""
    start, end = month.starts_at, month.next.starts_at
    periods = [period[0] for plan in plans for period in plan.periods(start, end)]
    return min([first_of_twelve(month).starts_at, *periods]), end


def first_of_twelve(last: Month) -> Month:
    """The first of the twelve months that end with this one."""
    if last.month == 12:
        return Month(last.year, 1)
    return Month(last.year - 1, last.month + 1) if last.year > 1970 else Month(1970, 1)


def _draw(plan: Plan, quantities: Iterable[tuple[str, int]]) -> int:
    """What meters drew on a plan: summed in each meter's unit, then converted once."""
    by_meter: Counter[str] = Counter()
    for meter, quantity in quantities:
        by_meter[meter] += quantity
    return sum(share.in_plan_units(by_meter[share.meter]) for share in plan.meters)


def _amounts(plan: Plan, usages: Iterable[Usage]) -> tuple[Amounts, ...]:
    shares = {share.meter: share for share in plan.meters}
    sums: Counter[tuple[str, str]] = Counter()

    def draw(meter: str, span: str, quantity: int) -> int:
        before = sums[meter, span]
        sums[meter, span] += quantity
        return shares[meter].in_plan_units(before + quantity) - shares[meter].in_plan_units(before)

    found = []
    for row in usages:
        parts = (row.reported, *(part.quantity for part in row.apart))
        lines = tuple(draw(row.meter, "month", part) for part in parts)
        period, year = draw(row.meter, "period", row.period), draw(row.meter, "year", row.year_to_date)
        found.append(Amounts(sum(lines), period, year, lines))
    return tuple(found)


def _by_day(plan: Plan, days: Iterable[DayUse]) -> Mapping[int, Fraction]:
    ratios = {share.meter: share.ratio for share in plan.meters}
    daily: dict[int, Fraction] = {}
    for use in days:
        daily[use.day] = daily.get(use.day, Fraction()) + use.quantity * ratios[use.meter]
    return daily
