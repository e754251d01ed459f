"""Plans as the ledger holds them, read without SQLAlchemy where it is a file; ``usage.plans.store`` enters them."""

from collections import defaultdict
from typing import NamedTuple

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import ReadOnlyConnection
from usage.plans.model import Change, MeterShare, Period, Plan


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


class _ChangeRow(NamedTuple):
    plan: int
    effective_at: int
    units: int
    quota: int
    prorated: int
    entered_at: int


def read_plans(connection: ReadOnlyConnection) -> list[Plan]:
    """All plans, in the order of their start."""
    shares: dict[int, list[MeterShare]] = defaultdict(list)
    for plan, share in connection.select(_share, "SELECT plan, meter, multiplier, divisor FROM plan_meter"):
        shares[plan].append(share)
    changes: dict[int, list[Change]] = defaultdict(list)
    query = "SELECT plan, effective_at, units, quota, prorated, entered_at FROM plan_change ORDER BY key"
    for row in connection.select(_ChangeRow, query):
        changes[row.plan].append(_change(row))
    query = (
        "SELECT key, name, plan_type, tier, count, quota, unit, period, starts_at, ends_at, auto_renew"
        " FROM plan ORDER BY starts_at, name"
    )
    return [_plan(row, shares[row.key], changes[row.key]) for row in connection.select(_PlanRow, query)]


def _share(plan: int, meter: str, multiplier: int, divisor: int) -> tuple[int, MeterShare]:
    return plan, MeterShare(meter, multiplier, divisor)


def _change(row: _ChangeRow) -> Change:
    effective_at, entered_at = from_milliseconds(row.effective_at), from_milliseconds(row.entered_at)
    return Change(effective_at, row.units, row.quota, bool(row.prorated), entered_at)


def _plan(row: _PlanRow, shares: list[MeterShare], changes: list[Change]) -> Plan:
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
        auto_renew=bool(row.auto_renew),
        meters=tuple(shares),
        changes=tuple(changes),
    )
