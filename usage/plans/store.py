"""The stored plans: each entered once, its meters mapped by hand."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from licensing.core.errors import BadCall
from licensing.core.instants import iso
from licensing.db.readonly import view_of
from licensing.signing.document import CommittedPlan
from usage.ledger.tables.records import PlanMeterRow, PlanRow
from usage.plans.model import MeterShare, Plan
from usage.plans.read import read_plans
from usage.quantity import MICRO, group_digits

_TERMS = ("plan_type", "tier", "count", "quota", "unit", "period", "starts_at", "ends_at", "auto_renew")


def from_document(document: CommittedPlan) -> Plan:
    """The plan a license carries, as the ledger keeps it."""
    return Plan(
        name=document.name,
        plan_type=document.plan_type,
        tier=document.tier,
        count=document.count,
        quota=document.quota.quantity * MICRO,
        unit=document.quota.unit,
        period=document.period,
        starts_at=document.starts_at,
        ends_at=document.ends_at,
        meters=tuple(map(MeterShare, document.meters)),
    )


def list_plans(connection: Connection) -> Sequence[Plan]:
    """All plans, in the order of their start."""
    return read_plans(view_of(connection))


def find_plan(connection: Connection, name: str) -> Plan:
    """The plan of a name. Raises ``BadCall`` where there is none."""
    for plan in list_plans(connection):
        if plan.name == name:
            return plan
    raise BadCall(f"there is no plan named {name}", hint="see: azlic plan list")


def plan_key(connection: Connection, name: str) -> int:
    """The key of a plan that is there."""
    return connection.execute(select(PlanRow.key).where(PlanRow.name == name)).scalar_one()


def add_plan(connection: Connection, plan: Plan) -> bool:
    """Enter a plan; False when it is there already, whatever was added to it or mapped since.

    Raises ``BadCall`` when a plan of that name has other terms, or another draws on the same meter at the same time.
    """
    known = list_plans(connection)
    if same := next((other for other in known if other.name == plan.name), None):
        _refuse_other_terms(same, plan)
        return False
    _refuse_shared_meter(plan, known)
    key = connection.execute(
        insert(PlanRow).values(name=plan.name, **{term: getattr(plan, term) for term in _TERMS}).returning(PlanRow.key)
    ).scalar_one()
    for share in plan.meters:
        _insert_share(connection, key, share)
    return True


def _refuse_other_terms(here: Plan, there: Plan) -> None:
    units = {here.count, here.count + sum(change.units for change in here.changes)}
    differing = [
        term
        for term in _TERMS
        if getattr(here, term) != getattr(there, term) and not (term == "count" and there.count in units)
    ]
    told = [f"{term} {_term_text(term, here)} here, {_term_text(term, there)} there" for term in differing]
    missing = {share.meter for share in there.meters} - {share.meter for share in here.meters}
    told += [f"meter {meter} only there" for meter in sorted(missing)]
    if told:
        raise BadCall(
            f"plan {here.name} already exists with other terms: {'; '.join(told)}", hint=_hint(here, there, differing)
        )


def _term_text(term: str, plan: Plan) -> str:
    value = getattr(plan, term)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return iso(value)
    return group_digits(value) if term == "quota" else str(value)


def _hint(here: Plan, there: Plan, differing: list[str]) -> str:
    if differing == ["count"] and there.count > here.count:
        return f"units added in mid-term: azlic plan amend {here.name} --units {there.count - here.count} --from DATE"
    if differing == ["auto_renew"] and here.auto_renew:
        return f"azlic plan end {here.name}"
    if not differing:
        return f"azlic plan map {here.name} METER"
    return f"choose another name, or see: azlic plan show {here.name}"


def _refuse_shared_meter(plan: Plan, known: Iterable[Plan]) -> None:
    meters = {share.meter for share in plan.meters}
    for other in known:
        shared = meters & {share.meter for share in other.meters}
        if shared and other.name != plan.name and other.covers(plan.starts_at, plan.ends_at):
            raise BadCall(
                f"meter {min(shared)} already draws on plan {other.name} in that period",
                hint="a meter draws on one plan at a time; leave it out, or let the plans follow each other",
            )


def end_plan(connection: Connection, name: str) -> bool:
    """Let a plan end at its end instead of renewing itself; False when it would have ended anyway."""
    renews = find_plan(connection, name).auto_renew
    connection.execute(update(PlanRow).where(PlanRow.name == name).values(auto_renew=False))
    return renews


def map_meter(connection: Connection, name: str, share: MeterShare) -> MeterShare | None:
    """Let a meter draw on a plan in a stated ratio; gives the ratio it had there before, if any.

    Raises ``BadCall`` when the meter draws on another plan at the same time.
    """
    plan = find_plan(connection, name)
    before = next((known for known in plan.meters if known.meter == share.meter), None)
    others = tuple(known for known in plan.meters if known.meter != share.meter)
    _refuse_shared_meter(replace(plan, meters=(*others, share)), list_plans(connection))
    if before is not None:
        unmap_meter(connection, name, share.meter)
    _insert_share(connection, plan_key(connection, name), share)
    return before


def unmap_meter(connection: Connection, name: str, meter: str) -> MeterShare:
    """Let a meter draw on a plan no longer; gives the ratio it had. Raises ``BadCall`` when it did not draw on it."""
    before = {share.meter: share for share in find_plan(connection, name).meters}
    if meter not in before:
        raise BadCall(f"meter {meter} does not draw on plan {name}", hint=f"see: azlic plan show {name}")
    connection.execute(
        delete(PlanMeterRow).where(PlanMeterRow.plan == plan_key(connection, name), PlanMeterRow.meter == meter)
    )
    return before[meter]


def _insert_share(connection: Connection, key: int, share: MeterShare) -> None:
    connection.execute(
        insert(PlanMeterRow).values(plan=key, meter=share.meter, multiplier=share.multiplier, divisor=share.divisor)
    )
