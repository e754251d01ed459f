"""A ledger with something in every table, and every edit of one value, row or object that its database lets happen."""

import gzip
import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, insert, select
from sqlalchemy.pool import StaticPool

from licensing.db.column_values import rule_of
from licensing.db.database import open_ledger, writing
from licensing.db.schema import Table
from licensing.history.tables import WitnessStrikeRow
from tests.usage.attacks import Attack
from tests.usage.ledgers import open_fast
from usage.auditing.table_classes import TABLES
from usage.closing.close import close_month
from usage.intake.findings import settle
from usage.ledger.checkpoints import Checkpoint, take_checkpoint
from usage.ledger.corrections import correct
from usage.ledger.tables.alerts import FailedAuditRow, ToldAlertRow
from usage.ledger.tables.handover import ExportRow
from usage.ledger.tables.records import PlanRenewalRow, PlanRuleRow, ReadingRoundingRow
from usage.months import Month

VECTORS = Path(__file__).parent.parent / "vectors"
NOW = datetime(2026, 4, 2, 8, tzinfo=UTC)
RECORD = "019bb71e-aec0-7000-8000-000000000004"
_ALWAYS_UNFIT = ("as text", "as bytes", "as a fraction", "bytes as text")
_AGAINST_A_RULE = ("out of range", "out of range below", "an unknown word", "as a number")
UNFIT = (*_ALWAYS_UNFIT, *_AGAINST_A_RULE)
_ROWS: dict[type[Table], dict[str, Any]] = {
    PlanRuleRow: {"plan": 1, "scope": "site", "value": "-", "stands": True, "entered_at": NOW, "entered_by": "root"},
    PlanRenewalRow: {
        **{"plan": 1, "effective_at": NOW, "auto_renew": True, "tier": "T2", "count": 2, "quota": 5},
        **{"ends_at": datetime(2028, 1, 1, tzinfo=UTC), "entered_at": NOW, "entered_by": "root"},
    },
    ReadingRoundingRow: {
        **{"source": 1, "after_reading": 1, "rounds": True, "reason": "doubles"},
        **{"stated_at": NOW, "stated_by": "root"},
    },
    WitnessStrikeRow: {
        **{"kind": "record", "instant": 1, "source": "x", "struck_at": 2, "struck_by": "root", "reason": "wrong"},
    },
    FailedAuditRow: {"failed_at": NOW, "checks": "3", "detail": "batch 3", "passed_at": NOW},
    ToldAlertRow: {"alert": "gap", "channel": "pager", "severity": 2, "since": NOW, "ended_at": NOW, "attempts": 1},
}


def rich_ledger(path: Path) -> tuple[Checkpoint, ...]:
    """A ledger that an earlier version began and this one went on with; what was kept elsewhere of it.

    It has closed months, late use, corrections, readings, a quarantine, settled findings, plans with all that may
    happen to them, exports with an acknowledgement, a site that hands over to it, accepted licenses and alerts.
    """
    older_ledger(path)
    engine = open_fast(path)
    try:
        return go_on(engine)
    finally:
        engine.dispose()


def older_ledger(path: Path) -> None:
    """The ledger as the earlier version left it, brought up to date."""
    path.write_bytes(gzip.decompress((VECTORS / "ledger-0003.db.gz").read_bytes()))
    open_ledger(str(path), upgrade=True).dispose()


