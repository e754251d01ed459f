"""How Azure's plans are entered: each known by its ARM id, whatever it is called here.

1. A plan whose id is here is the same plan: what changed in Azure is noted with its day.
2. A plan that was entered without an id, of the same name and the same terms, gets the id.
3. Every other one is new. Its name is made its own: with the account, the resource group, the subscription.

Source of what may change: facts/azure-disconnected §1.5 and §3.1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

from sqlalchemy import Connection, update

from licensing.core.errors import BadCall
from licensing.core.text import name_word, plural
from usage.ledger.tables.records import PlanRow
from usage.plans.amendments import take_count
from usage.plans.arm_id import is_arm_id, surroundings_of
from usage.plans.azure_import import AzureEntry, AzurePlans, RefusedPlan
from usage.plans.model import LABEL_LENGTH, MeterShare, Plan, later_name
from usage.plans.renewals import day_of_change, note_renewal
from usage.plans.shares import SUGGESTED_METERS, share_of
from usage.plans.store import differing_terms, insert_plan, list_plans, plan_key, refuse_other_terms, shares_meter
from usage.quantity import group_digits


class EnteredPlan(NamedTuple):
    """A plan as it stands now: whether it was ``added``, and in words what was ``changed`` of one that was here."""

    plan: Plan
    added: bool
    changed: tuple[str, ...] = ()


class ImportedPlans(NamedTuple):
    """What became of each plan of a file."""

    entered: tuple[EnteredPlan, ...]
    refused: tuple[RefusedPlan, ...]


def enter_plans(
    connection: Connection, found: AzurePlans, *, start: datetime | None = None, now: datetime, entered_by: str
) -> ImportedPlans:
    """Enter the plans of a file, each wholly or not at all; one that cannot be taken keeps no other from it.

    ``start`` is the day from which what changed counts, if it is not today.
    """
    entered: list[EnteredPlan] = []
    refused = list(found.refused)
    for azure in found.plans:
        try:
            with connection.begin_nested():
                entered.append(_Clerk(connection, azure, start, now, entered_by).enter())
        except BadCall as error:
            refused.append(RefusedPlan(f"plan {azure.plan.title}", error))
    return ImportedPlans(tuple(entered), tuple(refused))


class _Clerk:
    """Who enters one plan."""

    def __init__(
        self, connection: Connection, azure: AzureEntry, start: datetime | None, now: datetime, entered_by: str
    ) -> None:
        self._connection = connection
        self._plan, self._next_term, self._states_renewal = azure
        self._start, self._now, self._entered_by = start, now, entered_by
        self._known = list_plans(connection, until=self._plan.starts_at + timedelta(days=1))
        self._terms = [plan for plan in self._known if self._plan.arm_id and plan.goes_by(self._plan.arm_id)]

    def enter(self) -> EnteredPlan:
        """The three ways. Raises ``BadCall`` for what cannot be taken."""
        if self._plan.arm_id is None:
            return self._enter_by_name()
        if here := next((term for term in self._terms if term.starts_at == self._plan.starts_at), None):  # 1
            return self._keep_up(here)
        self._refuse_overlap()
        if not self._terms and (older := self._older()):  # 2
            return self._keep_up(older)
        return self._add()  # 3

    def _enter_by_name(self) -> EnteredPlan:
        here = next((plan for plan in self._known if plan.name == self._plan.name), None)
        if here is None or here.ends_at <= self._plan.starts_at:
            name = self._plan.name if here is None else later_name(self._plan.name, self._plan.starts_at)
            here = next((plan for plan in self._known if plan.name == name), None)
        return self._add() if here is None else self._keep_up(here)

    def _keep_up(self, here: Plan) -> EnteredPlan:
        """Note what Azure has changed of a plan that is here."""
        if here.renewed_from and differing_terms(here, self._plan):
            return self._add(meters=here.meters)  # it was noted to come with other terms: this is what came
        may_change = ("auto_renew", "count") if self._plan.arm_id else ("auto_renew",)
        refuse_other_terms(here, self._plan, besides=may_change)
        plan_key(self._connection, here)
        changed = list(self._identify(here))
        day = self._start or day_of_change(here, self._now)
        if self._plan.count not in (here.units_by(day), here.units_by(here.ends_at)):
            change = take_count(
                self._connection, here, self._plan.count, day, now=self._now, entered_by=self._entered_by
            )
            units = f"{change.units:+,} {plural(change.units, 'unit')} from {day:%Y-%m-%d}"
            numbers = f"{self._plan.count - change.units:,} to {self._plan.count:,}"
            changed.append(f"{units} ({numbers}), {group_digits(change.quota)} {here.unit} in that period")
        changed += self._note_renewal(here, day)
        return EnteredPlan(self._as_it_is(here.name), added=False, changed=tuple(changed))

    def _identify(self, here: Plan) -> Iterator[str]:
        if self._plan.arm_id and not here.arm_id:
            row = update(PlanRow).where(PlanRow.name == here.name).values(arm_id=self._plan.arm_id)
            self._connection.execute(row)
            yield f"was entered without an id, with the same name and terms: it is {self._plan.arm_id}"

    def _note_renewal(self, here: Plan, day: datetime) -> Iterator[str]:
        renews = self._plan.auto_renew if self._states_renewal else here.auto_renew
        silent = not self._states_renewal and self._next_term is None
        if silent or (here.auto_renew, here.noted_term) == (renews, self._next_term):
            return
        note_renewal(
            self._connection,
            here,
            auto_renew=renews,
            next_term=self._next_term,
            effective_at=min(day, here.ends_at - timedelta(days=1)),
            now=self._now,
            entered_by=self._entered_by,
        )
        if here.auto_renew != renews:
            yield "renews itself" if renews else "no longer renews itself"
        if here.noted_term != self._next_term:
            term = self._next_term
            yield f"becomes {term.tier} x {term.count} at its end" if term else "no other next term any more"

    def _refuse_overlap(self) -> None:
        for term in self._terms:
            if not term.renewed_from and term.covers(self._plan.starts_at, self._plan.ends_at):
                raise BadCall(
                    f"plan {term.title} is the same plan, and its term from {term.starts_at:%Y-%m-%d} up to "
                    f"{term.ends_at:%Y-%m-%d} overlaps that from {self._plan.starts_at:%Y-%m-%d}",
                    hint=f"if it was bought anew: azlic plan remove {name_word(term.name)}, as long as nothing was"
                    " used of it",
                )

    def _older(self) -> Plan | None:
        """A plan that was entered without an id and is this one. Raises ``BadCall`` where it may be or not be."""
        for plan in self._known:
            if plan.name != self._plan.name or plan.arm_id or plan.renewed_from:
                continue
            differing = set(differing_terms(plan, self._plan)) - {"auto_renew"}
            if not differing:
                return plan
            if differing <= {"count", "quota", "unit", "period"}:
                self._refuse_doubtful(plan, differing)
        return None

    def _refuse_doubtful(self, older: Plan, differing: set[str]) -> None:
        more = self._plan.count - older.units_by(older.ends_at)
        same = (
            f"azlic plan amend {name_word(older.name)} --units {more} --from DATE"
            if differing == {"count"} and more > 0
            else ""
        )
        try:
            refuse_other_terms(older, self._plan, besides=("auto_renew",))
        except BadCall as error:
            raise BadCall(
                f"{error.message}; it was entered without an id: nothing says whether it is {self._plan.arm_id}",
                hint=(f"if it is the same: {same}; " if same else "")
                + f"if it is another: azlic plan rename {name_word(older.name)} NEW; then import again",
            ) from error

    def _add(self, meters: Sequence[MeterShare] = ()) -> EnteredPlan:
        if is_arm_id(self._plan.name):
            raise BadCall("its name begins with a slash, like an ARM id", hint="look at the file: name")
        plan = replace(self._plan, name=self._own_name())
        before = next((term for term in reversed(self._terms) if term.ends_at <= plan.starts_at), None)
        plan = replace(plan, rules=before.rules if before else ())
        shares = plan.meters or tuple(meters) or (before.meters if before else ())
        suggested = shares or tuple(
            share_of(meter, plan.unit) for meter in SUGGESTED_METERS.get((plan.plan_type, plan.unit), ())
        )
        plan = self._insert(plan, suggested, stated=bool(shares))
        if self._next_term:
            note_renewal(
                self._connection,
                plan,
                auto_renew=plan.auto_renew,
                next_term=self._next_term,
                effective_at=plan.starts_at,
                now=self._now,
                entered_by=self._entered_by,
            )
        return EnteredPlan(self._as_it_is(plan.name), added=True)

    def _insert(self, plan: Plan, meters: Sequence[MeterShare], *, stated: bool) -> Plan:
        full = replace(plan, meters=tuple(meters))
        if not stated and shares_meter(full, list_plans(self._connection)):
            full = plan  # another plan has the meter: nobody has stated that this one has it, too
        insert_plan(self._connection, full)
        return full

    def _own_name(self) -> str:
        """Its short name, as none of the others has it: those that are here keep theirs."""
        name = self._plan.name
        taken = {plan.name for plan in self._known if not (plan.renewed_from and plan in self._terms)}
        earlier = self._terms or [plan for plan in self._known if plan.name == name and not plan.arm_id]
        if earlier and all(
            not term.covers(self._plan.starts_at, self._plan.ends_at) or term.renewed_from for term in earlier
        ):
            first = min(earlier, key=lambda term: term.starts_at)
            name = later_name(first.name.removesuffix(f"@{first.starts_at:%Y-%m-%d}"), self._plan.starts_at)
        return next(candidate for candidate in self._candidates(name) if candidate not in taken)

    def _candidates(self, name: str) -> Iterator[str]:
        yield name
        longer = name
        for part in surroundings_of(self._plan.arm_id or ""):
            longer = f"{longer}@{part}"
            if len(longer) <= LABEL_LENGTH:
                yield longer
        for number in count(2):
            yield f"{name[: LABEL_LENGTH - 12]}-{number}"

    def _as_it_is(self, name: str) -> Plan:
        return next(plan for plan in list_plans(self._connection) if plan.name == name)
