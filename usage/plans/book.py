"""The book of plans, month by month: closed months as they were frozen, open ones as the plans are now.

A closing freezes all plans for every month that was not frozen before; whoever asks which plans count for a month, and
how, asks here.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from licensing.core.errors import AzlicError
from licensing.core.instants import iso
from licensing.db.readonly import ReadOnlyConnection
from usage.months import Month
from usage.plans.model import MeterShare, Plan
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


def first_month_changed(before: Sequence[Plan], after: Sequence[Plan]) -> Month | None:
    """The first month that a change of plans says something of; None where nothing was changed."""
    old, new = ({plan.identity: plan for plan in plans} for plans in (before, after))
    days = [_first_day_changed(old.get(known), new.get(known)) for known in old.keys() | new.keys()]
    return min((Month.of(day) for day in days if day), default=None)


def _first_day_changed(old: Plan | None, new: Plan | None) -> datetime | None:
    if old is None or new is None:
        only = old or new
        return None if only is None else only.starts_at
    if old == new:
        return None
    if replace(new, changes=old.changes, renewals=old.renewals, auto_renew=old.auto_renew) != old:
        return old.starts_at
    changes, renewals = {*old.changes} ^ {*new.changes}, {*old.renewals} ^ {*new.renewals}
    days = [*(one.effective_at for one in changes), *(one.effective_at for one in renewals)]
    return max(old.starts_at, min(days, default=old.starts_at))


class MonthlyShare(NamedTuple):
    """How a meter draws on a plan from a month on; None is not at all."""

    since: Month
    share: MeterShare | None


def shares_by_month(book: PlanBook, plan: Plan) -> dict[str, list[MonthlyShare]]:
    """How each meter drew on a plan in closed months, and draws on it in open ones; the oldest first."""
    found: dict[str, list[MonthlyShare]] = {}
    since = Month.of(plan.starts_at)
    for closing in sorted(book.frozen):
        version = next((one for one in book.frozen[closing] if one.identity == plan.identity), None)
        if version is not None:
            _note_shares(found, version, since)
        since = max(since, closing.next)
    if since.starts_at < plan.ends_at:
        _note_shares(found, plan, since)
    return found


def _note_shares(found: dict[str, list[MonthlyShare]], plan: Plan, since: Month) -> None:
    shares = {share.meter: share for share in plan.meters}
    for meter in sorted(found.keys() | shares.keys()):
        known = found.setdefault(meter, [])
        share = shares.get(meter)
        if (known[-1].share if known else None) != share:
            known.append(MonthlyShare(since, share))


def _month(number: int | None) -> Month | None:
    return None if number is None else Month.from_number(number)


def _row(month: int, terms: str) -> tuple[Month, str]:
    return Month.from_number(month), terms


def terms_of(plan: Plan) -> str:
    """A plan's terms as a closing keeps them: all its fields by their names, as JSON."""
    import msgspec  # noqa: PLC0415 - where months are closed

    return msgspec.json.encode(plan, enc_hook=iso).decode()


@lru_cache(maxsize=1000)
def _plan_of(terms: str) -> Plan:
    import msgspec  # noqa: PLC0415 - where months are closed

    try:
        return msgspec.json.decode(terms, type=Plan)
    except (msgspec.DecodeError, AzlicError) as error:
        raise AzlicError(
            f"the terms of a plan in a closed month cannot be read: {error}",
            hint="they were changed outside azlic: azlic audit names the month",
        ) from error
