"""The report on a span: a year, or any days, of all use or of some of it; as sums that add up.

It holds what is defined for any span: what was used, and how each plan's period stood. A pace, a forecast, a burn-down
and a container's silence belong to a day in a period: the monthly report has them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import Connection

from licensing.core.errors import BadCall
from licensing.db.readonly import ReadOnlyConnection, view_of
from usage.ledger.closed_months import closing_of
from usage.ledger.listing import refuse_unknown, site_of
from usage.months import Month, day_number, is_midnight
from usage.plans.book import PlanBook, read_book
from usage.plans.model import MeterShare, Plan, PlanIdentity, Rule
from usage.reporting.daily import UseKind, daily_use
from usage.reporting.draws import Draw, allocate, month_of, rules_of
from usage.reporting.plan_usage import standing_of
from usage.reporting.quality import IdleRule, Quality, quality_of, read_idle_rules
from usage.reporting.subtotals import Part, Subtotals, subtotals

NOT_DEFINED = ("burn-down", "pace", "forecast", "cover of an overage", "twelve months", "silent containers")
"""What a report on a span leaves out, by name."""
OF_WHOLE_PLANS = ("committed", "used", "remaining", "overage")
"""What is left out as well where a site or container was chosen: it is of whole plans."""
_MOST_MONTHS = 120


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``start`` up to, not including, ``end``, both at 00:00 UTC, under a name."""

    name: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if not (is_midnight(self.start) and is_midnight(self.end)):
            raise BadCall("a report begins and ends at 00:00 UTC", hint="give plain dates: --from 2026-03-10")
        if self.start >= self.end:
            raise BadCall("the report would end before it begins", hint="--to is the first day after it")
        if len(self.months) > _MOST_MONTHS:
            raise BadCall("a report is of ten years at most", hint="ask for a shorter span")

    @classmethod
    def of_year(cls, text: str) -> "Span":
        """The year of a number. Raises ``BadCall``."""
        first = Month.parse(f"{text}-01")
        return cls(text, first.starts_at, Month(first.year, 12).next.starts_at)

    @classmethod
    def of_month(cls, month: Month) -> "Span":
        """A month as a span."""
        return cls(str(month), month.starts_at, month.next.starts_at)

    @classmethod
    def of_days(cls, start: datetime, end: datetime) -> "Span":
        """Any days, named as ISO 8601 names an interval."""
        return cls(f"{start:%Y-%m-%d}/{end:%Y-%m-%d}", start, end)

    @property
    def months(self) -> list[Month]:
        """The months that it touches; stops counting once there are too many."""
        months = [Month.of(self.start)]
        while months[-1].next.starts_at < self.end and len(months) <= _MOST_MONTHS:
            months.append(months[-1].next)
        return months


class Choice(NamedTuple):
    """What a report is narrowed to; empty is not narrowed. Plans by name or ARM id, containers by id or type."""

    sites: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()


EVERYTHING = Choice()


class _Chosen(NamedTuple):
    """A choice, its sites as the ledger has them, its plans as the book knows them; None is every plan."""

    choice: Choice
    plans: frozenset[PlanIdentity] | None
    plan_names: frozenset[str]

    def takes(self, draw: Draw) -> bool:
        """Whether a draw is in the report."""
        return self._is_there(draw) and (
            self.plans is None or (draw.plan is not None and draw.plan.identity in self.plans)
        )

    def may_take(self, draw: Draw) -> bool:
        """Whether a draw that no rule decides may belong in the report."""
        return (
            bool(draw.undecided)
            and self._is_there(draw)
            and (self.plans is None or not self.plan_names.isdisjoint(draw.undecided))
        )

    def _is_there(self, draw: Draw) -> bool:
        use, (sites, _, containers) = draw.use, self.choice
        is_chosen = not containers or use.container_id in containers or use.container_type in containers
        return is_chosen and (not sites or use.site in sites)


def _choose(choice: Choice, book: PlanBook) -> _Chosen:
    """Find the plans of a choice: by the names they have now, else by those that closed months know them by."""
    choice = choice._replace(sites=tuple(map(site_of, choice.sites)))
    if not choice.plans:
        return _Chosen(choice, None, frozenset())
    versions = [plan for plans in (book.present, *book.frozen.values()) for plan in plans]
    found = frozenset(
        plan.identity
        for name in choice.plans
        for plan in ([plan for plan in book.present if plan.goes_by(name)] or versions)
        if plan.goes_by(name)
    )
    return _Chosen(choice, found, frozenset(plan.name for plan in versions if plan.identity in found))


def _by_present_name(draws: Iterable[Draw], book: PlanBook) -> list[Draw]:
    """The draws, on plans by the name that they have now: a span has months from before and after a renaming."""
    known: dict[int, Plan] = {}
    return [
        draw
        if draw.plan is None
        else draw._replace(plan=known.get(id(draw.plan)) or known.setdefault(id(draw.plan), _present(draw.plan, book)))
        for draw in draws
    ]


