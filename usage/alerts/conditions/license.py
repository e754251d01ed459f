"""Conditions of licenses: one alert for each at most."""

from collections.abc import Iterator
from datetime import datetime

from licensing.core.instants import iso
from licensing.core.text import command_word, counted
from licensing.verdict.verdict import Cause, Status
from usage.alerts.alert import Alert, Severity
from usage.alerts.rules import Rules, before, stage_at
from usage.alerts.state import DatedLicense, Issue, LicenseTerm, RefusedLicense, State

URGENT_DAYS = 7
"""In its last week a license that ends is critical."""

_CHANGED = frozenset({Cause.CHANGED, Cause.ENCODED_AGAIN, Cause.ADOPTED_CHANGED})
_KINDS = {
    Status.MISSING: "license-missing",
    Status.UNREADABLE: "license-unreadable",
    Status.OPAQUE: "license-opaque",
    Status.CONFLICTING: "license-changed",
}
_ACTIONS = {
    "license-missing": "Mount it again or install it again; if it was removed on purpose: azlic alerts forget {path}",
    "license-wanted": "Mount it again or install it again; is none wanted there, take {path} out of the setting"
    " licenses: licenses = [] in azlic.toml says that none is wanted at all",
    "license-unreadable": "Find out why and fix it: azlic doctor --license {path}",
    "license-opaque": "State when it ends, so that azlic can warn: azlic adopt {path} --container TYPE --expires DATE",
    "license-adopted": "If it is the next one, state when that ends: azlic adopt {path} --container TYPE --expires DATE"
    " --yes. If not, put back the one that was adopted",
    "license-changed": "Do not rely on it. Install the license that was brought here again: azlic verify {path}",
    "license-invalid": "See which check it fails and how to fix it: azlic verify {path}",
}


def license_alerts(state: State, rules: Rules) -> Iterator[Alert]:
    """Each license that is not good, or not for long."""
    for fact in state.licenses:
        alert = _refusal_alert(fact, state) if isinstance(fact, RefusedLicense) else _date_alert(fact, state, rules)
        if alert:
            yield alert


def _refusal_alert(fact: RefusedLicense, state: State) -> Alert:
    kind = "license-changed" if fact.cause in _CHANGED else _KINDS.get(fact.status, "license-invalid")
    name = f"{kind}:{fact.path}"
    return Alert(
        id=name,
        severity=Severity.WARNING if kind == "license-opaque" else Severity.CRITICAL,
        rank=0,
        stage=fact.status,
        since=state.since(name),
        subject=fact.path,
        meaning=_sentence(fact.detail),
        action=_ACTIONS[_action_of(kind, fact)].format(path=command_word(fact.path)),
    )


def _action_of(kind: str, fact: RefusedLicense) -> str:
    if fact.cause is Cause.ADOPTED_CHANGED:
        return "license-adopted"
    return "license-wanted" if kind == "license-missing" and fact.named else kind


def _date_alert(fact: DatedLicense, state: State, rules: Rules) -> Alert | None:
    now, term = state.now, fact.term
    if term.issue is not None and now < term.issue.not_before:
        return _not_begun(fact, term.issue, state)
    if now >= term.expires_at:
        return _end_alert(fact, term, now)
    stages = rules.stages_for(fact.container)
    days = stage_at(term.expires_at, now, stages)
    return None if days is None else _ending(fact, term.expires_at, days, rules, first=stages[0])


def _not_begun(fact: DatedLicense, issue: Issue, state: State) -> Alert:
    name = f"license-not-yet-valid:{fact.path}"
    return Alert(
        id=name,
        severity=Severity.WARNING,
        rank=0,
        stage="not begun",
        since=state.since(name),
        subject=fact.path,
        meaning=f"The license{_of(fact)} begins at {iso(issue.not_before)}; until then its container does not start.",
        action="Put back the license that runs until then, or wait; is the clock right? azlic clock status",
    )


def _end_alert(fact: DatedLicense, term: LicenseTerm, now: datetime) -> Alert:
    in_grace = now < term.grace_ends_at
    then = (
        f"its grace ends at {iso(term.grace_ends_at)}, then its container stops"
        if in_grace
        else "its container may not run"
    )
    return Alert(
        id=f"license-expired:{fact.path}",
        severity=Severity.CRITICAL,
        rank=0 if in_grace else 1,
        stage="in grace" if in_grace else "ended",
        since=term.expires_at,
        subject=fact.path,
        meaning=f"The license{_of(fact)} ended at {iso(term.expires_at)}{_provenance(fact)}; {then}.",
        action=_next_license(fact),
    )


def _next_license(fact: DatedLicense) -> str:
    if fact.term.issue is None:
        return f"Put the next license in its place, then: {_adopt(fact)}"
    return "Get the next license: azlic download, or without a network azlic request, then azlic install"


def _adopt(fact: DatedLicense) -> str:
    return f"azlic adopt {command_word(fact.path)} --container TYPE --expires DATE --yes"


def _ending(fact: DatedLicense, expires_at: datetime, days: int, rules: Rules, *, first: int) -> Alert:
    if days <= URGENT_DAYS:
        severity = Severity.CRITICAL
    else:
        severity = Severity.WARNING if days <= rules.lead_days else Severity.NOTICE
    return Alert(
        id=f"license-expiring:{fact.path}",
        severity=severity,
        rank=-days,
        stage=f"{counted(days, 'day')}",
        since=before(expires_at, first),
        subject=fact.path,
        meaning=f"The license{_of(fact)} ends at {iso(expires_at)}{_provenance(fact)}, in {days} days or fewer.",
        action=f"Start its renewal: buying it and bringing it in takes {rules.lead_days} days here."
        + (f" Once it is in its place: {_adopt(fact)}" if fact.term.issue is None else ""),
    )


def _of(fact: DatedLicense) -> str:
    return f" for {fact.container}" if fact.container else ""


def _provenance(fact: DatedLicense) -> str:
    return " (stated by the operator)" if fact.term.issue is None else ""


def _sentence(detail: str) -> str:
    return f"{detail[:1].upper()}{detail[1:]}."
