"""Inserting what may be there already, and much at once, in the words of each database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from licensing.db import postgresql_misfits
from licensing.db.postgresql import copy_into
from licensing.db.schema import Table
from licensing.db.sqlite_misfits import Misfit, misfits_of

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def upsert(connection: Connection, table: type[Table]) -> Any:
    """An INSERT of the connection's dialect, which knows ``ON CONFLICT``."""
    return _INSERTS[connection.dialect.name](table)


def insert_once(connection: Connection, table: type[Table], values: dict[str, Any]) -> bool:
    """Insert a row unless an equal one is there; whether it was inserted."""
    statement = upsert(connection, table).values(values).on_conflict_do_nothing()
    inserted = connection.execute(statement.returning(*table.__table__.primary_key))  # psycopg tells no row count here
    return inserted.first() is not None


def insert_rows(
    connection: Connection, table: type[Table], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert many new rows, the quickest way there is.

    Raises ``IntegrityError`` where one is there already: others may be in then, so it belongs into a savepoint.
    """
    name = table.__tablename__
    if connection.dialect.name == "postgresql":
        statement = copy_into(name, columns)
    else:
        statement = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
    connection.exec_driver_sql(statement, rows)


def forget_misfits(connection: Connection, table: str) -> tuple[Misfit, ...]:
    """Delete the rows of a table in which somebody put a value that does not belong there; returns what was found."""
    if connection.dialect.name != "sqlite":
        return postgresql_misfits.forget(connection.exec_driver_sql, table)
    found = tuple(misfits_of(connection.exec_driver_sql, table, limit=None))
    for rowid in sorted({one.rowid for one in found}):
        connection.exec_driver_sql(f"DELETE FROM {table} WHERE rowid = {rowid:d}")  # noqa: S608 - our own name
    return found
