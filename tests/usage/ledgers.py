"""Ledgers that are cheap to make, that die in the middle, and that can be compared."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from licensing.db.database import open_database
from licensing.db.store_kind import StoreKind
from tests.tables import put_tables
from tests.usage.mount import heads, recount, rows, totals
from usage.ledger.tables.months import ClosedMonthRow, ClosedTotalRow, CorrectionRow
from usage.ledger.tables.records import BatchRow, ChainRow, FindingRow, GapRow, QuarantineRow, RecordRow, SourceRow


def new_ledger(path: Path) -> Path:
    """An empty ledger at a path, without the price of making its tables."""
    put_tables(str(path), StoreKind.SITE, 0o640)
    return path


def empty_databases(folder: Path) -> Callable[[str], str]:
    """New databases of a site, as it asks for them by name."""
    return lambda name: str(new_ledger(folder / f"{name}.db"))


def open_fast(target: Path | str, kind: StoreKind = StoreKind.SITE) -> Engine:
    """A database that does not wait for the disk: for tests in which no machine loses its power."""
    engine = open_database(str(target), kind)
    if engine.dialect.name != "sqlite":
        return engine  # the server of the tests waits for none

    @event.listens_for(engine, "connect")
    def hurry(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    engine.dispose()  # of the connection that was opened before
    return engine


class Killed(Exception):
    """What ends an ingest in its middle, and nobody catches."""


def die_at(engine: Engine, number: int, death: Callable[[], object] | None = None) -> None:
    """Let an engine's user die in front of the statement, or commit, of this number, counted from 0."""
    steps = count()

    def die(*_: object) -> None:
        if next(steps) == number:
            if death is not None:
                death()
            raise Killed

    event.listen(engine, "before_cursor_execute", die)
    event.listen(engine, "commit", die)


def copy_ledger(ledger: Path, to: Path) -> Path:
    """A ledger at rest, copied."""
    shutil.copyfile(ledger, to)
    return to


@contextlib.contextmanager
def unguarded(engine: Engine) -> Iterator[Connection]:
    """A transaction in which the ledger's triggers are gone, as for an administrator; they are there again behind it.

    On SQLite no foreign key is looked at.
    """
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            query = "SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"
            guarded = connection.exec_driver_sql(query).scalars().all()
            for table in guarded:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield connection
            for table in guarded:
                connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        return
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")  # of the transaction that SQLAlchemy began: inside it this changes nothing
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        triggers = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
        for name, _ in triggers:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.exec_driver_sql(sql)
        connection.commit()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def contents(ledger: Engine) -> dict[str, Any]:
    """Everything in a ledger that has to be the same, however often its ingests were cut short."""
    names = {
        RecordRow: ("number", "id", "series", "quantity", "requested_at", "sequence", "extra"),
        BatchRow: ("sequence", "file", "start", "stop", "consumed", "first_record", "records", "rows", "head"),
        QuarantineRow: ("kind", "file", "line", "start", "reason", "record_id", "content"),
        FindingRow: ("kind", "file", "line", "container_id", "detail"),
        ChainRow: ("container_id", "sequence", "digest"),
        GapRow: ("container_id", "first", "last"),
        SourceRow: ("path", "offset", "line", "pending", "head", "marker", "consumed", "vanished_at"),
        ClosedMonthRow: ("month", "batch", "totals", "reason"),
        ClosedTotalRow: ("month", "series", "quantity", "records"),
        CorrectionRow: (
            "number",
            "kind",
            "booked_month",
            "month",
            "record_id",
            "series",
            "quantity",
            "reason",
            "batch",
        ),
    }
    if ledger.dialect.name == "postgresql":  # keys of what broke off are not given again, and the head binds keys
        names[BatchRow] = tuple(name for name in names[BatchRow] if name != "head")
    found: dict[str, Any] = {}
    for table, columns in names.items():
        found[table.__tablename__] = [tuple(getattr(row, name) for name in columns) for row in rows(ledger, table)]
    return found | {"totals": totals(ledger)}


def check_arithmetic(ledger: Engine) -> None:
    """Totals are those of the records, and the heads those of the batches."""
    assert totals(ledger) == recount(ledger)
    assert heads(ledger) == [row.head for row in rows(ledger, BatchRow)]