def go_on(engine: Engine) -> tuple[Checkpoint, ...]:
    """What this version did with it; and what was kept elsewhere then."""
    with writing(engine) as connection:
        for table, values in _ROWS.items():
            connection.execute(insert(table), values)
    settle(engine, [1], reason="looked into", now=NOW)
    close_month(engine, Month.parse("2026-02"), now=NOW, accept="known")
    correct(engine, RECORD, 3_000_000, reason="three pages", now=NOW)
    with writing(engine) as connection:
        kept = take_checkpoint(connection, site="hall-7", now=NOW)
        exported = connection.execute(select(ExportRow.last_batch, ExportRow.head)).all()
    return (kept, *(Checkpoint(kept.origin, size, head) for size, head in exported))


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody changes: in which table, in words, and by which statements."""

    table: str
    what: str
    statements: tuple[str, ...]
    is_unfit: bool = False
    """Whether the value cannot belong in its column, whatever stood there."""

    def __str__(self) -> str:
        return f"{self.table}: {self.what}"


class Unchanged(Exception):
    """An edit that changes nothing: the value was there."""


class Copies:
    """A ledger in memory that is edited, by somebody who takes its guards away and puts them back, and audited."""

    def __init__(self, path: Path) -> None:
        self._open_copy(path.read_bytes())
        self.edits = list(_edits(self._connection))
        self._guards = self._connection.execute("SELECT * FROM sqlite_master WHERE type = 'trigger'").fetchall()
        self._rewrite_schema([("DELETE FROM sqlite_master WHERE type = 'trigger'", ())])
        self._unguarded = self._connection.serialize()

    def _open_copy(self, content: bytes) -> None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.deserialize(content)
        self._connection = connection
        self.engine: Engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)

    def edit(self, edit: Edit | None, *more: Attack) -> None:
        """Make the ledger what it is after one edit, and more. Raises ``sqlite3.Error`` where that is refused."""
        self.close()
        self._open_copy(self._unguarded)
        statements = edit.statements if edit else ()
        on_schema = [(statement, ()) for statement in statements if "sqlite_master" in statement]
        for statement in () if on_schema else statements:
            if self._connection.execute(statement).rowcount == 0:
                raise Unchanged
        for attack in more:
            attack(self._connection)
        guards = [("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", guard) for guard in self._guards]
        self._rewrite_schema([*guards, *on_schema])

    def _rewrite_schema(self, statements: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        self._connection.execute("PRAGMA writable_schema=ON")
        for statement, values in statements:
            self._connection.execute(statement, values)
        self._connection.execute("PRAGMA writable_schema=RESET")

    def content(self) -> bytes:
        """The edited ledger, as a file has it."""
        return self._connection.serialize()

    def dump(self) -> list[str]:
        """Everything that the edited ledger holds, wherever it lies in its file."""
        return list(self._connection.iterdump())

    def close(self) -> None:
        self.engine.dispose()
        self._connection.close()


def _edits(connection: sqlite3.Connection) -> Iterator[Edit]:
    for table in TABLES:
        yield from _edits_of_rows(connection, table)
    yield from _edits_of_objects(connection)


def _edits_of_rows(connection: sqlite3.Connection, table: str) -> Iterator[Edit]:
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    found = [row for (row,) in connection.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]  # noqa: S608
    rows = sorted({found[0], found[len(found) // 2], found[-1]}) if found else []
    for row in rows:
        where = f"WHERE rowid = {row}"
        yield Edit(table, f"row {row} deleted", (f"DELETE FROM {table} {where}",))  # noqa: S608
        for _, name, kind, _, _, _ in columns:
            for what, value in _values(f'"{name}"', kind):
                change = f'UPDATE {table} SET "{name}" = {value} {where} AND "{name}" IS NOT {value}'  # noqa: S608
                is_unfit = what in _ALWAYS_UNFIT or (what in _AGAINST_A_RULE and rule_of(table, name, kind) is not None)
                yield Edit(table, f"{name} of row {row} {what}", (change,), is_unfit)
        yield from _moved(connection, table, row, columns)
    for one, other in pairwise(rows):
        for _, name, _, _, _, key in columns:
            values = [
                connection.execute(f'SELECT quote("{name}") FROM {table} WHERE rowid = {row}').fetchone()[0]  # noqa: S608
                for row in (one, other)
            ]
            if values[0] != values[1] and not key:
                swap = (
                    f'UPDATE {table} SET "{name}" = {values[1]} WHERE rowid = {one}',  # noqa: S608
                    f'UPDATE {table} SET "{name}" = {values[0]} WHERE rowid = {other}',  # noqa: S608
                )
                yield Edit(table, f"{name} of rows {one} and {other} swapped", swap)
    if len(found) > 1:
        yield Edit(table, "all rows deleted", (f"DELETE FROM {table}",))  # noqa: S608
    names = ", ".join(f'"{name}"' for _, name, *_ in columns)
    made_up = ", ".join(_made_up(kind) for _, _, kind, *_ in columns)
    yield Edit(table, "a row made up", (f"INSERT INTO {table} ({names}) VALUES ({made_up})",))  # noqa: S608
    for row in rows:
        fresh = ", ".join(
            _values(f'"{name}"', kind)[0][1] if key else f'"{name}"' for _, name, kind, _, _, key in columns
        )
        copy = f"INSERT INTO {table} ({names}) SELECT {fresh} FROM {table} WHERE rowid = {row}"  # noqa: S608
        yield Edit(table, f"row {row} copied", (copy,))


def _values(name: str, kind: str) -> list[tuple[str, str]]:
    """What may stand in a column instead, as SQL, with words for it."""
    if kind == "BOOLEAN":
        return [("turned", f"1 - {name}"), ("as text", "'yes'"), ("gone", "NULL"), ("as a number", "2")]
    far = [("out of range", "9223372036854775807"), ("out of range below", "-9223372036854775807")]
    if kind in ("INTEGER", "BIGINT"):
        changed = [
            ("raised", f"coalesce({name}, 0) + 1"),
            ("raised much", f"coalesce({name}, 0) + 86400000"),
            ("zeroed", "0"),
        ]
        return [
            *changed,
            ("as text", "'much'"),
            ("as bytes", "x'00'"),
            ("as a fraction", "0.5"),
            ("gone", "NULL"),
            *far,
        ]
    if kind == "BLOB":
        return [
            ("changed", f"CAST(coalesce({name}, x'') || 'x' AS BLOB)"),
            ("zeroed", f"zeroblob(length({name}))"),
            *(("as text", "'x'"), ("gone", "NULL")),
        ]
    return [
        ("changed", f"coalesce({name}, '') || 'x'"),
        ("emptied", "''"),
        ("an unknown word", "'zzz'"),
        ("bytes as text", "CAST(x'ff41' AS TEXT)"),
        ("as bytes", f"CAST({name} AS BLOB)"),
        ("gone", "NULL"),
    ]


def _moved(connection: sqlite3.Connection, table: str, row: int, columns: Sequence[Any]) -> Iterator[Edit]:
    for _, _, parent, name, to, *_ in connection.execute(f"PRAGMA foreign_key_list({table})").fetchall():
        other = connection.execute(
            f'SELECT quote(max("{to}")) FROM {parent}'  # noqa: S608
            f' WHERE "{to}" IS NOT (SELECT "{name}" FROM {table} WHERE rowid = {row})'
        ).fetchone()[0]
        if other != "NULL":
            move = f'UPDATE {table} SET "{name}" = {other} WHERE rowid = {row}'  # noqa: S608
            yield Edit(table, f"{name} of row {row} refers to another {parent}", (move,))


def _made_up(kind: str) -> str:
    return {"BLOB": "x'00'", "VARCHAR": "'made up'", "VARCHAR(32)": "'0000'"}.get(kind, "999")


def _edits_of_objects(connection: sqlite3.Connection) -> Iterator[Edit]:
    swallow = "BEGIN SELECT RAISE(IGNORE); END"
    for kind, name, table, sql in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall():
        if kind == "trigger":
            yield Edit(table, f"trigger {name} dropped", (f"DELETE FROM sqlite_master WHERE name = '{name}'",))  # noqa: S608
            conditional = (
                sql.replace(" BEGIN", " WHEN 0 BEGIN") if " WHEN " not in sql else sql.replace(" WHEN ", " WHEN 0 AND ")
            )
            text = conditional.replace("'", "''")
            made = f"UPDATE sqlite_master SET sql = '{text}' WHERE name = '{name}'"  # noqa: S608
            yield Edit(table, f"trigger {name} made conditional", (made,))
        elif kind == "index" and sql:
            yield Edit(table, f"index {name} dropped", (f"DROP INDEX {name}",))
            yield Edit(table, f"index {name} made partial", (f"DROP INDEX {name}", f"{sql} WHERE 0"))
        elif kind == "table":
            column = connection.execute(f"PRAGMA table_info({table})").fetchone()[1]
            yield Edit(table, "a column added", (f"ALTER TABLE {table} ADD COLUMN note TEXT",))
            yield Edit(table, "an index added", (f'CREATE INDEX extra ON {table} ("{column}")',))
            yield Edit(
                table, "an index of an expression added", (f'CREATE INDEX extra ON {table} (length("{column}"))',)
            )
            yield Edit(table, "rows swallowed", (f"CREATE TRIGGER extra BEFORE INSERT ON {table} {swallow}",))
            yield Edit(
                table,
                "a view in its place",
                (f"ALTER TABLE {table} RENAME TO hidden", f"CREATE VIEW {table} AS SELECT * FROM hidden"),  # noqa: S608
            )
            yield Edit(table, "dropped", (f"DROP TABLE {table}",))
    yield Edit("another", "a table added", ("CREATE TABLE another (x)",))
    yield Edit("another", "a view added", ("CREATE VIEW another AS SELECT 1",))


def some_of(edits: Sequence[Edit], number: int) -> list[Edit]:
    """The same edits each time, of all kinds."""
    return random.Random(13).sample(list(edits), number)
