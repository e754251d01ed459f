"""What is frozen when a month is closed: every plan with its terms, and each of its periods as it stood.

It counts for all months that were not frozen before: those closed together with this one, and those that an earlier
version closed without it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, insert

from licensing.core.instants import iso
from licensing.db.readonly import ReadOnlyConnection, view_of
from usage.ledger.canonical import Frozen
from usage.ledger.tables.months import ClosedPeriodRow, ClosedPlaceRow, ClosedPlanRow
from usage.months import Month
from usage.plans.book import PlanBook, read_book, terms_of
from usage.plans.model import Plan
from usage.plans.read import read_plans
from usage.plans.rules import Place
from usage.plans.store import plan_key
from usage.reporting.daily import daily_use
from usage.reporting.draws import Draw, allocate
from usage.reporting.plan_usage import Standing, standing_of


@dataclass(frozen=True, slots=True)
class FrozenPlan:
    """A plan, and how each of its periods stood, by its first day."""

    plan: Plan
    periods: dict[datetime, Standing]


@dataclass(frozen=True, slots=True)
class Freezing:
    """What the closing of a month freezes, in the order of numbers: plans, and by series what rules ask for."""

    month: Month
    plans: tuple[FrozenPlan, ...]
    places: Mapping[int, Place]

    @property
    def canonical(self) -> Frozen:
        """It as it is digested."""
        plans = [
            (
                frozen.plan.key,
                terms_of(frozen.plan),
                [(iso(at), str(known.committed), str(known.used)) for at, known in frozen.periods.items()],
            )
            for frozen in self.plans
        ]
        return plans, [(series, place.resource, place.output) for series, place in self.places.items()]

    def keep(self, connection: Connection) -> None:
        """Write it down; the month is closed already."""
        month = self.month.number
        for frozen in self.plans:
            key = frozen.plan.key
            connection.execute(insert(ClosedPlanRow).values(month=month, plan=key, terms=terms_of(frozen.plan)))
            for at, known in frozen.periods.items():
                amounts = {"committed": str(known.committed), "used": str(known.used)}
                connection.execute(insert(ClosedPeriodRow).values(month=month, plan=key, starts_at=at, **amounts))
        for series, place in self.places.items():
            values = {"month": month, "series": series, "resource": place.resource, "output": place.output}
            connection.execute(insert(ClosedPlaceRow).values(values))


def freeze(connection: Connection, month: Month) -> Freezing:
    """What the closing of a month is to freeze. A term that was only noted to come is entered once it has begun."""
    view, end = view_of(connection), month.next.starts_at
    for plan in read_plans(view, end):
        if plan.renewed_from is not None and plan.starts_at < end:
            plan_key(connection, plan)
    book = read_book(view)
    book = replace(book, present=[plan for plan in book.present if plan.renewed_from is None])
    periods = {plan.key: list(_periods(plan, book, month)) for plan in book.present}
    starts = [start for known in periods.values() for start, _ in known]
    draws = allocate(book, daily_use(view, min(starts), end)) if starts else []
    return Freezing(
        month,
        tuple(
            FrozenPlan(plan, _standings(plan, periods[plan.key], end, draws))
            for plan in sorted(book.present, key=lambda plan: plan.key)
        ),
        dict(_places(view, book, month)),
    )


def _places(view: ReadOnlyConnection, book: PlanBook, month: Month) -> Iterator[tuple[int, Place]]:
    """Of each series the place it was used in, as far as that is known."""
    columns = "SELECT key, site, container_type, container_id FROM series ORDER BY key"
    for key, labels in view.select(_labels, columns):
        place = book.places_of(month).of(*labels)
        if place.resource or place.output:
            yield key, place


def _labels(key: int, site: str, container_type: str, container_id: str) -> tuple[int, tuple[str, str, str]]:
    return key, (site, container_type, container_id)


def _periods(plan: Plan, book: PlanBook, month: Month) -> Iterator[tuple[datetime, datetime]]:
    """The periods of a plan that run in the months to be frozen."""
    frozen = book.frozen_until
    return plan.periods(frozen.next.starts_at if frozen else plan.starts_at, month.next.starts_at)


def _standings(
    plan: Plan, periods: list[tuple[datetime, datetime]], until: datetime, draws: list[Draw]
) -> dict[datetime, Standing]:
    mine = [draw for draw in draws if draw.is_of(plan)]
    return {start: standing_of(plan, start, min(end, until), mine) for start, end in periods}
