"""Plans as the ledger holds them, read without SQLAlchemy where it is a file; ``usage.plans.store`` enters them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import ReadOnlyConnection
from usage.plans.arm_id import same_arm_id
from usage.plans.model import Change, MeterShare, NextTerm, Period, Plan, Renewal, Rule, Scope


class _PlanRow(NamedTuple):
    key: int
    name: str
    plan_type: str
    tier: str
    units: int
    quota: int
    unit: str
    period: Period
    starts_at: int
    ends_at: int
    auto_renew: int
    arm_id: str | None


class _ChangeRow(NamedTuple):
    plan: int
    effective_at: int
    units: int
    quota: int
    prorated: int
    entered_at: int
    entered_by: str | None


class _RenewalRow(NamedTuple):
    plan: int
    effective_at: int
    auto_renew: int
    tier: str | None
    units: int | None
    quota: int | None
    ends_at: int | None
    entered_at: int
    entered_by: str


def read_plans(connection: ReadOnlyConnection, until: datetime | None = None) -> list[Plan]:
    """All plans, in the order of their start, each next term that is known with them.

    A plan that renews itself goes on as it is: its terms that begin before ``until`` are among them.
    """
    shares: dict[int, list[MeterShare]] = defaultdict(list)
    for plan, share in connection.select(_share, "SELECT plan, meter, multiplier, divisor FROM plan_meter"):
        shares[plan].append(share)
    changes: dict[int, list[Change]] = defaultdict(list)
    query = "SELECT plan, effective_at, units, quota, prorated, entered_at, entered_by FROM plan_change ORDER BY key"
    for row in connection.select(_ChangeRow, query):
        changes[row.plan].append(_change(row))
    renewals: dict[int, list[Renewal]] = defaultdict(list)
    query = (
        "SELECT plan, effective_at, auto_renew, tier, count, quota, ends_at, entered_at, entered_by"
        " FROM plan_renewal ORDER BY effective_at, key"
    )
    for noted in connection.select(_RenewalRow, query):
        renewals[noted.plan].append(_renewal(noted))
    query = (
        "SELECT key, name, plan_type, tier, count, quota, unit, period, starts_at, ends_at, auto_renew, arm_id"
        " FROM plan ORDER BY starts_at, name"
    )
    rules: dict[int, set[Rule]] = defaultdict(set)
    for plan, rule, stands in connection.select(_rule, "SELECT plan, scope, value, stands FROM plan_rule ORDER BY key"):
        rules[plan].add(rule) if stands else rules[plan].discard(rule)
    entered = [
        _plan(row, shares[row.key], changes[row.key], renewals[row.key], rules[row.key])
        for row in connection.select(_PlanRow, query)
    ]
    coming = [term for plan in entered for term in _coming(plan, entered, until)]
    return sorted([*entered, *coming], key=lambda plan: (plan.starts_at, plan.name)) if coming else entered


def _coming(plan: Plan, entered: Sequence[Plan], until: datetime | None) -> Iterator[Plan]:
    """The terms that follow a plan, up to one that was entered."""
    noted = plan.noted_term
    while (term := plan.renewed()) and not any(_takes_place_of(other, term) for other in entered):
        if not noted and (until is None or term.starts_at >= until):
            return
        yield term
        plan, noted = term, None


def plans_after(plan: Plan, known: Sequence[Plan]) -> list[Plan]:
    """The plans that run right after a plan's end, and are its next term or have a meter of it."""
    meters = {share.meter for share in plan.meters}
    return [
        other
        for other in known
        if other.identity != plan.identity
        and other.covers(plan.ends_at, plan.ends_at + timedelta(microseconds=1))
        and (
            meters & {share.meter for share in other.meters}
            or (plan.arm_id and other.arm_id and same_arm_id(plan.arm_id, other.arm_id))
        )
    ]


def _takes_place_of(entered: Plan, coming: Plan) -> bool:
    if not coming.starts_at <= entered.starts_at < coming.ends_at:
        return False
    if entered.arm_id and coming.arm_id:
        return same_arm_id(entered.arm_id, coming.arm_id)
    shared = {share.meter for share in entered.meters} & {share.meter for share in coming.meters}
    return entered.name == coming.name or (bool(shared) and not (entered.rules or coming.rules))


def _share(plan: int, meter: str, multiplier: int, divisor: int) -> tuple[int, MeterShare]:
    return plan, MeterShare(meter, multiplier, divisor)


def _rule(plan: int, scope: Scope, value: str, stands: int) -> tuple[int, Rule, bool]:
    return plan, Rule(scope, value), bool(stands)


def _change(row: _ChangeRow) -> Change:
    effective_at, entered_at = from_milliseconds(row.effective_at), from_milliseconds(row.entered_at)
    return Change(effective_at, row.units, row.quota, bool(row.prorated), entered_at, row.entered_by)


def _renewal(row: _RenewalRow) -> Renewal:
    coming = None
    if row.tier is not None and row.units is not None and row.quota is not None and row.ends_at is not None:
        coming = NextTerm(row.tier, row.units, row.quota, from_milliseconds(row.ends_at))
    effective_at, entered_at = from_milliseconds(row.effective_at), from_milliseconds(row.entered_at)
    return Renewal(effective_at, bool(row.auto_renew), coming, entered_at, row.entered_by)


def _plan(
    row: _PlanRow, shares: list[MeterShare], changes: list[Change], renewals: list[Renewal], rules: set[Rule]
) -> Plan:
    return Plan(
        name=row.name,
        plan_type=row.plan_type,
        tier=row.tier,
        count=row.units,
        quota=row.quota,
        unit=row.unit,
        period=row.period,
        starts_at=from_milliseconds(row.starts_at),
        ends_at=from_milliseconds(row.ends_at),
        auto_renew=renewals[-1].auto_renew if renewals else bool(row.auto_renew),
        meters=tuple(shares),
        changes=tuple(changes),
        arm_id=row.arm_id,
        renewals=tuple(renewals),
        rules=tuple(sorted(rules)),
        key=row.key,
    )
