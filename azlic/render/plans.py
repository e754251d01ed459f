"""Plans in words and as fields."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.table import align, columns, indent, render_text
from azlic.render.text import indented
from azlic.render.words import share_words
from licensing.core.text import name_word
from usage.plans.book import MonthlyShare
from usage.plans.model import NextTerm, Plan, Renewal, Rule
from usage.plans.rules import weigh_alone
from usage.quantity import from_micro, group_digits

if TYPE_CHECKING:
    from usage.plans.azure_entry import EnteredPlan, ImportedPlans

MonthlyShares = Mapping[str, Sequence[MonthlyShare]]


def plans_table(plans: Sequence[Plan]) -> str:
    """The plans for people."""
    if not plans:
        return "no plans; enter one with: azlic plan import LICENSE, or azlic plan add"
    bought = [f"{plan.plan_type} {plan.tier} x {plan.count}{' +' if plan.changes else ''}" for plan in plans]
    committed = [f"{group_digits(plan.count * plan.quota)} {plan.unit}/{plan.period}" for plan in plans]
    lines: list[str] = []
    for plan, units, quota in zip(plans, bought, committed, strict=True):
        start, end = _dates(plan)
        coming = "  to come" if plan.renewed_from else ""
        lines += [
            plan.title,
            f"  {units:<{max(map(len, bought))}}  {quota:>{max(map(len, committed))}}  {start} up to {end}{coming}",
        ]
    return joined(lines)


def _dates(plan: Plan) -> tuple[str, str]:
    return f"{plan.starts_at:%Y-%m-%d}", f"{plan.ends_at:%Y-%m-%d}"


def plan_text(plan: Plan, container_types: Collection[str], after: Sequence[Plan], shares: MonthlyShares, /) -> str:
    """One plan for people: its terms, its meters, what was added, and what each period commits to."""
    start, end = _dates(plan)
    terms = columns("", "~")
    if plan.arm_id:
        terms.add_row("ARM id", Text(_broken_at_slashes(plan.arm_id)))
    terms.add_row("runs", f"{start} up to, not including, {end} (UTC)")
    terms.add_row("each unit", f"{group_digits(plan.quota)} {plan.unit} a {plan.period}")
    if plan.renewed_from:
        terms.add_row("known from", f"what was noted of plan {plan.renewed_from}; nobody has entered it yet")
    terms.add_row("at its end", renewal(plan, after))
    parts: list[RenderableType] = [
        headline(plan),
        indent(terms),
        Text(),
        *_meters(plan, shares),
        *_rules(plan, container_types),
        *_changes(plan),
        *_renewals(plan.renewals, plan.unit),
    ]
    return render_text([*parts, *_periods(plan)])


def _broken_at_slashes(path: str, width: int = 64) -> str:
    lines = [""]
    for part in path.strip("/").split("/"):
        if lines[-1] and len(lines[-1]) + len(part) >= width:
            lines.append("")
        lines[-1] += f"/{part}"
    return joined(lines)


def headline(plan: Plan) -> Text:
    """The plan by its name, its type and what was bought."""
    return Text(f"Plan {plan.title}: {plan.plan_type} {plan.tier} x {plan.count}", style="bold")


def renewal(plan: Plan, after: Sequence[Plan] = ()) -> str:
    """What happens at the plan's end; ``after`` are the plans that run then."""
    entered = [other for other in after if not other.renewed_from]
    if entered:
        return f"goes on as {', and '.join(map(_as_next_term, entered))}"
    if coming := plan.next_term:
        told = "renews itself" if plan.auto_renew else "goes on"
        terms = term_words(coming, plan.unit)
        return told if plan.noted_term is None else f"{told} as {terms}"
    if plan.auto_renew:
        return "renews itself; what its next term commits to is not known: azlic plan renew"
    return "ends; no next term follows it"


def _as_next_term(plan: Plan) -> str:
    term = NextTerm(plan.tier, plan.count, plan.quota, plan.ends_at)
    return f"plan {plan.title}: {term_words(term, plan.unit)}"


def term_words(term: NextTerm, unit: str) -> str:
    """A next term in words."""
    return f"{term.tier} x {term.count} of {group_digits(term.quota)} {unit}, up to {term.ends_at:%Y-%m-%d}"


