"""Indexes that say something else than their tables, and values of other types than their columns', are found."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from licensing.core.errors import AzlicError
from licensing.db.database import writing
from tests.site import START, Site
from tests.usage.attacks import attacked, audited, fill, sql
from tests.usage.ledgers import unguarded
from tests.usage.months import Months
from tests.usage.mount import Mount
from usage.auditing.faults import AuditCheck
from usage.auditing.run import audit
from usage.auditing.storage import PAGES_LEFT_OUT
from usage.auditing.table_classes import TABLES


@pytest.fixture
def months(site: Site) -> Months:
    """A ledger whose February is closed, and of which a record was corrected in March."""
    months = Months(Mount(site))
    months.use("february", 420, START - timedelta(days=20))
    months.close("2026-02")
    months.correct("february", "147")
    return months


@pytest.mark.databases("sqlite", "postgresql")
def test_an_index_that_hides_rows_is_found_though_its_table_is_true(months: Months) -> None:
    if months.ledger.dialect.name == "postgresql":
        with writing(months.ledger) as connection:
            poisoned_on_postgresql(connection)
        blind = audit(months.ledger)
        assert blind.left_out == (
            f"{PAGES_LEFT_OUT}: the extension amcheck is not installed, or this role may not use it",
        )
        with writing(months.ledger) as connection:
            connection.exec_driver_sql("CREATE EXTENSION amcheck")
    else:
        poisoned_on_sqlite(months)
    found = audit(months.ledger)
    assert found.counts.keys() == {AuditCheck.PAGES} and not found.left_out
    assert "ix_correction_booked_month" in str(found.faults[0])
    quick = audit(months.ledger, quick=True)
    assert quick.sound and quick.left_out == (PAGES_LEFT_OUT,)


def poisoned_on_sqlite(months: Months) -> None:
    """The index has the corrections in another month: by it nothing was booked in March."""
    with unguarded(months.ledger) as connection:
        index = "type = 'index' AND name = 'ix_correction_booked_month'"
        connection.exec_driver_sql("UPDATE correction SET booked_month = 209901")
        kept = connection.exec_driver_sql(f"SELECT * FROM sqlite_master WHERE {index}").one()  # noqa: S608
        connection.exec_driver_sql("PRAGMA writable_schema=ON")
        connection.exec_driver_sql(f"DELETE FROM sqlite_master WHERE {index}")  # noqa: S608
        connection.exec_driver_sql("PRAGMA writable_schema=RESET")
        connection.exec_driver_sql("UPDATE correction SET booked_month = 202603")
        connection.exec_driver_sql("PRAGMA writable_schema=ON")
        connection.exec_driver_sql("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", tuple(kept))
        connection.exec_driver_sql("PRAGMA writable_schema=RESET")
    months.ledger.dispose()


def poisoned_on_postgresql(connection: Connection) -> None:
    """A row that the index was not told of."""
    index = "indexrelid = 'ix_correction_booked_month'::regclass"
    connection.exec_driver_sql("ALTER TABLE correction DISABLE TRIGGER USER")
    connection.exec_driver_sql("CREATE TEMPORARY TABLE kept ON COMMIT DROP AS TABLE correction")
    connection.exec_driver_sql("DELETE FROM correction")
    connection.exec_driver_sql(f"UPDATE pg_index SET indisready = false WHERE {index}")  # noqa: S608
    connection.exec_driver_sql("INSERT INTO correction TABLE kept")
    connection.exec_driver_sql(f"UPDATE pg_index SET indisready = true WHERE {index}")  # noqa: S608
    connection.exec_driver_sql("ALTER TABLE correction ENABLE TRIGGER USER")


def test_a_value_of_another_type_is_named_with_its_row_and_column_in_every_table(months: Months) -> None:
    path = months.site.folder / "azlic.db"
    with closing(sqlite3.connect(path)) as connection:
        filled = [table for table in TABLES if connection.execute(f"SELECT 1 FROM {table}").fetchone()]  # noqa: S608
        columns = {table: list(connection.execute(f"PRAGMA table_info({table})")) for table in filled}
    assert {"record", "batch", "series", "total", "correction", "closed_month", "closed_total", "source"} <= {*filled}
    changes = [
        (table, str(name), "blob" if kind != "BLOB" else "text")
        for table, found in columns.items()
        for _, name, kind, _, _, key in found
        if not (key and kind == "INTEGER")  # SQLite itself refuses another type for its own row number
    ]
    wrong = {"blob": "x'00'", "text": "'x'"}
    for table, name, kind in changes[::4]:
        statement = f'UPDATE {table} SET "{name}" = {wrong[kind]} WHERE rowid = (SELECT max(rowid) FROM {table})'  # noqa: S608
        if (table, name) in (("alembic_version", "version_num"), ("store", "kind")):  # then it is no ledger for anybody
            with pytest.raises(AzlicError):
                audited(attacked(months.mount, sql(statement)))
            continue
        found = audited(attacked(months.mount, sql(statement)))
        named = [str(fault) for fault in found.faults if fault.check is AuditCheck.TYPES]
        assert any(one.startswith(f"table {table}, row ") and f": {name} is {kind}" in one for one in named), statement


def test_rows_that_refer_to_nothing_are_found(mount: Mount) -> None:
    fill(mount, batches=1)
    found = audited(attacked(mount, sql("INSERT INTO gap VALUES ('a', 1, 2, 99, 1, 1)")))
    assert "table gap, row 1: it refers to a row of source that is not there" in map(str, found.faults)
