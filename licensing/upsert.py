"""Inserting what may be there already, in the words of each database."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from licensing.database import Table

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def upsert(connection: Connection, table: type[Table]) -> Any:
    """An INSERT of the connection's dialect, which knows ``ON CONFLICT``."""
    return _INSERTS[connection.dialect.name](table)


def insert_once(connection: Connection, table: type[Table], values: dict[str, Any]) -> bool:
    """Insert a row unless an equal one is there; whether it was inserted."""
    statement = upsert(connection, table).values(values).on_conflict_do_nothing()
    return bool(connection.execute(statement).rowcount)
