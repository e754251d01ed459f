"""The standing of a plan: one of its periods against what was used of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from licensing.core.instants import from_milliseconds
from usage.months import DAY_MS, Month, day_number
from usage.plans.model import MeterShare, Plan, Rule
from usage.quantity import percent
from usage.reporting.daily import DayUse, Since, Usage, usage_rows
from usage.reporting.draws import Draw, Tally, drawn, month_of, rules_of
from usage.reporting.forecast import Cover, Pace, Projection, cover, pace_on, project, used_up_day
from usage.reporting.subtotals import Part, Subtotals, subtotals

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


class Ratio(NamedTuple):
    """In which ratio a meter draws on a plan, from a month on."""

    since: Month
    share: MeterShare


class PlanUsage(NamedTuple):
    """A plan's period against its use, in millionths of the plan's unit, as it stood at ``counted_until``.

    That is the end of the reported month or of the period, or the instant the report was asked for, if that is earlier.
    ``used`` is the period to date, ``month`` its part within the reported month, ``year_to_date`` what the plan's days
    since 1 January used. ``remaining`` is negative once more was used than committed. ``history`` is what each of the
    last twelve months drew on the plan, in all its periods. ``usages`` are in the meters' units, ``amounts`` are the
    same rows in the plan's. ``is_over`` says that the day of ``counted_until`` is past: nothing can be bought from it
    on any more. ``ratios`` are those that the meters of ``usages`` were counted in, the oldest first: closed months
    keep theirs. ``subtotals`` add up month, period and year to date. ``rules`` are those that gave the plan each of
    ``usages``, the last one at the end; none where no other plan had the meter.
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
    ratios: Mapping[str, tuple[Ratio, ...]]
    subtotals: Subtotals
    rules: tuple[tuple[Rule, ...], ...]

    @property
    def remaining(self) -> int:
        """What is left of the period's commitment."""
        return self.committed - self.used

    def share_of(self, meter: str) -> MeterShare:
        """The newest ratio in which a meter of ``usages`` drew on the plan."""
        return self.ratios[meter][-1].share

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


class Standing(NamedTuple):
    """What a plan's period commits to, and what was used of it, up to an instant: millionths of the plan's unit."""

    committed: int
    used: int


def standing_of(plan: Plan, start: datetime, until: datetime, draws: Iterable[Draw]) -> Standing:
    """How the period from ``start`` stands at ``until``, which lies in it or at its end; both at 00:00 UTC."""
    first, past = day_number(start), day_number(until)
    used = drawn(draw for draw in draws if first <= draw.use.day < past and draw.is_of(plan))
    return Standing(plan.commitment_at(until - _MICROSECOND), used)


def usage_of_plan(
    plan: Plan, period: tuple[datetime, datetime], draws: Sequence[Draw], month: Month, *, as_of: datetime
) -> PlanUsage:
    """One period of a plan at the end of a month; ``draws`` hold the last twelve months and all of the period."""
    start, end = period
    until = min(month.next.starts_at, end)
    at = max(start, min(as_of, until))
    past = day_number(until)
    drawing = [draw for draw in draws if draw.is_of(plan) and draw.use.day < past]
    since = Since(
        month=day_number(max(month.starts_at, start)),
        year=day_number(datetime(month.year, 1, 1, tzinfo=UTC)),
        period=day_number(start),
    )
    usages = usage_rows((draw.use for draw in drawing), since)
    committed, used = standing_of(plan, start, until, drawing)
    daily = daily_amounts(_pacing(plan, draws))
    known = pace_on(daily, day_number(min(as_of, until)))
    up = used_up_day(daily, committed, day_number(start), past) if used >= committed else None
    by_row = _by_row(drawing)
    amounts, parts = _amounts(usages, by_row, since)
    return PlanUsage(
        plan=plan,
        period_starts_at=start,
        period_ends_at=end,
        counted_until=at,
        committed=committed,
        used=used,
        month=drawn(draw for draw in drawing if draw.use.day >= since.month),
        year_to_date=drawn(draw for draw in drawing if draw.use.day >= since.year),
        usages=usages,
        amounts=amounts,
        is_over=as_of > until,
        used_up_on=None if up is None else from_milliseconds(up * DAY_MS),
        pace=known,
        projection=project(known, used=used, committed=committed, at=at, ends_at=end) if known and at < end else None,
        history=months_of_plan(plan, draws, month),
        ratios=_ratios(drawing, since),
        subtotals=subtotals(parts),
        rules=tuple(rules_of(draw for draw in by_row[row[:4]] if draw.use.day >= since.first) for row in usages),
    )


