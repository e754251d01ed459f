"""Ledgers that somebody has laid hands on: an administrator who knows the format, and can compute a digest."""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from licensing.db.database import open_ledger, writing
from tests.usage.ledgers import copy_ledger, unguarded
from tests.usage.lines import a_chain
from tests.usage.mount import Mount
from usage.auditing.compare import KeptCheckpoint
from usage.auditing.months import read_closed_month
from usage.auditing.run import Audit, audit, open_readonly
from usage.ledger.canonical import ORIGIN, SealedBatch, batch_head
from usage.ledger.checkpoints import Checkpoint, take_checkpoint
from usage.ledger.source_kinds import SourceKind

_encode = msgspec.json.Encoder().encode

Attack = Callable[[sqlite3.Connection], None]


def fill(mount: Mount, batches: int = 5, records: int = 4) -> None:
    """Batches of a few records each, all of one day and series."""
    lines = a_chain(batches * records)
    for number in range(1, batches + 1):
        mount.write(lines[: number * records])
        mount.ingest()


def attacked(mount: Mount, attack: Attack) -> Path:
    """A copy of the mount's ledger after an attack by somebody who may drop its triggers, and puts them back."""
    copy = copy_ledger(mount.site.folder / "azlic.db", mount.site.folder / "attacked.db")
    engine = open_ledger(str(copy))
    with unguarded(engine) as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        attack(driver)
    engine.dispose()
    return copy


def audited(path: Path, *against: Checkpoint, files: bool = False) -> Audit:
    engine = open_readonly(str(path))
    try:
        kept = [KeptCheckpoint(f"checkpoint {number}", one) for number, one in enumerate(against, start=1)]
        return audit(engine, against=kept, files=files)
    finally:
        engine.dispose()


def taken(mount: Mount) -> Checkpoint:
    """The mount's checkpoint now."""
    with writing(mount.ledger) as connection:
        return take_checkpoint(connection, site="plant", now=mount.site.now)


def sql(*statements: str) -> Attack:
    """An attack by statements alone."""

    def attack(connection: sqlite3.Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return attack


def rehash(first: int, *, rows: bool = True, heads: bool = True) -> Attack:
    """Compute the digests of the batches from ``first`` on anew, as one who rewrites history does."""

    def attack(connection: sqlite3.Connection) -> None:
        found = connection.execute("SELECT head FROM batch WHERE sequence = ?", [first - 1]).fetchone()
        head = found[0] if found else ORIGIN
        query = (
            "SELECT sequence, file, start, stop, consumed, first_record, records, rows, source, taken_at, entries, head"
            " FROM batch"
            " WHERE sequence >= ? ORDER BY sequence"
        )
        for *fields, stored in connection.execute(query, [first]).fetchall():
            batch = SealedBatch(*fields)
            digest = _rows(connection, batch) if rows else batch.rows
            again = replace(batch, rows=digest)
            head = batch_head(head, again) if heads else stored
            connection.execute("UPDATE batch SET rows = ?, head = ? WHERE sequence = ?", [digest, head, batch.sequence])

    return attack


def recount(connection: sqlite3.Connection) -> None:
    """Make the totals those of the records again."""
    connection.execute("DELETE FROM total")
    connection.execute(
        "INSERT INTO total SELECT requested_at / 86400000, series, sum(quantity), count(*), max(requested_at)"
        " FROM record GROUP BY 1, 2"
    )


def both(*attacks: Attack) -> Attack:
    """One attack after another."""

    def attack(connection: sqlite3.Connection) -> None:
        for one in attacks:
            one(connection)

    return attack


def _rows(connection: sqlite3.Connection, batch: SealedBatch) -> bytes:
    if batch.file.startswith(SourceKind.CLOSE):
        return _close(connection, int(batch.file.removeprefix(SourceKind.CLOSE).replace("-", "")))
    records = connection.execute(
        "SELECT number, id, series, quantity, requested_at, sequence, extra FROM record"
        " WHERE number >= ? AND number < ? ORDER BY number",
        [batch.first_record, batch.first_record + batch.records],
    ).fetchall()
    series = [
        (key, labels)
        for key, *labels in connection.execute(
            "SELECT key, container_id, meter, container_version, container_type, api_type, site FROM series"
            " WHERE batch = ? ORDER BY key",
            [batch.sequence],
        )
    ]
    corrections = connection.execute(
        "SELECT number, kind, booked_month, month, record_id, series, quantity, reason FROM correction"
        " WHERE batch = ? ORDER BY number",
        [batch.sequence],
    ).fetchall()
    return hashlib.sha256(_encode((series, records, corrections) if corrections else (series, records))).digest()


def _close(connection: sqlite3.Connection, month: int) -> bytes:
    """The digest of a closed month as it is now, which its row is given, too."""
    with create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool).connect() as shared:
        closed = read_closed_month(shared, month)
    digest = closed.digest if closed else bytes(32)
    connection.execute("UPDATE closed_month SET totals = ? WHERE month = ?", [digest, month])
    return digest
