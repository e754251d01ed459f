"""Amendments: units added to a plan in mid-term. Rows are only added: a mistake is taken back by another row."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, insert

from licensing.core.errors import BadCall
from licensing.core.instants import iso
from usage.ledger.tables.records import PlanChangeRow
from usage.months import is_midnight
from usage.plans.model import MAX_UNITS, Change, Plan
from usage.plans.store import find_plan, plan_key
from usage.quantity import MAX_WHOLE, MICRO, group_digits


def amend_plan(
    connection: Connection, name: str, units: int, effective_at: datetime, *, quota: int | None = None, now: datetime
) -> Change | None:
    """Add units to a plan from a day on: pro-rated for the rest of that period, or with the ``quota`` stated for it.

    Negative ``units`` take back the same number that was added from that very day. None when the same units from the
    same day are there already. Raises ``BadCall`` for a day outside the plan, or nothing to take back.
    """
    plan = find_plan(connection, name)
    _refuse_what_cannot_be(plan, units, effective_at)
    standing = _standing(plan, abs(units), effective_at)
    if units < 0:
        change = _take_back(plan, standing, units, now)
    else:
        added = plan.prorate(units, effective_at) if quota is None else quota
        change = Change(effective_at, units, added, quota is None, now)
        if standing is not None:
            _refuse_other_quota(plan, standing, change)
            return None
    _refuse_too_much(plan, change)
    connection.execute(
        insert(PlanChangeRow).values(
            plan=plan_key(connection, name),
            effective_at=change.effective_at,
            units=change.units,
            quota=change.quota,
            prorated=change.prorated,
            entered_at=change.entered_at,
        )
    )
    return change


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


def _take_back(plan: Plan, standing: Change | None, units: int, now: datetime) -> Change:
    if standing is None:
        raise BadCall(
            f"no {-units} units were added to plan {plan.name} from that day", hint=f"see: azlic plan show {plan.name}"
        )
    return replace(standing, units=units, quota=-standing.quota, entered_at=now)


def _refuse_other_quota(plan: Plan, known: Change, change: Change) -> None:
    if known.quota != change.quota:
        raise BadCall(
            f"units were already added to plan {plan.name} from that day with {group_digits(known.quota)} {plan.unit}, "
            f"not {group_digits(change.quota)}",
            hint=f"take them back first: azlic plan amend {plan.name} --units {-known.units} "
            f"--from {known.effective_at:%Y-%m-%d}",
        )


def _refuse_too_much(plan: Plan, change: Change) -> None:
    if change.quota > MAX_WHOLE * MICRO or plan.units_by(plan.ends_at) + change.units > MAX_UNITS:
        raise BadCall("that is more than can be counted", hint="a quota is at most 1,000,000,000,000 in all")
