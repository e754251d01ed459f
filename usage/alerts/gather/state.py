"""Looking at everything once: licenses, trust, clock, ledger, disks. Nothing is written."""

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from licensing.core.errors import AzlicError
from licensing.db.readonly import ReadOnlyConnection, readonly_connection
from licensing.history.read import read_memory, read_strikes
from licensing.trust.store import TrustStore
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Verdict
from usage.alerts.gather import ledger
from usage.alerts.gather.licenses import (
    Known,
    gather_licenses,
    read_known_licenses,
    trust_context,
    trust_facts,
)
from usage.alerts.state import NO_LEDGER, Disk, LedgerFacts, State, UnreadableLedger
from usage.ledger.counted_ahead import read_counted_ahead
from usage.ledger.last_audit import read_last_audit
from usage.months import Month, day_number
from usage.plans.book import read_book
from usage.reporting.activity import container_activity
from usage.reporting.daily import daily_use
from usage.reporting.draws import allocate
from usage.reporting.plan_usage import days_needed
from usage.reporting.quality import read_doubts
from usage.reporting.snapshot import meter_totals


def site_state(
    licenses: Sequence[Path],
    examine: Callable[[Path, Seen], Verdict],
    *,
    trust: TrustStore,
    database: str,
    now: datetime,
    missed: str = "",
    trust_named: bool = False,
    asked: str = "",
    with_use: bool = False,
) -> State:
    """The state at ``now``. ``examine`` verifies one license, ``asked`` says in words what it asks beside the file.
    ``missed`` says why a ledger that is not there is missed, empty where it is not; ``trust_named`` that the trust
    store has to be there. ``with_use`` adds up all that was ever used, which takes a moment in a ledger of many years.

    What cannot be looked at is part of the state and hides nothing else: a ledger that cannot be asked, a license that
    cannot be read. Raises ``AzlicError`` where the trust store cannot be listed.
    """
    known: dict[str, Known] = {}
    told: LedgerFacts | UnreadableLedger = NO_LEDGER
    folders: list[Path] = []
    try:
        with readonly_connection(database) as connection:
            if connection is not None:
                known = read_known_licenses(connection)
                told = _read_ledger(connection, now, with_use=with_use)
                folders = ledger.read_output_folders(connection)
            elif missed:
                told = UnreadableLedger(f"there is no ledger at {database}: {missed}")
    except AzlicError as unreadable:
        told = UnreadableLedger(unreadable.message)
    seen, issuers = read_memory(database), trust_facts(trust)
    return State(
        now=now,
        licenses=gather_licenses(
            licenses,
            lambda path: examine(path, seen),
            context=trust_context(trust, issuers, seen, asked, now=now),
            known=known,
            now=now,
        ),
        trust=issuers,
        clock_behind=seen.clock_behind(now),
        ledger=told,
        missing_trust=str(trust.folder) if _is_trust_missing(trust, seen, named=trust_named) else "",
        disks=disks([*([] if "://" in database else [Path(database).absolute().parent]), *folders]),
    )


def _is_trust_missing(trust: TrustStore, seen: Seen, *, named: bool) -> bool:
    """Whether a trust store that was named, or by which licenses were accepted, is not there, or is empty then."""
    if not trust.folder.exists():
        return named or bool(seen.accepted)
    return bool(seen.accepted) and not trust.files()


def _read_ledger(connection: ReadOnlyConnection, now: datetime, *, with_use: bool) -> LedgerFacts:
    book = read_book(connection, now + ledger.LOOK_AHEAD)
    days, audit = (
        daily_use(connection, *days_needed(book.present, Month.of(now))),
        read_last_audit(connection),
    )
    draws = allocate(book, days)
    open_from = day_number(book.frozen_until.next.starts_at) if book.frozen_until else 0
    return LedgerFacts(
        plans=ledger.read_plan_facts(book, draws, now, open_from=open_from),
        undecided={draw.use.meter: draw.undecided for draw in draws if draw.undecided and draw.use.day >= open_from},
        containers=container_activity(days, day_number(now)),
        doubts=read_doubts(connection),
        pending_months=ledger.read_pending_months(connection, now),
        hand_over=ledger.read_hand_over(connection),
        handing=ledger.read_handing_sites(connection),
        audit=audit,
        counted_ahead=read_counted_ahead(connection, now),
        channels=ledger.read_failing_channels(connection),
        seen_since=ledger.read_first_seen(connection),
        progress=ledger.read_progress(connection),
        used=meter_totals(connection) if with_use else (),
        strikes=tuple(one for one in read_strikes(connection) if audit is None or one.at > audit.audited_at),
    )


def disks(folders: Iterable[Path]) -> tuple[Disk, ...]:
    """The disks that some folders lie on, each once, by the first of its folders; one that is gone has none."""
    found: dict[int, Disk] = {}
    for folder in folders:
        try:
            device, space = folder.stat().st_dev, os.statvfs(folder)
        except OSError:
            continue
        size = space.f_frsize
        found.setdefault(device, Disk(str(folder), space.f_bavail * size, space.f_blocks * size))
    return tuple(found.values())
