"""The same ledger on PostgreSQL, edited by its superuser, who can switch every guard off; each edit is taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, insert, select, text

from licensing.db.column_values import rule_of
from licensing.db.database import open_ledger
from licensing.db.schema import Table
from usage.auditing.table_classes import ISSUERS, TABLES

_AS_ADMINISTRATOR = "SET LOCAL session_replication_role = replica"


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody changes in a row of a table."""

    table: str
    what: str
    statements: tuple[str, ...]
    is_unfit: bool = False
    """Whether the value cannot belong in its column, whatever stood there."""


def carry_over(path: Path, to: Engine) -> None:
    """Put the rows of a SQLite ledger into an empty one on a server."""
    source = open_ledger(str(path))
    with source.connect() as old, to.begin() as new:
        new.execute(text(_AS_ADMINISTRATOR))
        for table in Table.metadata.sorted_tables:
            new.execute(table.delete())
            if rows := [dict(row) for row in old.execute(select(table)).mappings()]:
                new.execute(insert(table), rows)
        for table in Table.metadata.sorted_tables:
            if (key := table.autoincrement_column) is not None:
                count = f"pg_get_serial_sequence('{table.name}', '{key.name}'), max(\"{key.name}\")"
                new.exec_driver_sql(f"SELECT setval({count}) FROM {table.name}")  # noqa: S608
    source.dispose()


def changes(engine: Engine) -> Iterator[Change]:
    """What may be changed in the first and the last row of each table, column by column."""
    with engine.connect() as connection:
        for name in TABLES:
            if name in ISSUERS or name == "alembic_version":
                continue
            table = Table.metadata.tables[name]
            if connection.execute(select(sa.literal(1)).select_from(table).limit(1)).first():
                yield from _changes_of(table)


def _changes_of(table: sa.Table) -> Iterator[Change]:
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    places = {
        order: f"ctid = (SELECT ctid FROM {table.name} ORDER BY ({keys}) {order} LIMIT 1)"  # noqa: S608
        for order in ("ASC", "DESC")
    }
    for order, place in places.items():
        row = "first" if order == "ASC" else "last"
        yield Change(table.name, f"{row} row deleted", (f"DELETE FROM {table.name} WHERE {place}",))  # noqa: S608
        for column in table.columns:
            for what, value in _values(column):
                change = f'UPDATE {table.name} SET "{column.name}" = {value} WHERE {place}'  # noqa: S608
                is_unfit = what in _AGAINST_A_RULE and _has_rule(column)
                yield Change(table.name, f"{column.name} of the {row} row {what}", (change,), is_unfit)
        copy = ", ".join(
            _values(column)[0][1] if column.primary_key else f'"{column.name}"' for column in table.columns
        )
        made = f"INSERT INTO {table.name} ({names}) SELECT {copy} FROM {table.name} WHERE {place}"  # noqa: S608
        yield Change(table.name, f"{row} row copied", (made,))


_AGAINST_A_RULE = ("an unknown word", "out of range", "out of range below")


def _has_rule(column: sa.Column[object]) -> bool:
    declared = "VARCHAR" if column.type.python_type is str else "BIGINT"
    rule = rule_of(column.table.name, column.name, declared)
    return rule is not None and bool(rule.on_postgresql)


def _values(column: sa.Column[object]) -> list[tuple[str, str]]:
    name, kind = f'"{column.name}"', column.type
    if isinstance(kind, sa.Boolean):
        values = [("turned", f"NOT {name}")]
    elif isinstance(kind, sa.LargeBinary):
        values = [("changed", f"coalesce({name}, '') || '\\x01'::bytea")]
    elif isinstance(kind, sa.String) or column.type.python_type is str:
        values = [("changed", f"coalesce({name}, '') || 'x'"), ("an unknown word", "'zzz'")]
    else:
        values = [("raised", f"coalesce({name}, 0) + 1"), ("raised much", f"coalesce({name}, 0) + 86400000")]
        values += [("out of range", "9223372036854775807"), ("out of range below", "-9223372036854775807")]
    return values + [("gone", "NULL")] * bool(column.nullable)


@contextmanager
def changed(engine: Engine, change: Change) -> Iterator[bool]:
    """A ledger while something in it is changed; gives whether anything was."""
    table = Table.metadata.tables[change.table]
    with engine.connect() as connection:
        before = [dict(row) for row in connection.execute(select(table)).mappings()]
    try:
        with engine.begin() as connection:
            connection.execute(text(_AS_ADMINISTRATOR))
            for statement in change.statements:
                connection.exec_driver_sql(statement)
    except sa.exc.DBAPIError:
        yield False
        return
    try:
        yield sorted(map(str, _rows(engine, table))) != sorted(map(str, before))
    finally:
        with engine.begin() as connection:
            _put_back(connection, table, before)


def _rows(engine: Engine, table: sa.Table) -> list[dict[str, object]]:
    with engine.connect() as connection:
        try:
            return [dict(row) for row in connection.execute(select(table)).mappings()]
        except (OverflowError, ValueError):  # no instant is so late
            return []


def _put_back(connection: Connection, table: sa.Table, rows: list[dict[str, object]]) -> None:
    connection.execute(text(_AS_ADMINISTRATOR))
    connection.execute(table.delete())
    connection.execute(insert(table), rows)