def _meters(plan: Plan, shares: MonthlyShares) -> list[RenderableType]:
    lack: list[RenderableType] = []
    if not plan.meters:
        lack = [Text(f"No meter draws on it: azlic plan map {name_word(plan.name)} METER"), Text()]
    table = columns("~meter", "ratio", "")
    for meter, ratios in shares.items():
        for one in ratios:
            since = f"from {one.since}" if len(ratios) > 1 else ""
            words = share_words(one.share, plan.unit) if one.share else "draws on it no longer"
            table.add_row(meter if one is ratios[0] else "", words, since)
    return [indent(table), Text(), *lack] if shares else lack


def _rules(plan: Plan, container_types: Collection[str]) -> list[RenderableType]:
    if not plan.rules:
        return []
    table = columns("takes", "~")
    for rule in _by_weight(plan.rules, container_types):
        table.add_row(_scope_words(rule, container_types), rule.value)
    return [indent(table), Text()]


def _by_weight(rules: Iterable[Rule], container_types: Collection[str]) -> list[Rule]:
    """Rules in the order in which they decide: the most specific first."""
    return sorted(rules, key=lambda rule: (-weigh_alone(rule, container_types), rule))


def _scope_words(rule: Rule, container_types: Collection[str]) -> str:
    if rule.scope != "container":
        return rule.scope
    return "container type" if rule.value in container_types else "container id"


def rules_text(plans: Sequence[Plan], container_types: Collection[str], idle: Collection[Rule], /) -> str:
    """The rules of plans for people; those that are idle decide nothing of what was used so far."""
    if not any(plan.rules for plan in plans):
        return "no rules; where several plans have the same meter: azlic plan rule add NAME --site SITE"
    table = columns("takes", "~", "~plan", "")
    for rule in _by_weight({rule for plan in plans for rule in plan.rules}, container_types):
        for plan in plans:
            if rule in plan.rules:
                told = "no use so far" if rule in idle else ""
                table.add_row(_scope_words(rule, container_types), rule.value, plan.name, told)
    return render_text([table])


def _changes(plan: Plan) -> list[RenderableType]:
    if not plan.changes:
        return []
    table = columns("from", ">units", ">in all", f">{plan.unit} in that period", "", "entered", "~by")
    quotas = align([change.quota for change in plan.changes])
    for number, (change, quota) in enumerate(zip(plan.changes, quotas, strict=True)):
        how = "taken back" if _takes_back(plan, number) else "pro-rated" if change.prorated else "as stated"
        before, after = _units_around(plan, number)
        entered = f"{change.entered_at:%Y-%m-%d}", change.entered_by or "-"
        units = f"{change.units:+,}", f"{before:,} to {after:,}"
        table.add_row(f"{change.effective_at:%Y-%m-%d}", *units, quota, how, *entered)
    return [indent(table), Text()]


def _units_around(plan: Plan, number: int) -> tuple[int, int]:
    """How many units the plan had on the day of a change before it was entered, and with it."""
    change = plan.changes[number]
    before = replace(plan, changes=plan.changes[:number]).units_by(change.effective_at)
    return before, before + change.units


def _takes_back(plan: Plan, number: int) -> bool:
    """Whether a change takes back units that were added before it."""
    change, earlier = plan.changes[number], plan.changes[:number]
    return change.units < 0 and -change.units in {one.units for one in earlier}


def _renewals(renewals: Sequence[Renewal], unit: str) -> list[RenderableType]:
    if not renewals:
        return []
    table = columns("since", "~at its end", "entered", "~by")
    for noted in renewals:
        told = "renews itself" if noted.auto_renew else "ends" if noted.next_term is None else "goes on"
        told += f" as {term_words(noted.next_term, unit)}" if noted.next_term else ""
        table.add_row(f"{noted.effective_at:%Y-%m-%d}", told, f"{noted.entered_at:%Y-%m-%d}", noted.entered_by)
    return [indent(table), Text()]


def _periods(plan: Plan) -> list[RenderableType]:
    table = columns("period from", "up to", ">units", f">{plan.unit} committed")
    periods = list(plan.periods(plan.starts_at, plan.ends_at))
    ends = [end - timedelta(microseconds=1) for _, end in periods]
    committed = align([plan.commitment_at(end) for end in ends])
    for (start, end), last, quota in zip(periods, ends, committed, strict=True):
        table.add_row(f"{start:%Y-%m-%d}", f"{end:%Y-%m-%d}", f"{plan.units_by(last):,}", quota)
    return [indent(table)]


