"""Conditions of trust and time: what every license here is judged by."""

from collections.abc import Iterator
from datetime import timedelta

from licensing.core.instants import iso
from licensing.core.text import counted
from licensing.verdict.seen import strike_words
from usage.alerts.alert import Alert, Severity
from usage.alerts.conditions.license import URGENT_DAYS
from usage.alerts.rules import Rules, before, stage_at
from usage.alerts.state import LedgerFacts, State, TrustFact, is_issued_later

CLOCK_SUSPECT = "clock-suspect"
TRUST_MISSING = "trust-missing"

WITNESS_STRUCK = "witness-struck"

_CLOCK = (
    "Set the clock right: azlic clock status shows what was seen. Is the clock right, strike what was seen wrongly:"
    " azlic clock strike --reason TEXT"
)
_ISSUED_LATER = (
    "Set the clock right: azlic clock status. Is it right, the license was issued under a wrong one: download it again,"
    " and install it: azlic install"
)
_UPDATE = "Bring in what the issuer has published since: azlic trust update"


def trust_alerts(state: State, rules: Rules) -> Iterator[Alert]:
    """A trust store that is gone; each issuer not heard of for too long, or whose word about its keys ends."""
    if state.missing_trust:
        yield _missing(state.missing_trust, state)
    for fact in state.trust:
        if stale := _stale(fact, state, rules):
            yield stale
        if ending := _ending(fact, state, rules):
            yield ending


def _missing(folder: str, state: State) -> Alert:
    return Alert(
        id=TRUST_MISSING,
        severity=Severity.CRITICAL,
        rank=0,
        stage="missing",
        since=state.since(TRUST_MISSING),
        subject="the trust store",
        meaning=f"There are no keys in {folder}: no issuer's license is good, and what issuers took back is not known.",
        action="Mount it, name it with --trust, or put the issuer's key there: azlic trust add ISSUER.pem. Where no"
        " license is an issuer's of azlic's, take trust out of the settings",
    )


def _stale(fact: TrustFact, state: State, rules: Rules) -> Alert | None:
    causes = []
    if fact.said_at is not None:
        causes.append((fact.said_at + timedelta(days=rules.trust_days + 1), f"last published at {iso(fact.said_at)}"))
    if fact.next_list_at is not None:
        due = fact.next_list_at + timedelta(milliseconds=1)
        causes.append((due, f"was due to publish a revocation list by {iso(fact.next_list_at)}"))
    started = [(since, why) for since, why in causes if since <= state.now]
    if not started:
        return None
    since, why = min(started)
    return Alert(
        id=f"trust-stale:{fact.issuer}",
        severity=Severity.WARNING,
        rank=0,
        stage="stale",
        since=since,
        subject=f"issuer {fact.issuer[:12]}",
        meaning=f"The issuer {why}: what it has revoked since is not known here.",
        action=_UPDATE,
    )


def _ending(fact: TrustFact, state: State, rules: Rules) -> Alert | None:
    stages = rules.stages_for()
    days = None if fact.ends_at is None else stage_at(fact.ends_at, state.now, stages)
    if fact.ends_at is None or days is None:
        return None
    ended = state.now >= fact.ends_at
    return Alert(
        id=f"trust-ending:{fact.issuer}",
        severity=Severity.CRITICAL if ended or days <= URGENT_DAYS else Severity.WARNING,
        rank=1 if ended else -days,
        stage="ended" if ended else f"{counted(days, 'day')}",
        since=before(fact.ends_at, stages[0]),
        subject=f"issuer {fact.issuer[:12]}",
        meaning=f"The issuer's statement about its keys {'expired' if ended else 'expires'} at {iso(fact.ends_at)};"
        " from then on none of its licenses is valid.",
        action=_UPDATE,
    )


def strike_alerts(ledger: LedgerFacts, _: State, __: Rules) -> Iterator[Alert]:
    """Witnesses of the clock that the ledger's owner struck, until an audit has shown them."""
    if ledger.strikes:
        last = ledger.strikes[-1]
        more = f" It is one of {len(ledger.strikes):,} since the last audit." if len(ledger.strikes) > 1 else ""
        yield Alert(
            id=WITNESS_STRUCK,
            severity=Severity.NOTICE,
            rank=last.number,
            stage="struck",
            since=ledger.strikes[0].at,
            subject="the clock's witnesses",
            meaning=f"{strike_words(last)}{more}",
            action="Let somebody else look at it, and audit the ledger, which shows it: azlic audit",
        )


def clock_alerts(state: State, _: Rules) -> Iterator[Alert]:
    """A clock that is behind what was seen before, or behind a license's own issue."""
    why, action = state.clock_behind, _CLOCK
    for fact in state.licenses:
        if why is None and fact.term and fact.term.issue and is_issued_later(fact, state.now):
            why = f"the clock says {iso(state.now)}, and {fact.path} was issued at {iso(fact.term.issue.issued_at)}"
            action = _ISSUED_LATER
    if why is not None:
        yield Alert(
            id=CLOCK_SUSPECT,
            severity=Severity.CRITICAL,
            rank=0,
            stage="behind",
            since=state.since(CLOCK_SUSPECT),
            subject="this machine's clock",
            meaning=f"{why[:1].upper()}{why[1:]}; no license is valid under a clock that was set back.",
            action=action,
        )
