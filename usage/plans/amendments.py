"""Amendments: units added to a plan in mid-term. Rows are only added: a mistake is taken back by another row."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert

from licensing.core.errors import BadCall
from licensing.core.instants import iso
from licensing.core.text import name_word
from licensing.db.readonly import view_of
from usage.ledger.closed_months import last_closed_month
from usage.ledger.tables.records import PlanChangeRow
from usage.months import Month, is_midnight
from usage.plans.model import MAX_UNITS, Change, Plan
from usage.plans.store import find_plan, plan_key
from usage.quantity import MAX_WHOLE, MICRO, group_digits


def amend_plan(
    connection: Connection,
    name: str,
    units: int,
    effective_at: datetime,
    *,
    quota: int | None = None,
    now: datetime,
    entered_by: str | None = None,
) -> Change | None:
    """Add units to a plan from a day on: pro-rated for the rest of that period, or with the ``quota`` stated for it.

    Negative ``units`` take back the same number that was added from that very day. None when the same units from the
    same day are there already. Raises ``BadCall`` for a day outside the plan or in a closed month, or nothing to take
    back.
    """
    plan = find_plan(connection, name, effective_at)
    _refuse_what_cannot_be(plan, units, effective_at)
    standing = _standing(plan, abs(units), effective_at)
    added = plan.prorate(units, effective_at) if quota is None else quota
    change = Change(effective_at, units, added, quota is None, now, entered_by)
    if units < 0:
        taken = standing or _standing_in_closed(plan, -units, effective_at, last_closed_month(view_of(connection)))
        if taken is None:
            raise BadCall(
                f"no {-units} units were added to plan {plan.name} from that day",
                hint=f"see: azlic plan show {name_word(plan.name)}",
            )
        change = _take_back(plan, taken, change)
    elif standing is not None:
        if standing.quota != change.quota:
            _refuse_closed(connection, plan, change)
            _refuse_other_quota(plan, standing, change)
        return None
    _refuse_closed(connection, plan, change)
    _insert(connection, plan, change)
    return change


def take_count(
    connection: Connection, plan: Plan, count: int, effective_at: datetime, *, now: datetime, entered_by: str
) -> Change:
    """Let a plan have a number of units from a day on, more or fewer than it has: pro-rated for that period.

    Raises ``BadCall`` for a day outside the plan, or in a closed month.
    """
    units = count - plan.units_by(effective_at)
    _refuse_what_cannot_be(plan, units, effective_at)
    quota = plan.prorate(abs(units), effective_at) * (1 if units > 0 else -1)
    change = Change(effective_at, units, quota, prorated=True, entered_at=now, entered_by=entered_by)
    _refuse_closed(connection, plan, change)
    _insert(connection, plan, change)
    return change


def _insert(connection: Connection, plan: Plan, change: Change) -> None:
    _refuse_too_much(plan, change)
    values = {field: getattr(change, field) for field in Change.__slots__}
    connection.execute(insert(PlanChangeRow).values(values | {"plan": plan_key(connection, plan)}))


def _refuse_closed(connection: Connection, plan: Plan, change: Change) -> None:
    """A closed month stays as it was closed: what was bought in it counts from the first open one."""
    closed = last_closed_month(view_of(connection))
    if closed is None or change.effective_at >= closed.next.starts_at:
        return
    first = _first_free_day(plan, abs(change.units), closed)
    last_on = f"it can count from the first day that is open: --from {first:%Y-%m-%d}"
    if first >= plan.ends_at:
        last_on = f"no day of plan {plan.name} is open any more: it ended at {plan.ends_at:%Y-%m-%d}"
    elif change.units > 0 and plan.period_around(first) == plan.period_around(change.effective_at):
        last_on += f" --quota {change.quota // MICRO}, which keeps what it adds to that period"
    raise BadCall(f"{Month.of(change.effective_at)} is closed: its report does not change any more", hint=last_on)


def _refuse_what_cannot_be(plan: Plan, units: int, effective_at: datetime) -> None:
    if not 1 <= abs(units) <= MAX_UNITS:
        raise BadCall(f"{units} units cannot be added", hint="--units 1 or more; -1 takes back one entered by mistake")
    if not is_midnight(effective_at):
        raise BadCall(f"{iso(effective_at)} is not 00:00 UTC", hint="units count from a whole day: give a plain date")
    if not plan.starts_at <= effective_at < plan.ends_at:
        raise BadCall(
            f"{effective_at:%Y-%m-%d} is not a day of plan {plan.name}",
            hint=f"a plain date from {plan.starts_at:%Y-%m-%d} up to, not including, {plan.ends_at:%Y-%m-%d}",
        )


def _standing(plan: Plan, units: int, effective_at: datetime) -> Change | None:
    """The same units from the same day, unless they were taken back."""
    same = [change for change in plan.changes if (change.effective_at, abs(change.units)) == (effective_at, units)]
    return same[-1] if same and same[-1].units > 0 else None


def _standing_in_closed(plan: Plan, units: int, effective_at: datetime, closed: Month | None) -> Change | None:
    """The same units from a day whose month is closed since: they are taken back from the first free day on."""
    if closed is None or effective_at != _first_free_day(plan, units, closed):
        return None
    if sum(change.units for change in plan.changes if abs(change.units) == units) <= 0:
        return None  # they were taken back
    days = sorted({change.effective_at for change in plan.changes if change.effective_at < effective_at}, reverse=True)
    return next((found for day in days if (found := _standing(plan, units, day))), None)


def _first_free_day(plan: Plan, units: int, closed: Month) -> datetime:
    """The first day of an open month from which not as many units were added: whoever names it means no others."""
    day = closed.next.starts_at
    while _standing(plan, units, day):
        day += timedelta(days=1)
    return day


def ways_to_add_more(plan: Plan, units: int, effective_at: datetime, closed: Month | None) -> str:
    """How more units are added from a day that has as many already: these are taken back, and all are added.

    Where that day's month is closed, as many are added from the first day that can take them.
    """
    if closed is not None and effective_at < closed.next.starts_at:
        first = _first_free_day(plan, units, closed)
        return f"azlic plan amend {name_word(plan.name)} --units {units} --from {first:%Y-%m-%d}"
    word, day = name_word(plan.name), f"{effective_at:%Y-%m-%d}"
    back = f"azlic plan amend {word} --units -{units} --from {day}"
    return f"{back}, then azlic plan amend {word} --units {2 * units} --from {day}"


def _take_back(plan: Plan, standing: Change, back: Change) -> Change:
    start, _ = plan.period_around(back.effective_at)
    quota = -standing.quota if standing.effective_at >= start else back.units * plan.quota
    return replace(back, quota=quota, prorated=standing.prorated)


def _refuse_other_quota(plan: Plan, known: Change, change: Change) -> None:
    if known.quota != change.quota:
        raise BadCall(
            f"units were already added to plan {plan.name} from that day with {group_digits(known.quota)} {plan.unit}, "
            f"not {group_digits(change.quota)}",
            hint=f"take them back first: azlic plan amend {name_word(plan.name)} --units {-known.units} "
            f"--from {known.effective_at:%Y-%m-%d}",
        )


def _refuse_too_much(plan: Plan, change: Change) -> None:
    if change.quota > MAX_WHOLE * MICRO or plan.units_by(plan.ends_at) + change.units > MAX_UNITS:
        raise BadCall("that is more than can be counted", hint="a quota is at most 1,000,000,000,000 in all")
