"""Conditions of the records: what was kept out of the numbers, what is missing, and who has gone silent."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from licensing.core.instants import from_milliseconds
from usage.alerts.alert import Alert, Severity
from usage.alerts.rules import Rules
from usage.alerts.state import LedgerFacts, State
from usage.months import DAY_MS, day_number
from usage.reporting.activity import Activity, ContainerActivity
from usage.reporting.quality import Doubt

_ROUND = (
    "azlic findings list names the source. May its numbers be rounded to the millionth: azlic sources round NAME"
    " --reason TEXT; else settle it: azlic findings settle {number} --reason TEXT"
)
_FINDINGS = "Examine it, then settle it: azlic findings list, azlic findings settle {number} --reason TEXT"
_LINES = "Look at each, then take or discard it: azlic quarantine list, azlic quarantine discard {number} --reason TEXT"
_AHEAD = (
    "They are taken by themselves on their day. Was a container's clock wrong, state when they were written: azlic"
    " quarantine list, azlic quarantine retry {number} --dated DATE; or discard them: azlic quarantine discard {number}"
    " --reason TEXT"
)

DOUBTS: dict[str, tuple[Severity, str, str]] = {
    "quarantine": (Severity.WARNING, "lines that are not usage records are in quarantine and not counted", _LINES),
    "conflict": (Severity.CRITICAL, "lines have the id of another record, with other content", _LINES),
    "ahead": (Severity.WARNING, "records are dated more than a day ahead, and not counted", _AHEAD),
    "gap": (Severity.CRITICAL, "records are still missing from a container's chain", _FINDINGS),
    "edited": (Severity.CRITICAL, "lines were changed after they were written", _FINDINGS),
    "removed": (Severity.CRITICAL, "lines that were taken are gone from their files", _FINDINGS),
    "disorder": (Severity.WARNING, "records are out of order", _FINDINGS),
    "reused": (
        Severity.CRITICAL,
        "containers restarted their numbering: records were lost, or a mount is new",
        _FINDINGS,
    ),
    "shrunk": (Severity.CRITICAL, "usage files became shorter", _FINDINGS),
    "rewritten": (Severity.CRITICAL, "the beginnings of usage files have changed", _FINDINGS),
    "replaced": (Severity.WARNING, "usage files were replaced by others", _FINDINGS),
    "vanished": (Severity.CRITICAL, "usage files are gone", _FINDINGS),
    "hole": (Severity.WARNING, "usage files contain stretches of NUL bytes, which were skipped", _FINDINGS),
    "passed-over": (
        Severity.CRITICAL,
        "files, links or folders that may hold usage were not taken",
        "Take it as its finding says, or put it aside: azlic findings list,"
        " azlic findings settle {number} --reason TEXT",
    ),
    "counter-fell": (Severity.CRITICAL, "a container's own counter fell: its mount is new, or was lost", _FINDINGS),
    "same-mount": (Severity.WARNING, "a mount may be counted twice", _FINDINGS),
    "too-fine": (Severity.WARNING, "meters are reported with more than six decimals, and not counted", _ROUND),
    "meter-refused": (Severity.WARNING, "meters are reported in a way that makes no sense, and not counted", _FINDINGS),
}
"""What waits for somebody, by its kind: how bad it is, what it means, what to do. A new kind is a warning."""


def record_alerts(ledger: LedgerFacts, state: State, _: Rules) -> Iterator[Alert]:
    """One alert for each kind of thing that waits for somebody."""
    for doubt in ledger.doubts:
        yield _doubt_alert(doubt, state)


def _doubt_alert(doubt: Doubt, state: State) -> Alert:
    severity, words, action = DOUBTS.get(doubt.kind, (Severity.WARNING, "findings wait to be settled", _FINDINGS))
    digits = len(str(doubt.number))  # ten times as many is worse, one more is not
    return Alert(
        id=doubt.kind,
        severity=severity,
        rank=digits,
        stage=f"{10 ** (digits - 1):,} or more",
        since=doubt.since or state.since(doubt.kind),
        subject="the ledger",
        meaning=f"{words[:1].upper()}{words[1:]} ({doubt.number:,} in all).",
        action=action.format(number="NUMBER" if doubt.first is None else doubt.first),
    )


def counted_ahead_alerts(ledger: LedgerFacts, state: State, _: Rules) -> Iterator[Alert]:
    """What counts in months to come, as a clock that ran ahead dated it: it is missing from every report until then."""
    if ledger.counted_ahead:
        first = min(ledger.counted_ahead, key=lambda one: one.starts_at)
        yield Alert(
            id="counted-ahead",
            severity=Severity.WARNING,
            rank=0,
            stage="counted-ahead",
            since=state.since("counted-ahead"),
            subject="the ledger",
            meaning=f"{'; '.join(one.words for one in ledger.counted_ahead)}: no report on an earlier month has this.",
            action=f"List it: {first.look}. Was a clock wrong, take each record out of there: azlic correct RECORD"
            " --quantity 0 --reason TEXT; then ingest its line again, with a new id and its true requestTime",
        )


def silence_alerts(ledger: LedgerFacts, _: State, rules: Rules) -> Iterator[Alert]:
    """Each container that has been without a record for longer than it ever was; a site that is silent is told once."""
    by_site: dict[str, list[ContainerActivity]] = {}
    for heard in ledger.containers:
        by_site.setdefault(heard.site, []).append(heard)
    for site, all_heard in by_site.items():
        if not rules.expects(site):
            continue
        silent = [(one, one.habit) for one in all_heard if one.standing is Activity.SILENT and one.habit is not None]
        lively = [one for one in all_heard if one.standing in {Activity.IN_USE, Activity.NEW}]
        if site and len(silent) > 1 and not lively:
            yield _silent_site(site, silent)
        else:
            yield from (_silent(one, habit) for one, habit in silent)


def _silent_site(site: str, silent: Sequence[tuple[ContainerActivity, int]]) -> Alert:
    last = max(one.last_at for one, _ in silent)
    return Alert(
        id=f"site-silent:{site}",
        severity=Severity.WARNING,
        rank=0,
        stage="silent",
        since=min(_silent_since(one.last_at, habit) for one, habit in silent),
        subject=f"site {site}",
        meaning=f"None of its {len(silent):,} containers has a usage record since {last:%Y-%m-%d}, which is longer than"
        " ever.",
        action="Does it run, and does its usage come here? Take in what it hands over: azlic accept, azlic ingest. If"
        " it has closed for good: closed_sites in azlic.toml",
    )


def _silent(heard: ContainerActivity, habit: int) -> Alert:
    place = "/".join(filter(None, (heard.site, heard.container_type, heard.container_id)))
    return Alert(
        id=f"container-silent:{place}",
        severity=Severity.WARNING,
        rank=0,
        stage="silent",
        since=_silent_since(heard.last_at, habit),
        subject=f"container {place}",
        meaning=f"It has written no usage record for {heard.quiet_days:,} whole days; its longest pause so far was"
        f" {habit:,}.",
        action="Does it run, and does its output mount reach the ledger? azlic doctor, azlic ingest",
    )


def _silent_since(last_at: datetime, habit: int) -> datetime:
    """The first midnight at which the whole days without a record were more than ever."""
    return from_milliseconds((day_number(last_at) + habit + 2) * DAY_MS)
