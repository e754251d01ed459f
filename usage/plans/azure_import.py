"""Azure's commitment plans as plans of ours: a term each, with the period that the operator states."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from licensing.core.errors import AzlicError, BadCall
from usage.plans.azure_decode import AzurePlan, AzureQuota, AzureTerm, AzureTier, read_items, wrong
from usage.plans.model import NextTerm, Period, Plan, same_length_after
from usage.plans.shares import share_of
from usage.quantity import MICRO, group_digits

_DISCONNECTED = "DisconnectedContainer"

Tiers = Mapping[tuple[str, str, str], AzureQuota | None]
"""What one unit commits to: by hosting model, plan type and tier; None where a list states two quotas for one."""


class AzureEntry(NamedTuple):
    """A plan as Azure has it now; ``next_term`` is what it becomes at its end, where that is stated.

    ``states_renewal`` says that its JSON has an ``autoRenew``: it may have been cut down to other fields.
    """

    plan: Plan
    next_term: NextTerm | None
    states_renewal: bool = True


class RefusedPlan(NamedTuple):
    """A plan that cannot be taken: what it is called in its file, and why."""

    name: str
    error: AzlicError


@dataclass(frozen=True, slots=True)
class AzurePlans:
    """The plans found in a file, and those that cannot be read.

    ``left_out`` and ``notes`` say in words what was not taken, and what to look at.
    """

    plans: tuple[AzureEntry, ...]
    refused: tuple[RefusedPlan, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def parse_tiers(content: bytes, origin: str) -> Tiers:
    """Read commitment tiers; one that cannot be read is as if it were not there. Raises ``AzlicError`` for no list."""
    found: dict[tuple[str, str, str], AzureQuota | None] = {}
    for item in read_items(content, origin).items:
        try:
            tier = item.read(AzureTier)
        except ValueError:
            continue
        key = tier.hosting_model, tier.plan_type, tier.tier
        if tier.quota is not None and found.setdefault(key, tier.quota) != tier.quota:
            found[key] = None
    return found


def parse_plans(content: bytes, origin: str, *, period: Period, tiers: Tiers, meters: Sequence[str] = ()) -> AzurePlans:
    """Read one commitment plan, a list of them, or Azure's ``value`` list, each for itself.

    ``period`` is the operator's word, for Azure's JSON has none; ``meters`` draw on each of them.
    Raises ``AzlicError`` where the file holds no list at all.
    """
    found = read_items(content, origin)
    plans: list[AzureEntry] = []
    refused: list[RefusedPlan] = []
    left_out = ["the list continues at its nextLink: the rest is not in this file"] if found.goes_on else []
    notes: list[str] = []
    for item in found.items:
        try:
            azure = item.read(AzurePlan)
        except ValueError as error:
            refused.append(RefusedPlan(item.name, wrong(origin, str(error))))
            continue
        if reason := _reason_to_leave_out(azure):
            left_out.append(f"plan {azure.name}: {reason}")
            continue
        try:
            _refuse_twin(azure, plans)
            plans.append(_AzureReader(azure, period, tiers, notes).entry(meters))
        except (BadCall, ValueError) as error:
            refused.append(RefusedPlan(item.name, wrong(origin, f"plan {azure.name}: {error}")))
    return AzurePlans(tuple(plans), tuple(refused), tuple(left_out), tuple(notes))


def _reason_to_leave_out(azure: AzurePlan) -> str | None:
    if azure.properties.provisioning_state not in (None, "Succeeded"):
        return f"its provisioningState is {azure.properties.provisioning_state}"
    if azure.properties.current is None:
        return "it has no current term"
    return None


def _refuse_twin(azure: AzurePlan, plans: Iterable[AzureEntry]) -> None:
    if azure.id is None and any(entry.plan.arm_id is None and entry.plan.name == azure.name for entry in plans):
        raise ValueError(
            "a plan of this name stands in the file before it, and without its id nothing tells them apart"
        )


class _AzureReader:
    """One of Azure's plans, and what is worth a note about it."""

    def __init__(self, azure: AzurePlan, period: Period, tiers: Tiers, notes: list[str]) -> None:
        self._azure = azure
        self._period: Period = period
        self._tiers = tiers
        self._notes = notes
        self._hosting = azure.properties.hosting_model or _DISCONNECTED

    def entry(self, meters: Sequence[str]) -> AzureEntry:
        """The plan as it is now. Raises ``ValueError`` or ``BadCall`` for what cannot be."""
        properties = self._azure.properties
        current = properties.current
        assert current is not None  # noqa: S101 - such a plan was left out
        if self._hosting != _DISCONNECTED:
            self._note(f"it is for hosting model {self._hosting}, not {_DISCONNECTED}")
        if current.start_date is None or current.end_date is None:
            raise ValueError("properties.current has no startDate or no endDate")
        quota = self._quota(current, "current")
        if quota is None:
            raise ValueError(f"properties.current has no quota; state that of tier {current.tier} with --tiers FILE")
        plan = Plan(
            name=self._azure.name,
            plan_type=properties.plan_type,
            tier=current.tier,
            count=current.count or 1,
            quota=quota.quantity * MICRO,
            unit=quota.unit,
            period=self._period,
            starts_at=current.start_date,
            ends_at=current.end_date,
            auto_renew=bool(properties.auto_renew),
            meters=tuple(share_of(meter, quota.unit) for meter in meters),
            arm_id=self._azure.id,
        )
        coming = None if properties.next is None else self._next_term(plan, properties.next)
        return AzureEntry(plan, coming, states_renewal=properties.auto_renew is not None)

    def _next_term(self, plan: Plan, term: AzureTerm) -> NextTerm | None:
        if term.start_date is not None and term.start_date != plan.ends_at:
            raise ValueError(
                f"properties.next begins on {term.start_date:%Y-%m-%d}, "
                f"not on {plan.ends_at:%Y-%m-%d} where current ends"
            )
        ends_at = term.end_date or same_length_after(plan.starts_at, plan.ends_at)
        quota = self._quota(term, "next")
        if quota is None and term.tier == plan.tier:
            quota = AzureQuota(quantity=plan.quota // MICRO, unit=plan.unit)
        if ends_at is None or quota is None:
            what = "dates" if ends_at is None else f"quota; state that of tier {term.tier} with --tiers FILE"
            self._note(f"its next term, {term.tier}, has no {what}: it was not taken")
            return None
        if quota.unit != plan.unit:
            self._note(f"its next term, {term.tier}, is counted in {quota.unit}, not {plan.unit}: it was not taken")
            return None
        if ends_at <= plan.ends_at:
            raise ValueError("properties.next ends before it starts")
        return NextTerm(term.tier, term.count or 1, quota.quantity * MICRO, ends_at)

    def _quota(self, term: AzureTerm, part: str) -> AzureQuota | None:
        key = self._hosting, self._azure.properties.plan_type, term.tier
        tier = self._tiers.get(key)
        if term.quota is None:
            if tier is None and key in self._tiers:
                raise ValueError(f"tier {' '.join(key)} is listed with two quotas")
            return tier
        if tier is not None and tier != term.quota:
            self._note(
                f"{part} states {group_digits(term.quota.quantity * MICRO)} {term.quota.unit}, its tier "
                f"{group_digits(tier.quantity * MICRO)} {tier.unit}: taken as stated, for each of "
                f"{term.count or 1} units"
            )
        return term.quota

    def _note(self, what: str) -> None:
        self._notes.append(f"plan {self._azure.name}: {what}")