def _present(plan: Plan, book: PlanBook) -> Plan:
    """A plan under the name that it has now."""
    name = next((one.name for one in book.present if one.identity == plan.identity), plan.name)
    return plan if name == plan.name else replace(plan, name=name)


class Cell(NamedTuple):
    """The smallest sum: what one container used of a meter in one month, on one plan or none, in one way.

    ``quantity`` is in millionths of the meter's unit, ``drawn`` in those of the plan's, 0 on no plan. Of what is
    ``undecided`` no rule says which of these plans takes it; ``rules`` are those that gave the plan the rest of what
    several have, the last one at the end. Everything a report shows is a sum of cells.
    """

    plan: Plan | None
    share: MeterShare | None
    meter: str
    month: Month
    site: str
    container_type: str
    container_id: str
    kind: UseKind
    belongs_to: Month
    quantity: int
    drawn: int
    records: int
    undecided: tuple[str, ...]
    resource: str
    rules: tuple[Rule, ...]


class SpanPeriod(NamedTuple):
    """A plan's period that runs in the span, as the whole plan stood at the end of both.

    ``committed`` and ``used`` are None where the report holds a part of the plan's use alone.
    """

    plan: Plan
    starts_at: datetime
    ends_at: datetime
    counted_until: datetime
    committed: int | None
    used: int | None


class LeftOut(NamedTuple):
    """What a choice leaves out of a span, by meter, in millionths of the meter's unit."""

    meter: str
    quantity: int
    records: int


@dataclass(frozen=True, slots=True)
class SpanReport:
    """The use of a span, or of a part of it: ``left_out`` is the rest, ``not_in_it`` what it does not say.

    ``closed`` are its closed months, each with the month that somebody closed: itself, or the next that was.
    ``called`` are the names that closed months of it know a plan by, where it has another now.
    """

    span: Span
    as_of: datetime
    choice: Choice
    periods: tuple[SpanPeriod, ...]
    cells: tuple[Cell, ...]
    left_out: tuple[LeftOut, ...]
    not_in_it: tuple[str, ...]
    closed: Mapping[Month, Month]
    quality: Quality
    called: Mapping[PlanIdentity, Sequence[str]]

    @property
    def plans(self) -> dict[PlanIdentity, Plan]:
        """The plans it tells of, in their order."""
        return {one.plan.identity: one.plan for one in self.periods}

    def of_plan(self, plan: Plan | None) -> list[Cell]:
        """The cells of a plan, or of none."""
        if plan is None:
            return [cell for cell in self.cells if cell.plan is None]
        return [cell for cell in self.cells if cell.plan is not None and cell.plan.identity == plan.identity]


def span_report(connection: Connection, span: Span, choice: Choice = EVERYTHING, *, as_of: datetime) -> SpanReport:
    """The report on a span. Raises ``BadCall`` for a name that the ledger does not know."""
    view = view_of(connection)
    book = read_book(view, span.end)
    known = _plans(book, span)
    _refuse_unknown(connection, choice, book)
    starts = [start for plan in known for start, _ in plan.periods(span.start, span.end)]
    draws = _by_present_name(allocate(book, daily_use(view, min([span.start, *starts]), span.end)), book)
    chosen = _choose(choice, book)
    first = day_number(span.start)
    inside = [draw for draw in draws if draw.use.day >= first]
    cells = tuple(_cells(draw for draw in inside if chosen.takes(draw)))
    partial = bool(choice.sites or choice.containers)
    shown = [plan for plan in known if chosen.plans is None or plan.identity in chosen.plans]
    unmapped = tuple(sorted({cell.meter for cell in cells if cell.plan is None and not cell.undecided}))
    undecided = tuple(sorted({draw.use.meter for draw in inside if chosen.may_take(draw)}))
    return SpanReport(
        span=span,
        as_of=as_of,
        choice=choice,
        periods=tuple(_periods(shown, book, span, draws, as_of, partial=partial)),
        cells=cells,
        left_out=tuple(_left_out(draw for draw in inside if not chosen.takes(draw))),
        not_in_it=NOT_DEFINED + (OF_WHOLE_PLANS if partial else ()),
        closed={month: closing.month for month in span.months if (closing := closing_of(view, month)) is not None},
        quality=quality_of(
            view, unmapped, undecided, _idle_rules(view, book, span, shown), until=span.months[-1], as_of=as_of
        ),
        called=_called(book, span),
    )


