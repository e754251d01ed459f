"""The state of this site as its settings have it: what `alerts`, `check`, `notify` and `calendar` look at."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from azlic.monitoring.expected import expected_ledger, is_trust_named
from azlic.settings import Settings
from azlic.verifier import Verifier
from licensing.db.readonly import readonly_connection
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Verdict
from usage.alerts.acknowledgements import WatchedAlert, read_acknowledgements, with_acknowledgements
from usage.alerts.conditions.all import alerts_of
from usage.alerts.gather.state import site_state
from usage.alerts.rules import Rules
from usage.alerts.state import LedgerFacts, State

Examine = Callable[[Path, Seen], Verdict]


def rules_of(settings: Settings) -> Rules:
    """When to warn, by the settings."""
    return Rules(
        stages=settings.stages,
        stages_of=settings.stages_of,
        lead_days=settings.lead_days,
        trust_days=settings.trust_days,
        close_days=settings.close_days,
        receipt_days=settings.receipt_days,
        closed_sites=settings.closed_sites,
    )


def look_at_site(
    settings: Settings,
    *,
    trust: Path | None,
    database: str | None,
    now: datetime,
    with_use: bool = False,
    examine: Examine | None = None,
) -> tuple[State, tuple[WatchedAlert, ...]]:
    """Look at everything once, and say what somebody should know; nothing is written.

    ``with_use`` adds up all that was ever used too. ``examine`` verifies a license where whoever asks keeps verdicts.
    """
    verifier, ledger = Verifier.of(settings, trust), database or settings.database
    state = site_state(
        settings.licenses,
        examine or (lambda path, seen: verifier.verify(path, now, seen)),
        trust=verifier.trust,
        database=ledger,
        now=now,
        missed=expected_ledger(settings, database),
        trust_named=is_trust_named(settings, trust),
        asked=f"{verifier.trust.folder} {settings.site} {settings.instance}",
        with_use=with_use,
    )
    known = {}
    if isinstance(state.ledger, LedgerFacts):
        with readonly_connection(ledger) as connection:
            known = read_acknowledgements(connection) if connection else {}
    return state, with_acknowledgements(alerts_of(state, rules_of(settings)), known, now)
