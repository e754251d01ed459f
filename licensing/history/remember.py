"""A site's memory, written: the mark of time moves on, serials and statements are kept. All of it only grows."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select, update

from licensing.core.instants import milliseconds
from licensing.core.text import sendable
from licensing.db.database import open_briefly, writing
from licensing.db.inserts import insert_once, upsert
from licensing.history.tables import AcceptedLicenseRow, ClockResetRow, SeenStatementRow, WitnessMarkRow
from licensing.verdict.seen import WitnessKind
from licensing.verdict.verdict import INSTALLABLE, Status, Verdict

EVALUATION_STEP = timedelta(minutes=1)
"""An answer moves the mark only when it is so much newer: a watch that looks all the time need not write each time."""


def advance(connection: Connection, kind: WitnessKind, instant: datetime, source: str) -> None:
    """Let a witness show an instant; an older one than it has shown changes nothing."""
    step = EVALUATION_STEP // timedelta(milliseconds=1) if kind is WitnessKind.EVALUATION else 0
    shown = {"kind": kind, "instant": milliseconds(instant), "source": sendable(source)}
    statement = upsert(connection, WitnessMarkRow).values(shown)
    newer = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["kind"],
            set_={"instant": newer.instant, "source": newer.source},
            where=newer.instant > WitnessMarkRow.instant + step,
        )
    )


def remember_at(database: str, verdict: Verdict) -> bool:
    """Remember a verdict in the ledger at a path or URL; False where there is none, and so nothing to remember with.

    Raises ``AzlicError`` when the ledger cannot be written.
    """
    if "://" not in database and not Path(database).exists():
        return False
    with open_briefly(database, upgrade=True) as ledger, writing(ledger) as connection:
        remember_verdict(connection, verdict)
    return True


def remember_verdict(connection: Connection, verdict: Verdict) -> None:
    """Keep what a verdict of now has shown; a clock that is suspect shows nothing.

    That is the instant itself and, of a license that may be installed, its serial, its time of issue, and the numbers
    of its issuer's statements.
    """
    if verdict.status is Status.CLOCK_SUSPECT:
        return
    advance(connection, WitnessKind.EVALUATION, verdict.as_of, f"verify {verdict.path}")
    license_ = verdict.license
    if license_ is None or verdict.status not in INSTALLABLE:
        return
    source = f"license {license_.license_id} serial {license_.serial}"
    advance(connection, WitnessKind.LICENSE, license_.issued_at, source)
    _accept(connection, verdict)


def _accept(connection: Connection, verdict: Verdict) -> None:
    license_ = verdict.license
    assert license_ is not None  # noqa: S101 - remember saw to it
    statement = upsert(connection, AcceptedLicenseRow).values(
        license_id=license_.license_id,
        serial=license_.serial,
        digest=verdict.payload_digest,
        accepted_at=milliseconds(verdict.as_of),
    )
    newer = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["license_id"],
            set_={"serial": newer.serial, "digest": newer.digest, "accepted_at": newer.accepted_at},
            where=newer.serial > AcceptedLicenseRow.serial,
        )
    )
    _keep_statements(connection, verdict.statements)


def _keep_statements(connection: Connection, statements: Mapping[tuple[str, str], int]) -> None:
    """Numbers only rise, but with a newer rotation its issuer restarts the numbers of its revocation lists."""
    known = {
        (row.issuer, row.kind): row.number
        for row in connection.execute(select(SeenStatementRow.issuer, SeenStatementRow.kind, SeenStatementRow.number))
    }
    for (issuer, kind), number in statements.items():
        rotated = statements[issuer, "rotation"] > known.get((issuer, "rotation"), 0)
        if rotated or number > known.get((issuer, kind), -1):
            insert = upsert(connection, SeenStatementRow).values(issuer=issuer, kind=kind, number=number)
            connection.execute(
                insert.on_conflict_do_update(index_elements=["issuer", "kind"], set_={"number": insert.excluded.number})
            )


def reset_clock(connection: Connection, *, reset_id: str, instant: datetime, now: datetime) -> bool:
    """Take every witness that is later than ``instant`` back to it; False where this reset was taken before."""

    values = {"reset_id": reset_id, "instant": milliseconds(instant), "taken_at": milliseconds(now)}
    if not insert_once(connection, ClockResetRow, values):
        return False
    take_back(connection, tuple(WitnessKind), instant, f"clock reset {reset_id}")
    return True


def take_back(connection: Connection, kinds: Sequence[WitnessKind], instant: datetime, source: str) -> None:
    """Let witnesses of these kinds that are later than an instant show that instant."""
    connection.execute(
        update(WitnessMarkRow)
        .where(WitnessMarkRow.kind.in_(kinds), WitnessMarkRow.instant > milliseconds(instant))
        .values(instant=milliseconds(instant), source=source)
    )
