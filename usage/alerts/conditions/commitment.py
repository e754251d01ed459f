"""Conditions of commitments: how much is used, how long it lasts, and what comes after."""

from collections.abc import Iterator
from datetime import timedelta

from licensing.core.instants import iso
from licensing.core.text import counted
from usage.alerts.alert import Alert, Severity
from usage.alerts.conditions.license import URGENT_DAYS
from usage.alerts.rules import Rules, before, stage_at
from usage.alerts.state import LedgerFacts, PlanFact, State
from usage.quantity import group_digits, used_for_people
from usage.reporting.plan_usage import PlanUsage

PERCENTS = {50: Severity.NOTICE, 75: Severity.NOTICE, 90: Severity.WARNING, 100: Severity.CRITICAL}


def undecided_alerts(ledger: LedgerFacts, state: State, _: Rules) -> Iterator[Alert]:
    """Each meter of several plans, of whose use in open months something goes to none of them."""
    for meter, plans in sorted(ledger.undecided.items()):
        name = f"plan-undecided:{meter}"
        yield Alert(
            id=name,
            severity=Severity.WARNING,
            rank=0,
            stage="undecided",
            since=state.since(name),
            subject=f"meter {meter}",
            meaning=f"Plans {', '.join(plans)} have it, and no rule says which of them takes all that was used.",
            action="Say what goes to which plan: azlic plan rule add",
        )


def commitment_alerts(ledger: LedgerFacts, state: State, rules: Rules) -> Iterator[Alert]:
    """Each plan that is used up beyond a threshold, will be before its end, or ends with nothing to follow."""
    for plan in ledger.plans:
        if plan.usage is not None:
            if used := _use_alert(plan.usage, state):
                yield used
            if out := _running_out(plan.usage, state, rules):
                yield out
        if ending := _ending(plan, state, rules):
            yield ending


def _use_alert(usage: PlanUsage, state: State) -> Alert | None:
    reached = [percent for percent in PERCENTS if usage.used * 100 >= usage.committed * percent]
    if not reached:
        return None
    percent = reached[-1]
    name = f"commitment-used:{usage.plan.name}:{usage.period_starts_at:%Y-%m-%d}"
    over = usage.remaining < 0
    told = f"{group_digits(used_for_people(usage.used))} of {group_digits(usage.committed)} {usage.plan.unit}"
    return Alert(
        id=name,
        severity=PERCENTS[percent],
        rank=percent,
        stage=f"{percent} %",
        since=state.since(name),
        subject=f"plan {usage.plan.title}",
        meaning=f"{told} are used, of the period that ends at {iso(usage.period_ends_at)}"
        + (
            f": {group_digits(used_for_people(-usage.remaining))} {usage.plan.unit} more than was committed."
            if over
            else "."
        )
        + _whose(usage.plan.account),
        action="See what uses it, and how many units would cover it: azlic report. It ends with the period, or once"
        " more units are bought and entered: azlic plan amend",
    )


def _running_out(usage: PlanUsage, state: State, rules: Rules) -> Alert | None:
    at = usage.projection.expected.runs_out_at if usage.projection else None
    if at is None:
        return None
    name = f"commitment-running-out:{usage.plan.name}:{usage.period_starts_at:%Y-%m-%d}"
    soon = at - state.now <= timedelta(days=rules.lead_days)
    return Alert(
        id=name,
        severity=Severity.CRITICAL if soon else Severity.WARNING,
        rank=int(soon),
        stage=f"within {rules.lead_days} days" if soon else "before its end",
        since=state.since(name),
        subject=f"plan {usage.plan.title}",
        meaning=f"At the pace of the last weeks it will be used up on {at:%Y-%m-%d}; its period ends at"
        f" {iso(usage.period_ends_at)}.{_whose(usage.plan.account)}",
        action="Buy more units in time (azlic report shows how many), then enter them: azlic plan amend",
    )


def _ending(plan: PlanFact, state: State, rules: Rules) -> Alert | None:
    ended = state.now >= plan.ends_at
    stages = rules.stages_for(plan.container)
    days = stage_at(plan.ends_at, state.now, stages)
    if plan.renews or plan.followed or days is None or (ended and not plan.used_after):
        return None
    if ended or days <= URGENT_DAYS:
        severity = Severity.CRITICAL
    else:
        severity = Severity.WARNING if days <= rules.lead_days else Severity.NOTICE
    return Alert(
        id=f"plan-ending:{plan.name}",
        severity=severity,
        rank=1 if ended else -days,
        stage="ended" if ended else f"{counted(days, 'day')}",
        since=before(plan.ends_at, stages[0]),
        subject=f"plan {plan.title}",
        meaning=(
            f"The plan ended at {iso(plan.ends_at)}, and its meters have been used on no plan since."
            if ended
            else f"The plan {plan.ending}"
        )
        + _whose(plan.account),
        action="Enter the next one: azlic plan import LICENSE, or azlic plan add"
        + (". Use on no plan is settled with its month: azlic close YYYY-MM" if ended else ""),
    )


def _whose(account: str | None) -> str:
    return f" It is a plan of account {account}." if account else ""
