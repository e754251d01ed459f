"""Rows that may change: whoever edits, deletes or puts in one outside of azlic is found, and the row is named."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, delete, insert

from licensing.db.changes import BOOKED
from licensing.db.database import writing
from tests.usage.ledgers import new_ledger, open_fast
from usage.auditing.booked import KEYS
from usage.auditing.faults import AuditCheck
from usage.auditing.run import Audit, audit
from usage.auditing.table_classes import TABLES, TableClass
from usage.ledger.tables.records import PlanMeterRow, PlanRuleRow

A_VALUE: dict[type, object] = {int: 1, str: "1", bytes: b"1", bool: True}
OTHER = {"integer": 7, "text": "seven", "blob": b"7"}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A row in every booked table, written as azlic writes."""
    engine = open_fast(new_ledger(tmp_path_factory.mktemp("booked") / "azlic.db"))
    with writing(engine) as connection:
        (found := MetaData()).reflect(connection)
        for table in found.sorted_tables:
            if table.name == "source" or table.name in BOOKED:
                row = {c.name: A_VALUE[c.type.python_type] for c in table.columns}
                fit = {name: value for name, value in {"kind": "record", "month": 202603}.items() if name in row}
                connection.execute(insert(table).values(row | fit))
    yield engine
    engine.dispose()


def after(ledger: Engine, *statements: tuple[str, tuple[object, ...]]) -> Audit:
    """The audit after an editor's statements; they are undone then."""
    path = Path(str(ledger.url.database))
    kept = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, table in connection.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"):
            if table in BOOKED:
                connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(*statement)
    ledger.dispose()
    try:
        return audit(ledger)
    finally:
        ledger.dispose()
        path.write_bytes(kept)


def told(found: Audit) -> list[str]:
    return [str(fault) for fault in found.faults if fault.check is AuditCheck.BOOKED]


def columns(ledger: Engine, table: str) -> list[str]:
    with closing(sqlite3.connect(str(ledger.url.database))) as connection:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_untouched_it_is_sound_and_bound_from_its_first_batch(ledger: Engine) -> None:
    found = audit(ledger)
    assert found.sound and (found.batches, found.bound_from) == (1, 1), found


def test_the_tables_that_are_booked_are_those_that_are_audited_and_said_to_be_bound() -> None:
    assert set(BOOKED) == set(KEYS)
    assert {TABLES[name].of for name in BOOKED} == {TableClass.BOUND}


@pytest.mark.parametrize("table", BOOKED)
def test_each_column_is_bound_with_its_type_and_each_row_by_its_key(ledger: Engine, table: str) -> None:
    name = table.replace("_", " ")
    for column in columns(ledger, table):
        with closing(sqlite3.connect(str(ledger.url.database))) as connection:
            (kind,) = connection.execute(f'SELECT typeof("{column}") FROM {table}').fetchone()  # noqa: S608
        found = told(after(ledger, (f'UPDATE {table} SET "{column}" = ?', (OTHER[kind],))))  # noqa: S608
        moved = "no batch booked it" if column in KEYS[table] else f"{column} is "
        assert found and found[0].startswith(f"{name} ") and moved in found[0], (column, found)
    deleted = told(after(ledger, (f"DELETE FROM {table}", ())))  # noqa: S608
    assert len(deleted) == 1 and deleted[0].startswith(f"{name} ") and "it is gone, and batch 1 booked it" in deleted[0]


@pytest.mark.parametrize("table", BOOKED)
def test_a_text_that_became_bytes_is_found(ledger: Engine, table: str) -> None:
    with closing(sqlite3.connect(str(ledger.url.database))) as connection:
        texts = [
            name
            for name in columns(ledger, table)
            if connection.execute(f'SELECT typeof("{name}") FROM {table}').fetchone() == ("text",)  # noqa: S608
        ]
    for column in texts[:1]:
        assert told(after(ledger, (f'UPDATE {table} SET "{column}" = CAST("{column}" AS BLOB)', ())))  # noqa: S608


def test_an_entry_that_was_changed_taken_out_or_put_in_is_found(ledger: Engine) -> None:
    guards = [(f"DROP TRIGGER entry_no_{verb}", ()) for verb in ("update", "delete")]
    for edit in (
        "UPDATE entry SET image = replace(image, '1', '2') WHERE number = 3",
        "DELETE FROM entry WHERE number = 3",
        "DELETE FROM entry WHERE number = (SELECT max(number) FROM entry)",
        "INSERT INTO entry SELECT number + 100, batch, table_name, row_key, image FROM entry WHERE number = 3",
        "INSERT INTO entry SELECT number + 100, batch + 1, table_name, row_key, image FROM entry WHERE number = 3",
        "UPDATE entry SET row_key = CAST(row_key AS BLOB) WHERE number = 3",
    ):
        assert {AuditCheck.BOOKED, AuditCheck.OUTSIDE} & set(after(ledger, *guards, (edit, ())).counts), edit


def test_source_and_time_of_a_batch_are_bound(ledger: Engine) -> None:
    guards = [("DROP TRIGGER batch_no_update", ())]
    for edit in ("source = source + 1", "taken_at = taken_at + 1", "entries = NULL", "entries = rows"):
        assert after(ledger, *guards, (f"UPDATE batch SET {edit}", ())).counts[AuditCheck.HEADS], edit  # noqa: S608


def test_what_the_writer_takes_back_leaves_no_entry_and_what_it_takes_out_does(ledger: Engine) -> None:
    path = Path(str(ledger.url.database))
    kept = path.read_bytes()
    with writing(ledger) as connection:
        connection.exec_driver_sql("SELECT 1")
    assert audit(ledger).batches == 1, "nothing was changed"
    with writing(ledger) as connection:
        connection.execute(delete(PlanMeterRow))
        connection.execute(delete(PlanRuleRow).where(PlanRuleRow.key == 99))
    found = audit(ledger)
    assert found.sound and found.batches == 2
    ledger.dispose()
    path.write_bytes(kept)
