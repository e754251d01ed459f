"""The stored plans: each entered once, its meters mapped by hand."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from licensing.core.errors import BadCall
from licensing.core.instants import iso
from licensing.core.text import name_word
from licensing.db.readonly import ReadOnlyConnection, view_of
from licensing.signing.document import CommittedPlan
from usage.ledger.closed_months import last_closed_month
from usage.ledger.tables.records import PlanChangeRow, PlanMeterRow, PlanRenewalRow, PlanRow, PlanRuleRow
from usage.months import Month, day_number
from usage.plans.arm_id import is_arm_id
from usage.plans.model import MeterShare, Plan, Rule
from usage.plans.read import read_plans
from usage.plans.rules import find_alike, refuse_equal_rule
from usage.plans.shares import share_of
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
        meters=tuple(share_of(meter, document.quota.unit) for meter in document.meters),
    )


def list_plans(connection: Connection, until: datetime | None = None) -> Sequence[Plan]:
    """All plans, in the order of their start; one that renews itself with its terms that begin before ``until``."""
    return read_plans(view_of(connection), until)


def find_plan(connection: Connection, name: str, at: datetime | None = None) -> Plan:
    """The plan of a name or an ARM id: of several terms the one that runs ``at`` an instant, else the newest.

    Raises ``BadCall`` where there is none.
    """
    until = max(filter(None, (at and at + timedelta(days=1), _day_in(name))), default=None)
    found = [plan for plan in list_plans(connection, until) if plan.goes_by(name)]
    if not found:
        raise BadCall(f"there is no plan named {name}", hint="see: azlic plan list")
    running = (plan for plan in found if at is not None and plan.starts_at <= at < plan.ends_at)
    return next(running, [plan for plan in found if not plan.renewed_from or len(found) == 1][-1])


def _day_in(name: str) -> datetime | None:
    """The day behind the one that a later term is named after: it is to be among the plans."""
    try:
        return (
            datetime.fromisoformat(f"{name[-10:]}T00:00:00+00:00") + timedelta(days=1) if name[-11:-10] == "@" else None
        )
    except (ValueError, OverflowError):
        return None


def plan_key(connection: Connection, plan: Plan) -> int:
    """The key of a plan that is there; a term that was only noted to come is entered by it."""
    found = connection.execute(select(PlanRow.key).where(PlanRow.name == plan.name)).scalar()
    return insert_plan(connection, plan) if found is None else found


def add_plan(connection: Connection, plan: Plan) -> bool:
    """Enter a plan; False when it is there already, whatever was added to it or mapped since.

    Raises ``BadCall`` when a plan of that name has other terms. Another one may have the same meter: rules decide then.
    """
    if is_arm_id(plan.name):
        raise BadCall(f"{plan.name} is an ARM id, not a short name", hint="a plan's name does not begin with a slash")
    known = list_plans(connection)
    if same := next((other for other in known if other.name == plan.name and not other.renewed_from), None):
        refuse_other_terms(same, plan)
        return False
    insert_plan(connection, plan)
    return True


def insert_plan(connection: Connection, plan: Plan) -> int:
    """Enter a plan that is not there; gives its key."""
    values = {term: getattr(plan, term) for term in (*_TERMS, "name", "arm_id")}
    key = connection.execute(insert(PlanRow).values(values).returning(PlanRow.key)).scalar_one()
    for share in plan.meters:
        _insert_share(connection, key, share)
    for rule in plan.rules:  # of the term before
        _note_rule(connection, key, rule, stands=True, now=plan.starts_at, entered_by="azlic")
    return key


def differing_terms(here: Plan, there: Plan) -> list[str]:
    """The terms in which two plans differ; a count may be the one before or after units were added."""
    units = {here.count, here.units_by(here.ends_at)}
    return [
        term
        for term in _TERMS
        if getattr(here, term) != getattr(there, term) and not (term == "count" and there.count in units)
    ]


def refuse_other_terms(here: Plan, there: Plan, *, besides: Collection[str] = ()) -> None:
    """Refuse a plan that is here with other terms, or without its meters; some may be others. Raises ``BadCall``."""
    differing = [term for term in differing_terms(here, there) if term not in besides]
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
        more = there.count - here.count
        return f"units added in mid-term: azlic plan amend {name_word(here.name)} --units {more} --from DATE"
    if differing == ["auto_renew"]:
        return f"azlic plan {'end' if here.auto_renew else 'renew'} {name_word(here.name)}"
    if not differing:
        return f"azlic plan map {name_word(here.name)} METER"
    return (
        f"if it is another plan, give the one that is here another name: azlic plan rename {name_word(here.name)} NEW"
    )


def shares_meter(plan: Plan, known: Iterable[Plan]) -> Plan | None:
    """Another plan that has a meter of a plan at the same time: then rules say which of them takes what."""
    meters = {share.meter for share in plan.meters}
    return next(
        (
            other
            for other in known
            if meters & {share.meter for share in other.meters}
            and other.name != plan.name
            and not other.renewed_from
            and other.covers(plan.starts_at, plan.ends_at)
        ),
        None,
    )


def add_rule(connection: Connection, name: str, rule: Rule, *, now: datetime, entered_by: str) -> bool:
    """Let a plan take what a rule names, where another has its meter; False when it does already.

    Raises ``BadCall`` where the same goes to another plan of the same meter and time.
    """
    plan = find_plan(connection, name, now)
    if find_alike(rule, plan.rules):
        return False
    refuse_equal_rule(plan, rule, list_plans(connection))
    _note_rule(connection, plan_key(connection, plan), rule, stands=True, now=now, entered_by=entered_by)
    return True


def remove_rule(
    connection: Connection, name: str, rule: Rule, *, as_named: str | None = None, now: datetime, entered_by: str
) -> Rule:
    """Take a rule away again; gives it as it was entered. Raises ``BadCall`` where the plan has no such rule.

    Of a folder that leads elsewhere by now ``as_named`` is how it was named.
    """
    plan = find_plan(connection, name, now)
    found = find_alike(rule, plan.rules)
    if found is None and as_named is not None:
        found = find_alike(replace(rule, value=as_named), plan.rules)
    if found is None:
        raise BadCall(
            f"plan {plan.name} has no rule {rule.scope} {rule.value}",
            hint=f"see: azlic plan rule list {name_word(plan.name)}",
        )
    _note_rule(connection, plan_key(connection, plan), found, stands=False, now=now, entered_by=entered_by)
    return found


def _note_rule(connection: Connection, key: int, rule: Rule, *, stands: bool, now: datetime, entered_by: str) -> None:
    values = {"scope": rule.scope, "value": rule.value, "entered_at": now, "entered_by": entered_by}
    connection.execute(insert(PlanRuleRow).values(plan=key, stands=stands, **values))


def refuse_stray_blanks(name: str) -> None:
    """Refuse a name that looks like another one: with blanks at its ends, or doubled. Raises ``BadCall``."""
    if name != " ".join(name.split()):
        raise BadCall(
            f"{name!r} begins or ends with a blank, or has two in a row",
            hint=f"write it as {' '.join(name.split())!r}" if name.strip() else "give it a name",
        )


def rename_plan(connection: Connection, name: str, new: str) -> Plan:
    """Give a plan another short name; gives it as it was. Raises ``BadCall`` where another has that name."""
    plan = find_plan(connection, name)
    if any(other.name == new for other in list_plans(connection, plan.ends_at + timedelta(days=1))):
        raise BadCall(f"there is a plan named {new} already", hint="choose another name; see: azlic plan list")
    renamed = replace(plan, name=new)
    if is_arm_id(new):
        raise BadCall(f"{new} is an ARM id, not a short name", hint="a plan's name does not begin with a slash")
    refuse_stray_blanks(new)
    key = plan_key(connection, plan)
    connection.execute(update(PlanRow).where(PlanRow.key == key).values(name=renamed.name))
    return plan


def remove_plan(connection: Connection, name: str, *, yes: bool = False) -> Plan:
    """Remove a plan, as it was entered by mistake; gives it as it was, and without ``yes`` nothing is changed.

    Raises ``BadCall`` where something was booked on a day of it, or a month of it is closed.
    """
    plan = find_plan(connection, name)
    if plan.renewed_from:
        raise BadCall(
            f"plan {plan.name} was not entered: it is what {plan.renewed_from} becomes at its end",
            hint=f"if it does not: azlic plan end {name_word(plan.renewed_from)}",
        )
    view = view_of(connection)
    if closed := _closed_with(view, plan):
        raise BadCall(
            f"{closed} is closed, and plan {plan.name} is part of its report",
            hint=f"it stays; let it end at its end: azlic plan end {name_word(plan.name)}",
        )
    if used := _meter_used(view, plan, last_closed_month(view)):
        raise BadCall(
            f"meter {used} was used on days of plan {plan.name}",
            hint=f"if it does not belong there: azlic plan map {name_word(plan.name)} METER --remove,"
            " for each of its meters",
        )
    if yes:
        key = plan_key(connection, plan)
        for table in (PlanMeterRow, PlanChangeRow, PlanRenewalRow, PlanRuleRow):
            connection.execute(delete(table).where(table.plan == key))
        connection.execute(delete(PlanRow).where(PlanRow.key == key))
    return plan


def _closed_with(view: ReadOnlyConnection, plan: Plan) -> Month | None:
    """The first closed month that a plan is part of: it was frozen with it, or the month was closed before that was."""
    first = Month.of(plan.starts_at).number
    frozen = f"SELECT month FROM closed_plan WHERE plan = {plan.key} AND month >= {first}"  # noqa: S608 - numbers of ours
    earlier = f"SELECT month FROM closed_month WHERE form < 2 AND month >= {first}"  # noqa: S608
    return min(view.select(Month.from_number, f"{frozen} UNION {earlier}"), default=None)


def _meter_used(view: ReadOnlyConnection, plan: Plan, closed: Month | None) -> str | None:
    """A meter of a plan that was booked on a day of it, in a month that is not closed without it."""
    since = max(plan.starts_at, closed.next.starts_at) if closed else plan.starts_at
    first, past = day_number(since), day_number(plan.ends_at)
    months = f"{Month.of(since).number} AND {Month.of(plan.ends_at - timedelta(days=1)).number}"
    used = view.select(
        str,
        "SELECT series.meter FROM series WHERE key IN"  # noqa: S608 - numbers of ours
        f" (SELECT series FROM total WHERE day >= {first} AND day < {past}"
        f" UNION SELECT series FROM correction WHERE booked_month BETWEEN {months})",
    )
    return min({share.meter for share in plan.meters}.intersection(used), default=None)


def map_meter(connection: Connection, name: str, share: MeterShare) -> MeterShare | None:
    """Let a meter draw on a plan in a stated ratio; gives the ratio it had there before, if any."""
    plan = find_plan(connection, name)
    before = next((known for known in plan.meters if known.meter == share.meter), None)
    if before is not None:
        unmap_meter(connection, name, share.meter)
    _insert_share(connection, plan_key(connection, plan), share)
    return before


def unmap_meter(connection: Connection, name: str, meter: str) -> MeterShare:
    """Let a meter draw on a plan no longer; gives the ratio it had. Raises ``BadCall`` when it did not draw on it."""
    plan = find_plan(connection, name)
    before = {share.meter: share for share in plan.meters}
    if meter not in before:
        raise BadCall(f"meter {meter} does not draw on plan {name}", hint=f"see: azlic plan show {name_word(name)}")
    connection.execute(
        delete(PlanMeterRow).where(PlanMeterRow.plan == plan_key(connection, plan), PlanMeterRow.meter == meter)
    )
    return before[meter]


def _insert_share(connection: Connection, key: int, share: MeterShare) -> None:
    connection.execute(
        insert(PlanMeterRow).values(plan=key, meter=share.meter, multiplier=share.multiplier, divisor=share.divisor)
    )