def _called(book: PlanBook, span: Span) -> dict[PlanIdentity, list[str]]:
    found: dict[PlanIdentity, list[str]] = {}
    for month in filter(book.is_frozen, span.months):
        for plan in book.of(month):
            names = found.setdefault(plan.identity, [])
            if plan.name not in (_present(plan, book).name, *names):
                names.append(plan.name)
    return {identity: names for identity, names in found.items() if names}


def _idle_rules(view: ReadOnlyConnection, book: PlanBook, span: Span, shown: Iterable[Plan]) -> tuple[IdleRule, ...]:
    """The idle rules of the plans that are shown; none of a span that is closed."""
    if book.is_frozen(span.months[-1]):
        return ()
    told = {plan.identity for plan in shown}
    return read_idle_rules(view, (plan for plan in book.present if plan.identity in told), book.places)


def _plans(book: PlanBook, span: Span) -> list[Plan]:
    """The plans that run in a span, each as it counts for the last month of the span in which it does."""
    found: dict[PlanIdentity, Plan] = {}
    for month in span.months:
        start, end = max(span.start, month.starts_at), min(span.end, month.next.starts_at)
        found |= {plan.identity: _present(plan, book) for plan in book.of(month) if plan.covers(start, end)}
    return sorted(found.values(), key=lambda plan: (plan.starts_at, plan.name))


def _periods(
    plans: Iterable[Plan], book: PlanBook, span: Span, draws: Sequence[Draw], as_of: datetime, *, partial: bool
) -> Iterator[SpanPeriod]:
    for plan in plans:
        for start, end in plan.periods(span.start, span.end):
            until = min(end, span.end)
            then = Month.of(until - timedelta(microseconds=1))
            version = next((one for one in book.of(then) if one.identity == plan.identity), plan)
            known = standing_of(version, start, until, draws)
            amounts = (None, None) if partial else (known.committed, known.used)
            yield SpanPeriod(_present(version, book), start, end, max(start, min(as_of, until)), *amounts)


def _cells(draws: Iterable[Draw]) -> Iterator[Cell]:
    """The sums. A plan's meter is converted as one: a cell is what it drew with the cell, less what it drew before."""
    groups: dict[tuple[str, ...], list[Draw]] = {}
    for draw in draws:
        use = draw.use
        month = month_of(use.day)
        place = use.site, use.container_type, use.container_id
        name = ("", ",".join(draw.undecided))
        if draw.plan is not None:
            name = draw.plan.name, draw.plan.starts_at.isoformat()
        part = use.kind.value, str(use.month or month)
        groups.setdefault((*name, use.meter, str(month), *place, *part), []).append(draw)
    before: dict[tuple[str, ...], Fraction] = {}
    for key in sorted(groups):
        mine = groups[key]
        use, plan, share, undecided, resource, _ = mine[-1]
        start = before.get(key[:3], Fraction())
        end = before[key[:3]] = start + sum(one.use.quantity * one.share.ratio for one in mine if one.share)
        month = month_of(use.day)
        yield Cell(
            plan=plan,
            share=share,
            meter=use.meter,
            month=month,
            site=use.site,
            container_type=use.container_type,
            container_id=use.container_id,
            kind=use.kind,
            belongs_to=use.month or month,
            quantity=sum(one.use.quantity for one in mine),
            drawn=int(end // 1) - int(start // 1),
            records=sum(one.use.records for one in mine),
            undecided=undecided,
            resource=resource,
            rules=rules_of(mine),
        )


def subtotals_of(cells: Iterable[Cell]) -> Subtotals:
    """Cells of one plan added up in its unit, or cells of a meter on no plan in the meter's."""
    return subtotals(
        Part(cell.site, cell.resource, cell.records, (cell.quantity if cell.plan is None else cell.drawn,))
        for cell in cells
    )


def _left_out(draws: Iterable[Draw]) -> Iterator[LeftOut]:
    sums: dict[str, list[int]] = {}
    for draw in draws:
        known = sums.setdefault(draw.use.meter, [0, 0])
        known[0] += draw.use.quantity
        known[1] += draw.use.records
    return (LeftOut(meter, *sums[meter]) for meter in sorted(sums))


def _refuse_unknown(connection: Connection, choice: Choice, book: PlanBook) -> None:
    view = view_of(connection)
    plans = [plan for versions in (book.present, *book.frozen.values()) for plan in versions]
    by_arm_id = {name for name in choice.plans if any(plan.goes_by(name) for plan in plans)}
    containers = "SELECT container_id FROM series UNION SELECT container_type FROM series"
    known: Mapping[str, tuple[Iterable[str], Iterable[str]]] = {
        "site": (map(site_of, choice.sites), view.select(str, "SELECT DISTINCT site FROM series")),
        "plan": (choice.plans, by_arm_id.union(plan.name for plan in plans)),
        "container": (choice.containers, view.select(str, containers)),
    }
    for what, (names, there) in known.items():
        for name in names:
            refuse_unknown(what, name, there)
