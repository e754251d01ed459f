"""Plans in words and as fields."""

from collections.abc import Sequence
from datetime import timedelta

from rich.console import RenderableType
from rich.text import Text

from azlic.render.answer import Answer
from azlic.render.table import align, columns, indent, render_text
from azlic.render.words import share_words
from usage.plans.model import Change, Plan
from usage.quantity import from_micro, group_digits


def plans_table(plans: Sequence[Plan]) -> str:
    """The plans for people."""
    if not plans:
        return "no plans; enter one with: azlic plan import LICENSE, or azlic plan add"
    table = columns("~plan", "~type", ">committed", "from", "until")
    for plan in plans:
        committed = f"{group_digits(plan.count * plan.quota)} {plan.unit}/{plan.period}"
        more = " +" if plan.changes else ""
        table.add_row(plan.name, f"{plan.plan_type} {plan.tier} x {plan.count}{more}", committed, *_dates(plan))
    return render_text([table])


def _dates(plan: Plan) -> tuple[str, str]:
    return f"{plan.starts_at:%Y-%m-%d}", f"{plan.ends_at:%Y-%m-%d}"


def plan_text(plan: Plan) -> str:
    """One plan for people: its terms, its meters, what was added, and what each period commits to."""
    start, end = _dates(plan)
    terms = columns("", "~")
    terms.add_row("runs", f"{start} up to, not including, {end} (UTC)")
    terms.add_row("each unit", f"{group_digits(plan.quota)} {plan.unit} a {plan.period}")
    terms.add_row("at its end", renewal(plan))
    parts: list[RenderableType] = [
        headline(plan),
        indent(terms),
        Text(),
        *_meters(plan),
        *_changes(plan.changes, plan.unit),
    ]
    return render_text([*parts, *_periods(plan)])


def headline(plan: Plan) -> Text:
    """The plan by its name, its type and what was bought."""
    return Text(f"Plan {plan.name}: {plan.plan_type} {plan.tier} x {plan.count}", style="bold")


def renewal(plan: Plan) -> str:
    """What happens at the plan's end."""
    return "renews itself" if plan.auto_renew else "ends; what is used later draws on no plan"


def _meters(plan: Plan) -> list[RenderableType]:
    if not plan.meters:
        return [Text(f"No meter draws on it: azlic plan map {plan.name} METER"), Text()]
    table = columns("~meter", "ratio")
    for share in plan.meters:
        table.add_row(share.meter, share_words(share, plan.unit))
    return [indent(table), Text()]


def _changes(changes: Sequence[Change], unit: str) -> list[RenderableType]:
    if not changes:
        return []
    table = columns("added from", ">units", f">{unit} in that period", "", "entered")
    for change, quota in zip(changes, align([change.quota for change in changes]), strict=True):
        how = "taken back" if change.units < 0 else "pro-rated" if change.prorated else "as stated"
        table.add_row(
            f"{change.effective_at:%Y-%m-%d}", f"{change.units:+,}", quota, how, f"{change.entered_at:%Y-%m-%d}"
        )
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
        "meters": plan.meters,
        "changes": [
            {
                "effective_at": change.effective_at,
                "units": change.units,
                "quota": from_micro(change.quota),
                "prorated": change.prorated,
                "entered_at": change.entered_at,
            }
            for change in plan.changes
        ],
    }


PLANS = Answer("azlic.plans/v1", plans_table, lambda plans: {"plans": list(map(plan_fields, plans))})
PLAN = Answer("azlic.plan/v1", plan_text, lambda plan: {"plan": plan_fields(plan)})
