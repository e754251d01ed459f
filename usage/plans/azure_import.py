"""Azure's commitment plans as plans of ours: a term each, with the period that the operator states."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from licensing.containers import READ
from licensing.core.errors import BadCall
from usage.plans.azure_decode import AzurePlan, AzureProperties, AzureQuota, AzureTerm, AzureTier, read_items, wrong
from usage.plans.model import MeterShare, Period, Plan
from usage.plans.store import add_plan, list_plans
from usage.quantity import MICRO, group_digits

_DISCONNECTED = "DisconnectedContainer"

SUGGESTED_METERS = {("Read", "Transaction"): READ.meters, ("Read", "Pages"): READ.meters}
"""What our own containers count, where one of it is one of the plan's unit: by plan type and unit."""


Tiers = Mapping[tuple[str, str, str], AzureQuota]
"""What one unit commits to: by hosting model, plan type and tier."""


@dataclass(frozen=True, slots=True)
class AzurePlans:
    """The plans found in a file; ``left_out`` and ``notes`` say in words what was not taken, and what to look at."""

    plans: tuple[Plan, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def parse_tiers(content: bytes, origin: str) -> Tiers:
    """Read commitment tiers. Raises ``AzlicError`` with the place of the first thing that is wrong."""
    found: dict[tuple[str, str, str], AzureQuota] = {}
    for tier in read_items(content, origin, AzureTier).value:
        key = tier.hosting_model, tier.plan_type, tier.tier
        if tier.quota is not None and found.setdefault(key, tier.quota) != tier.quota:
            raise wrong(origin, f"tier {' '.join(key)} is listed with two quotas")
    return found


def parse_plans(content: bytes, origin: str, *, period: Period, tiers: Tiers, meters: Sequence[str] = ()) -> AzurePlans:
    """Read one commitment plan, a list of them, or Azure's ``value`` list; ``next`` becomes a plan of its own.

    ``period`` is the operator's word, for Azure's JSON has none; ``meters`` draw on each of them.
    Raises ``AzlicError`` with the place of the first thing that is wrong.
    """
    found = read_items(content, origin, AzurePlan)
    plans: list[Plan] = []
    left_out = ["the list continues at its nextLink: the rest is not in this file"] if found.next_link else []
    notes: list[str] = []
    for azure in found.value:
        if reason := _reason_to_leave_out(azure.properties):
            left_out.append(f"plan {azure.name}: {reason}")
            continue
        try:
            plans += _plans(azure, period, tiers, meters, notes)
        except (BadCall, ValueError) as error:
            raise wrong(origin, f"plan {azure.name}: {error}") from error
    return AzurePlans(tuple(plans), tuple(left_out), tuple(notes))


def _reason_to_leave_out(properties: AzureProperties) -> str | None:
    if properties.provisioning_state not in (None, "Succeeded"):
        return f"its provisioningState is {properties.provisioning_state}"
    if properties.current is None:
        return "it has no current term"
    return None


def _plans(azure: AzurePlan, period: Period, tiers: Tiers, meters: Sequence[str], notes: list[str]) -> list[Plan]:
    properties = azure.properties
    assert properties.current is not None  # noqa: S101 - such a plan was left out
    hosting = properties.hosting_model or _DISCONNECTED
    if hosting != _DISCONNECTED:
        notes.append(f"plan {azure.name} is for hosting model {hosting}, not {_DISCONNECTED}")

    def plan(term: AzureTerm, part: str, name: str) -> Plan:
        if term.start_date is None or term.end_date is None:
            raise ValueError(f"properties.{part} has no startDate or no endDate")
        quota = _quota(azure.name, term, part, tiers.get((hosting, properties.plan_type, term.tier)), notes)
        return Plan(
            name=name,
            plan_type=properties.plan_type,
            tier=term.tier,
            count=term.count or 1,
            quota=quota.quantity * MICRO,
            unit=quota.unit,
            period=period,
            starts_at=term.start_date,
            ends_at=term.end_date,
            auto_renew=bool(properties.auto_renew),
            meters=tuple(map(MeterShare, meters)),
        )

    current = plan(properties.current, "current", azure.name)
    if properties.next is None:
        return [current]
    if properties.next.start_date is None or properties.next.end_date is None:
        notes.append(f"plan {azure.name}: its next term, {properties.next.tier}, has no dates yet and was not entered")
        return [current]
    if properties.next.start_date != current.ends_at:
        raise ValueError(
            f"properties.next begins on {properties.next.start_date:%Y-%m-%d}, "
            f"not on {current.ends_at:%Y-%m-%d} where current ends"
        )
    return [current, plan(properties.next, "next", later_name(azure.name, current.ends_at))]


def later_name(name: str, starts_at: datetime) -> str:
    """What a later term of a plan is called: Azure calls it as the one before."""
    return f"{name}@{starts_at:%Y-%m-%d}"


def _quota(name: str, term: AzureTerm, part: str, tier: AzureQuota | None, notes: list[str]) -> AzureQuota:
    if term.quota is None:
        if tier is None:
            raise ValueError(f"properties.{part} has no quota; state that of tier {term.tier} with --tiers FILE")
        return tier
    if tier is not None and tier != term.quota:
        notes.append(
            f"plan {name}: {part} states {group_digits(term.quota.quantity * MICRO)} {term.quota.unit}, its tier "
            f"{group_digits(tier.quantity * MICRO)} {tier.unit}: taken as stated, for each of {term.count or 1} units"
        )
    return term.quota


def enter_plans(connection: Connection, found: AzurePlans) -> list[tuple[Plan, bool]]:
    """Enter the plans; each as it was entered, with False where it is there already. Raises ``BadCall``.

    A later term of a plan that is there gets a name of its own. A plan that no meter was stated for gets those of our
    own containers, where its type is one of theirs and they draw on no other plan at that time.
    """
    return [_enter(connection, plan) for plan in found.plans]


def _enter(connection: Connection, plan: Plan) -> tuple[Plan, bool]:
    known = {other.name: other for other in list_plans(connection)}
    before = known.get(plan.name)
    if before is not None and before.ends_at <= plan.starts_at:
        plan = replace(plan, name=later_name(plan.name, plan.starts_at))
    suggested = SUGGESTED_METERS.get((plan.plan_type, plan.unit), ())
    if plan.name not in known and not plan.meters and suggested:
        with contextlib.suppress(BadCall):  # another plan has the meter
            full = replace(plan, meters=tuple(map(MeterShare, suggested)))
            return full, add_plan(connection, full)
    return plan, add_plan(connection, plan)
