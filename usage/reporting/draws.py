"""Draws: which plan each day's use draws on, and in which ratio. The one place where use is allocated to plans.

A day's use follows the plans as they count for its month: those of a closed month were frozen with it.
"""

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from licensing.core.instants import from_milliseconds
from licensing.core.text import plural
from usage.months import DAY_MS, Month, day_number
from usage.plans.book import PlanBook
from usage.plans.model import MeterShare, Plan, Rule
from usage.plans.places import Labels
from usage.plans.rules import Place, decide
from usage.reporting.daily import DayUse


class Draw(NamedTuple):
    """What was used on a day, and the plan it draws on in a ratio; both are None where it draws on no plan.

    ``undecided`` names the plans that have the meter on that day, where no rule says which of them takes it; ``rule``
    is the one that does. ``resource`` is what is known of where it was used, empty where that is nothing.
    """

    use: DayUse
    plan: Plan | None
    share: MeterShare | None
    undecided: tuple[str, ...] = ()
    resource: str = ""
    rule: Rule | None = None

    def is_of(self, plan: Plan) -> bool:
        """Whether it draws on a plan, as that was then."""
        return self.plan is not None and self.plan.identity == plan.identity


def rules_of(draws: Iterable[Draw]) -> tuple[Rule, ...]:
    """The rules that decided, each once, in the order in which they did so last."""
    last = {draw.rule: None for draw in reversed(list(draws)) if draw.rule is not None}
    return tuple(reversed(last))


class _Span(NamedTuple):
    first: int
    past: int
    plan: Plan
    share: MeterShare


def allocate(book: PlanBook, days: Iterable[DayUse]) -> list[Draw]:
    """The draws of some days, in their order."""
    months: dict[int, Month] = {}
    known: dict[tuple[Month, Labels], Place] = {}
    spans: dict[Month, dict[str, list[_Span]]] = {}
    found: list[Draw] = []
    for use in days:
        month = months.get(use.day)
        if month is None:
            month = months[use.day] = month_of(use.day)
            if month not in spans:
                spans[month] = _spans(book, month)
        running = [span for span in spans[month].get(use.meter, ()) if span.first <= use.day < span.past]
        labels = use.site, use.container_type, use.container_id
        place = known.get((month, labels))
        if place is None:
            place = known[month, labels] = book.places_of(month).of(*labels)
        found.append(_draw(use, running, place))
    return found


def _draw(use: DayUse, running: list[_Span], place: Place) -> Draw:
    if not running:
        return Draw(use, None, None, resource=place.resource)
    if len(running) == 1:
        return Draw(use, running[0].plan, running[0].share, resource=place.resource)
    decided = decide([span.plan for span in running], place)
    if decided is None:
        return Draw(use, None, None, tuple(span.plan.name for span in running), place.resource)
    number, rule = decided
    return Draw(use, running[number].plan, running[number].share, (), place.resource, rule)


def _spans(book: PlanBook, month: Month) -> dict[str, list[_Span]]:
    spans: dict[str, list[_Span]] = {}
    for plan in book.of(month):
        if plan.covers(month.starts_at, month.next.starts_at):
            first, past = day_number(plan.starts_at), day_number(plan.ends_at)
            for share in plan.meters:
                spans.setdefault(share.meter, []).append(_Span(first, past, plan, share))
    return spans


def month_of(day: int) -> Month:
    """The month of a day's number."""
    return Month.of(from_milliseconds(day * DAY_MS))


class Afterwards(NamedTuple):
    """What takes a plan's use after its end: plans, those that no rule decides between, or none."""

    plans: tuple[str, ...]
    undecided: tuple[str, ...]
    on_none: bool

    @property
    def words(self) -> str:
        """As the rest of a sentence: what is used from then on ..."""
        told = [f"draws on {plural(len(self.plans), 'plan')} {', '.join(self.plans)}"] if self.plans else []
        if self.undecided:
            told.append(f"is undecided, as no rule says which of plans {', '.join(self.undecided)} takes it")
        if self.on_none or not told:
            told.append("draws on no plan")
        return told[0] if len(told) == 1 else ", ".join(f"partly {part}" for part in told)


def afterwards(book: PlanBook, plan: Plan, draws: Iterable[Draw]) -> Afterwards:
    """What becomes of what draws on a plan on the first day after it, if the same containers go on.

    ``book`` has the terms that begin on that day. A meter that was not used yet is looked at as used here by anybody.
    """
    day = day_number(plan.ends_at)
    drawing = {
        (draw.use.site, draw.use.container_type, draw.use.container_id, draw.use.meter)
        for draw in draws
        if draw.is_of(plan)
    }
    drawing |= {("", "", "", share.meter) for share in plan.meters} - {("", "", "", user[3]) for user in drawing}
    found = allocate(book, [DayUse(day, *user, 1, 1, plan.ends_at) for user in sorted(drawing)])
    return Afterwards(
        plans=tuple(sorted({draw.plan.name for draw in found if draw.plan is not None})),
        undecided=tuple(sorted({name for draw in found for name in draw.undecided})),
        on_none=any(draw.plan is None and not draw.undecided for draw in found),
    )


class Tally(Counter[MeterShare]):
    """What was used, by the ratio it draws in: millionths of the meters' units."""

    def add(self, draw: Draw) -> None:
        """Count a draw."""
        if draw.share is not None:
            self[draw.share] += draw.use.quantity

    @property
    def drawn(self) -> int:
        """It in millionths of the plan's unit: each meter summed exactly, then rounded down once."""
        by_meter: dict[str, Fraction] = {}
        for share, quantity in self.items():
            by_meter[share.meter] = by_meter.get(share.meter, Fraction()) + quantity * share.ratio
        return sum(int(amount // 1) for amount in by_meter.values())


def drawn(draws: Iterable[Draw]) -> int:
    """What was drawn, in millionths of the plan's unit."""
    tally = Tally()
    for draw in draws:
        tally.add(draw)
    return tally.drawn
