"""What comes at a plan's end: noted with the day from which it stands. Rows are only added."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, insert

from licensing.core.errors import BadCall
from licensing.core.instants import iso
from usage.ledger.tables.records import PlanRenewalRow
from usage.months import is_midnight
from usage.plans.model import NextTerm, Plan, Renewal, same_length_after
from usage.plans.store import plan_key


def note_renewal(
    connection: Connection,
    plan: Plan,
    *,
    auto_renew: bool,
    next_term: NextTerm | None = None,
    effective_at: datetime,
    now: datetime,
    entered_by: str,
) -> Renewal | None:
    """Note whether a plan renews itself at its end, and as what; None where that stands already.

    Without ``next_term`` it goes on as it is. Raises ``BadCall`` for a day that is not one of the plan.
    """
    if (plan.auto_renew, plan.noted_term) == (auto_renew, next_term):
        return None
    if not is_midnight(effective_at):
        raise BadCall(f"{iso(effective_at)} is not 00:00 UTC", hint="it stands from a whole day: give a plain date")
    earliest = max([plan.starts_at, *(renewal.effective_at for renewal in plan.renewals)])
    if not earliest <= effective_at < plan.ends_at:
        raise BadCall(
            f"{effective_at:%Y-%m-%d} is not a day on which plan {plan.name} can be changed",
            hint=f"a plain date from {earliest:%Y-%m-%d} up to, not including, {plan.ends_at:%Y-%m-%d}",
        )
    renewal = Renewal(effective_at, auto_renew, next_term, now, entered_by)
    terms = asdict(next_term) if next_term else {}
    values = renewal._asdict() | terms | {"plan": plan_key(connection, plan)}
    del values["next_term"]
    connection.execute(insert(PlanRenewalRow).values(values))
    return renewal


def stated_term(
    plan: Plan, *, tier: str | None, units: int | None, quota: int | None, ends_at: datetime | None
) -> NextTerm | None:
    """The next term as an operator states it: what is left out is as in the plan; None where all is left out.

    Raises ``BadCall`` for another tier without its quota, and where nothing says how long it is.
    """
    if (tier, units, quota, ends_at) == (None, None, None, None):
        return None
    if tier not in (None, plan.tier) and quota is None:
        raise BadCall(f"what one unit of tier {tier} commits to is not known", hint="state it: --quota N")
    ends_at = ends_at or same_length_after(plan.starts_at, plan.ends_at)
    if ends_at is None:
        raise BadCall(
            f"plan {plan.name} was cut short: how long its next term is is not known", hint="state --end DATE"
        )
    if not (is_midnight(ends_at) and ends_at > plan.ends_at):
        raise BadCall(f"the next term cannot end at {iso(ends_at)}", hint=f"a plain date after {plan.ends_at:%Y-%m-%d}")
    return NextTerm(
        tier=tier or plan.tier,
        count=units or plan.units_by(plan.ends_at),
        quota=quota or plan.quota,
        ends_at=ends_at,
    )


def day_of_change(plan: Plan, now: datetime) -> datetime:
    """The day from which a change counts that states none: today, or the plan's first day if that is to come."""
    return max(now.replace(hour=0, minute=0, second=0, microsecond=0), plan.starts_at)
