"""The book of plans, month by month: closed months as they were frozen, open ones as the plans are now.

A closing freezes all plans for every month that was not frozen before; whoever asks which plans count for a month, and
how, asks here.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import msgspec

from licensing.core.errors import AzlicError
from licensing.core.instants import iso
from licensing.db.readonly import ReadOnlyConnection
from usage.months import Month
from usage.plans.model import Plan
from usage.plans.places import Places, read_frozen_places, read_places
from usage.plans.read import read_plans

_NOWHERE = Places({})


@dataclass(frozen=True, slots=True)
class PlanBook:
    """The plans of each month. ``frozen`` are those of closed months, by the month whose closing froze them."""

    present: Sequence[Plan]
    frozen: Mapping[Month, Sequence[Plan]]
    places: Places = field(default_factory=Places)
    frozen_places: Mapping[Month, Places] = field(default_factory=dict)

    @property
    def frozen_until(self) -> Month | None:
        """The newest month that was frozen, and all before it with it."""
        return max(self.frozen, default=None)

    def of(self, month: Month) -> Sequence[Plan]:
        """The plans as they count for a month."""
        closing = self._closing_of(month)
        return self.present if closing is None else self.frozen[closing]

    def places_of(self, month: Month) -> Places:
        """What was known of the places of use, as it counts for a month."""
        closing = self._closing_of(month)
        return self.places if closing is None else self.frozen_places.get(closing, _NOWHERE)

    def is_frozen(self, month: Month) -> bool:
        """Whether a month's plans stay as they are."""
        return self._closing_of(month) is not None

    def _closing_of(self, month: Month) -> Month | None:
        """The month whose closing froze a month; None where it is open."""
        until = self.frozen_until
        if until is None or month > until:
            return None
        closings = sorted(self.frozen)
        return closings[bisect_left(closings, month)]


def read_book(connection: ReadOnlyConnection, until: datetime | None = None) -> PlanBook:
    """The book as the ledger has it; a plan that renews itself has its terms that begin before ``until``.

    Raises ``AzlicError`` for frozen terms that cannot be read.
    """
    frozen: dict[Month, list[Plan]] = {
        month: [] for month in connection.select(Month.from_number, "SELECT month FROM closed_month WHERE form >= 2")
    }
    for month, terms in connection.select(_row, "SELECT month, terms FROM closed_plan ORDER BY month, plan"):
        frozen.setdefault(month, []).append(_plan_of(terms))
    ordered = {month: sorted(plans, key=lambda plan: (plan.starts_at, plan.name)) for month, plans in frozen.items()}
    places = {Month.from_number(number): known for number, known in read_frozen_places(connection).items()}
    return PlanBook(read_plans(connection, until), ordered, read_places(connection), places)


def read_first_open_month(connection: ReadOnlyConnection) -> Month | None:
    """The month from which a change of plans counts; None where it counts for every month."""
    (newest,) = connection.select(_month, "SELECT max(month) FROM closed_month WHERE form >= 2")
    return newest and newest.next


def _month(number: int | None) -> Month | None:
    return None if number is None else Month.from_number(number)


def _row(month: int, terms: str) -> tuple[Month, str]:
    return Month.from_number(month), terms


def terms_of(plan: Plan) -> str:
    """A plan's terms as a closing keeps them: all its fields by their names, as JSON."""
    return msgspec.json.encode(plan, enc_hook=iso).decode()


@lru_cache(maxsize=1000)
def _plan_of(terms: str) -> Plan:
    try:
        return msgspec.json.decode(terms, type=Plan)
    except (msgspec.DecodeError, AzlicError) as error:
        raise AzlicError(
            f"the terms of a plan in a closed month cannot be read: {error}",
            hint="they were changed outside azlic: azlic audit names the month",
        ) from error