def months_of_plan(plan: Plan, draws: Iterable[Draw], last: Month) -> tuple[tuple[Month, int], ...]:
    """What each of the twelve months up to and including the last drew on a plan, in millionths of its unit.

    A month is what is drawn from its beginning to the end of the last, less what is drawn after it: months that follow
    each other up to the last add up to exactly what is drawn in all of them, converted once.
    """
    tallies: dict[Month, Tally] = {}
    for draw in draws:
        if draw.is_of(plan):
            tallies.setdefault(month_of(draw.use.day), Tally()).add(draw)
    months: list[tuple[Month, int]] = []
    tally, after = Tally(), 0
    for one in reversed(list(by_month((), last))):
        tally.update(tallies.get(one, Tally()))
        months.append((one, tally.drawn - after))
        after = tally.drawn
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


def _pacing(plan: Plan, draws: Iterable[Draw]) -> list[Draw]:
    """What draws on a plan, and before its start what its meters drew on a plan that ended then, or on none."""
    shares = {share.meter: share for share in plan.meters}
    first = day_number(plan.starts_at)

    def before(draw: Draw) -> bool:
        gone = not draw.undecided if draw.plan is None else draw.plan.ends_at <= plan.starts_at
        return draw.use.day < first and draw.use.meter in shares and gone

    return [
        draw if draw.is_of(plan) else Draw(draw.use, plan, shares[draw.use.meter])
        for draw in draws
        if draw.is_of(plan) or before(draw)
    ]


def _by_row(draws: Iterable[Draw]) -> dict[tuple[str, str, str, str], list[Draw]]:
    by_row: dict[tuple[str, str, str, str], list[Draw]] = {}
    for draw in draws:
        use = draw.use
        by_row.setdefault((use.site, use.container_type, use.container_id, use.meter), []).append(draw)
    return by_row


def _amounts(
    usages: Iterable[Usage], by_row: Mapping[tuple[str, str, str, str], list[Draw]], since: Since
) -> tuple[tuple[Amounts, ...], list[Part]]:
    """What each row drew on the plan, and the same in the parts that subtotals are made of."""
    sums: dict[tuple[str, str], Fraction] = {}

    def amount(meter: str, span: str, drawn: Iterable[Draw]) -> int:
        before = sums.get((meter, span), Fraction())
        after = sums[meter, span] = before + sum(daily_amounts(drawn).values())
        return int(after // 1) - int(before // 1)

    first = since.month if since.period is None else since.period
    found, told = [], []
    for row in usages:
        mine = by_row[row[:4]]
        in_month = [draw for draw in mine if draw.use.day >= since.month]
        parts = [[draw for draw in in_month if draw.use.month is None]]
        parts += [
            [draw for draw in in_month if (draw.use.kind, draw.use.month) == (part.kind, part.month)]
            for part in row.apart
        ]
        lines = tuple(amount(row.meter, "month", part) for part in parts)
        last, period, year = mine[-1].resource, 0, 0
        shown = [draw for draw in mine if draw.use.day >= since.first]
        for resource in sorted({draw.resource for draw in shown}):  # a row that changed its resource is of several
            under = [draw for draw in shown if draw.resource == resource]
            in_period = amount(row.meter, "period", (draw for draw in under if draw.use.day >= first))
            in_year = amount(row.meter, "year", (draw for draw in under if draw.use.day >= since.year))
            here = (row.records, sum(lines)) if resource == last else (0, 0)
            told.append(Part(row.site, resource, here[0], (here[1], in_period, in_year)))
            period, year = period + in_period, year + in_year
        found.append(Amounts(sum(lines), period, year, lines))
    return tuple(found), told


def daily_amounts(draws: Iterable[Draw]) -> dict[int, Fraction]:
    """What each day drew on its plan, exactly."""
    daily: dict[int, Fraction] = {}
    for use, _, share, *_ in draws:
        if share is not None:
            daily[use.day] = daily.get(use.day, Fraction()) + use.quantity * share.ratio
    return daily


def _ratios(draws: Iterable[Draw], since: Since) -> Mapping[str, tuple[Ratio, ...]]:
    found: dict[str, list[Ratio]] = {}
    for use, _, share, *_ in draws:
        if share is not None and use.day >= since.first:
            known = found.setdefault(use.meter, [])
            if not known or known[-1].share != share:
                known.append(Ratio(month_of(use.day), share))
    return {meter: tuple(ratios) for meter, ratios in found.items()}
