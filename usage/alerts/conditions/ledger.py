"""Conditions of the ledger: months to close, usage to hand over, the ledger itself and the disk it is on."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from licensing.core.instants import iso
from licensing.core.text import counted, name_word
from usage.alerts.alert import Alert, Severity
from usage.alerts.rules import Rules
from usage.alerts.state import ChannelFact, Disk, HandingFact, LedgerFacts, State, UnreadableLedger
from usage.months import Month

LEDGER_UNREADABLE = "ledger-unreadable"

_GIB = 2**30
_LITTLE = (0.10, 2 * _GIB)
_VERY_LITTLE = (0.02, _GIB // 4)
"""A disk is nearly full when it is below both: the share of it, and so many bytes."""


def month_alerts(ledger: LedgerFacts, state: State, rules: Rules) -> Iterator[Alert]:
    """Months that are over and not closed, some days after their end: one alert for all of them."""
    late = [month for month in ledger.pending_months if state.now >= _close_by(month, rules)]
    if not late or not rules.close_days:
        return
    first = late[0]
    more = f" and {len(late) - 1:,} more" if len(late) > 1 else ""
    yield Alert(
        id="month-close-pending",
        severity=Severity.WARNING,
        rank=len(late),
        stage=f"{counted(len(late), 'month')}",
        since=_close_by(first, rules),
        subject=f"month {first}{more}",
        meaning="The month is over but not closed: its numbers may still change.",
        action=f"Ingest what is still outstanding, then close it: azlic ingest, azlic close {first}",
    )


def _close_by(month: Month, rules: Rules) -> datetime:
    return month.next.starts_at + timedelta(days=rules.close_days)


def hand_over_alerts(ledger: LedgerFacts, state: State, rules: Rules) -> Iterator[Alert]:
    """Usage that has been waiting for head office's receipt for too long."""
    waiting = ledger.hand_over
    if waiting is None or not rules.receipt_days:
        return
    since = waiting.waits_since + timedelta(days=rules.receipt_days)
    if state.now < since:
        return
    last = (
        f"the last acknowledgement is from {iso(waiting.receipt_at)}"
        if waiting.receipt_at
        else "there is no acknowledgement so far"
    )
    yield Alert(
        id="receipt-overdue",
        severity=Severity.WARNING,
        rank=0,
        stage="overdue",
        since=since,
        subject="the hand-over",
        meaning=f"Usage has been waiting since {iso(waiting.waits_since)} to be acknowledged by head office; {last}.",
        action="Hand it over, and bring the acknowledgement back: azlic export, azlic acknowledge",
    )


def handing_alerts(ledger: LedgerFacts, state: State, rules: Rules) -> Iterator[Alert]:
    """At head office: each site that has not handed over months that are long over, once a site."""
    for fact in ledger.handing if rules.receipt_days else ():
        if rules.expects(fact.site) and (alert := _not_handed_over(fact, state, rules)):
            yield alert


def _not_handed_over(fact: HandingFact, state: State, rules: Rules) -> Alert | None:
    wait = timedelta(days=rules.receipt_days)
    name = f"hand-over-missing:{fact.site}"
    if fact.accepted_at is None:
        since, missing = state.since(name), "It has handed over nothing since it was enrolled here."
    else:
        first = last = Month.of(fact.accepted_at)
        since = first.next.starts_at + wait
        if state.now < since:
            return None
        while last.next.next.starts_at + wait <= state.now:
            last = last.next
        months = f"{first} is" if first == last else f"{first} to {last} are"
        missing = f"{months} not handed over in full: its newest export was accepted at {iso(fact.accepted_at)}."
    return Alert(
        id=name,
        severity=Severity.WARNING,
        rank=0,
        stage="missing",
        since=since,
        subject=f"site {fact.site}",
        meaning=missing,
        action="Ask it for its export, and book that: azlic accept FILE -o ACK. If it has closed for good, name it in"
        f" azlic.toml: closed_sites = {json.dumps([*rules.closed_sites, fact.site], ensure_ascii=False)}",
    )


def unreadable_alert(ledger: UnreadableLedger, state: State) -> Alert:
    """A ledger that cannot be asked, or is not there where one has to be."""
    return Alert(
        id=LEDGER_UNREADABLE,
        severity=Severity.CRITICAL,
        rank=0,
        stage="unreadable",
        since=state.since(LEDGER_UNREADABLE),
        subject="the ledger",
        meaning=f"{ledger.error}: nothing is known of usage, commitments and hand-over.",
        action="Mount it, run as a user who may read it, or name it with --database: azlic doctor. If there has never"
        " been one, this makes it: azlic ingest",
    )


def audit_alerts(ledger: LedgerFacts, _: State, __: Rules) -> Iterator[Alert]:
    """A ledger that did not pass its last audit."""
    if ledger.audit is not None and not ledger.audit.sound:
        yield Alert(
            id="audit-failed",
            severity=Severity.CRITICAL,
            rank=0,
            stage="failed",
            since=ledger.audit.audited_at,
            subject="the ledger",
            meaning=f"The {ledger.audit.failure.removeprefix('the ')}.",
            action="Keep a copy as it is, and find out who changed it: azlic audit. Then put back a backup that is"
            f" sound, azlic restore BACKUP, and audit it again: {ledger.audit.again}",
        )


def disk_alerts(state: State, _: Rules) -> Iterator[Alert]:
    """A disk that is nearly full."""
    for disk in state.disks:
        if _below(disk, _LITTLE):
            yield _nearly_full(disk, state)


def channel_alerts(ledger: LedgerFacts, state: State, _: Rules) -> Iterator[Alert]:
    """A channel that fails to deliver."""
    for channel in ledger.channels:
        yield _failing(channel, state)


def _below(disk: Disk, limits: tuple[float, int]) -> bool:
    share, least = limits
    return disk.free_bytes < min(disk.total_bytes * share, least)


def _nearly_full(disk: Disk, state: State) -> Alert:
    name = f"disk-nearly-full:{disk.path}"
    urgent = _below(disk, _VERY_LITTLE)
    return Alert(
        id=name,
        severity=Severity.CRITICAL if urgent else Severity.WARNING,
        rank=int(urgent),
        stage="very little left" if urgent else "little left",
        since=state.since(name),
        subject=disk.path,
        meaning=f"{disk.free_bytes / 2**20:,.0f} MiB of {disk.total_bytes / 2**20:,.0f} MiB are free. When it is full,"
        " containers stop and no usage is recorded.",
        action="Free some space, or enlarge it; the ledger itself is never truncated.",
    )


def _failing(channel: ChannelFact, state: State) -> Alert:
    name = f"channel-failing:{channel.channel}"
    return Alert(
        id=name,
        severity=Severity.WARNING,
        rank=0,
        stage="failing",
        since=state.since(name),
        subject=f"channel {channel.channel}",
        meaning=f"It failed to deliver an alert, {counted(channel.attempts, 'time')} in a row: {channel.error}.",
        action=f"Fix it and test it: azlic notify --test --channel {name_word(channel.channel)}. Or take it out of"
        " channels.toml. What it missed is sent, and this ends, with the next: azlic notify",
    )