def plan_fields(plan: Plan) -> object:
    """A plan's fields, the same in every schema."""
    return {
        "name": plan.name,
        "plan_type": plan.plan_type,
        "tier": plan.tier,
        "count": plan.count,
        "quota": from_micro(plan.quota),
        "unit": plan.unit,
        "period": plan.period,
        "starts_at": plan.starts_at,
        "ends_at": plan.ends_at,
        "auto_renew": plan.auto_renew,
        "arm_id": plan.arm_id,
        "account": plan.account,
        "renewed_from": plan.renewed_from,
        "next_term": _term_fields(plan.next_term),
        "renewals": [
            {
                "effective_at": noted.effective_at,
                "auto_renew": noted.auto_renew,
                "next_term": _term_fields(noted.next_term),
                "entered_at": noted.entered_at,
                "entered_by": noted.entered_by,
            }
            for noted in plan.renewals
        ],
        "meters": plan.meters,
        "rules": plan.rules,
        "changes": [
            {
                "effective_at": change.effective_at,
                "units": change.units,
                "units_before": _units_around(plan, number)[0],
                "units_after": _units_around(plan, number)[1],
                "quota": from_micro(change.quota),
                "prorated": change.prorated,
                "entered_at": change.entered_at,
                "entered_by": change.entered_by,
            }
            for number, change in enumerate(plan.changes)
        ],
    }


def _term_fields(term: NextTerm | None) -> object:
    return term and {
        "tier": term.tier,
        "count": term.count,
        "quota": from_micro(term.quota),
        "ends_at": term.ends_at,
    }


def import_text(done: "ImportedPlans", *_: object) -> str:
    """What became of each plan that was taken."""
    return "\n".join(map(entry_text, done.entered))


def entry_text(entry: "EnteredPlan") -> str:
    """Whether a plan was entered, or what was changed of it; and what it becomes, where that was stated."""
    plan = entry.plan
    if entry.changed:
        lines = [line for change in entry.changed for line in indented(change, hanging=2)]
        return joined([f"plan {plan.title}: brought up to date", *lines])
    if not entry.added:
        return f"plan {plan.title}: already exists, nothing was changed"
    then = [f"  at its end: {renewal(plan)}"] if plan.noted_term else []
    return joined([f"plan {plan.title}: entered", *then])


def _import_fields(done: "ImportedPlans", left_out: Sequence[str], notes: Sequence[str]) -> object:
    return {
        "plans": [
            {"added": entry.added, "changed": entry.changed, "plan": plan_fields(entry.plan)} for entry in done.entered
        ],
        "refused": [
            {"name": refused.name, "reason": refused.error.message, "hint": refused.error.hint}
            for refused in done.refused
        ],
        "left_out": left_out,
        "notes": notes,
    }


def _rules_fields(plans: Sequence[Plan], container_types: Collection[str], idle: Collection[Rule]) -> object:
    """``idle`` says that a rule decides nothing of what was used so far."""
    return {
        "plans": [
            {
                "plan": plan.name,
                "rules": [
                    {"scope": rule.scope, "value": rule.value, "idle": rule in idle}
                    for rule in _by_weight(plan.rules, container_types)
                ],
            }
            for plan in plans
            if plan.rules
        ]
    }


PLANS = Answer("azlic.plans/v1", plans_table, lambda plans: {"plans": list(map(plan_fields, plans))})


def _shown_fields(plan: Plan, _: Collection[str], __: Sequence[Plan], shares: MonthlyShares) -> object:
    """``ratios`` are those of each month: ``per`` of a meter's unit are ``plan_units``; both are null where none is."""
    ratios = {
        meter: [
            {
                "from": str(one.since),
                "plan_units": one.share and one.share.multiplier,
                "per": one.share and one.share.divisor,
            }
            for one in known
        ]
        for meter, known in shares.items()
    }
    return {"plan": plan_fields(plan), "ratios": ratios}


PLAN = Answer("azlic.plan/v1", plan_text, _shown_fields)
PLAN_IMPORT = Answer("azlic.plan-import/v1", import_text, _import_fields)
RULES = Answer("azlic.plan-rules/v1", rules_text, _rules_fields)
