"""How PostgreSQL is used differently from SQLite: connections, writers, bulk rows, errors.

Two advisory locks replace the file locks used elsewhere: one is held by each writing transaction (as SQLite's
``BEGIN IMMEDIATE``), the other over a series of them (``licensing.db.lock``). Both belong to one
database, not the server.
"""

import os
from collections.abc import Sequence
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

WRITER_KEY = 0x617A6C6964
"""Held by a transaction that writes, schema changes included: "azlid", the number behind ``HOLD_KEY``."""
HOLD_KEY = 0x617A6C6963
"""Held by whoever writes a series of transactions: "azlic"."""

READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""How a transaction reads: one view of the database from its first to its last statement, as in SQLite."""

CONNECTION = {
    "application_name": "azlic",
    "client_encoding": "utf8",
    "connect_timeout": "10",
    # a server whose machine is gone says nothing: it is noticed within a minute or so, not after two hours
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""libpq's settings, unless the URL has others."""

_BUSY = ("55P03", "40001", "40P01")
_HINTS = {
    "08": "start the server again, then run the command again: what was committed is kept",
    "25": "name the primary server: a standby can only be read",
    "42501": "let the role own the database and its tables; one that may only read can report, not write",
    "53": "give the server more room (disk, memory, connections), then run the command again; nothing is half done",
    "57P": "start the server again, then run the command again: what was committed is kept",
}
_NO_CONNECTION = "check that the server runs, and the host, database, role and password; createdb makes a database"


def connect(url: URL) -> Engine:
    """An engine for a database on a server. Nothing is connected yet."""
    if url.drivername != "postgresql+psycopg":
        raise ValueError(url.drivername)
    engine = create_engine(url.set(query=CONNECTION | dict(url.query)), pool_pre_ping=True)
    event.listen(engine, "do_executemany", _copy)
    event.listen(engine, "do_execute", _copy_one)
    return engine


def secrets_of(url: URL) -> list[str]:
    """The passwords that a server may be sent: of the URL, its options and the environment."""
    stated = [
        url.password,
        *(url.query.get(name) for name in ("password", "sslpassword")),
        os.environ.get("PGPASSWORD"),
    ]
    return [str(one) for one in stated if one]


def begin_writing(connection: Connection, wait_seconds: float) -> None:
    """Let no other azlic write until the transaction ends; what others committed before is seen by it."""
    connection.exec_driver_sql(
        f"SET LOCAL lock_timeout = {round(wait_seconds * 1000)}; SELECT pg_advisory_xact_lock({WRITER_KEY})"
    )


def copy_into(table: str, columns: Sequence[str]) -> str:
    """The statement that takes many rows at once; it is executed as an INSERT would be, with the rows.

    Four times as fast as that; it takes all of them or fails.
    """
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN"


def _copy(cursor: Any, statement: str, rows: Sequence[Sequence[Any]], _context: object) -> bool:
    if not statement.startswith("COPY "):
        return False
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
    return True


def _copy_one(cursor: Any, statement: str, row: Sequence[Any], context: object) -> bool:
    return _copy(cursor, statement, [row], context)


def holder(connection: Connection) -> str:
    """Who has the hold, as far as this role may know."""
    found = connection.execute(
        text(
            "SELECT pid, host(client_addr) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND classid = :high AND objid = :low"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        {"high": HOLD_KEY >> 32, "low": HOLD_KEY & 0xFFFFFFFF},
    ).first()
    if found is None:
        return "another process"
    return f"server process {found[0]}" + (f", for {found[1]}" if found[1] else "")


def unfit_encoding(connection: Connection) -> str | None:
    """The encoding of a database that cannot hold every record; None for one that can."""
    encoding = str(connection.exec_driver_sql("SHOW server_encoding").scalar())
    return None if encoding == "UTF8" else encoding


def is_busy(error: BaseException) -> bool:
    """Whether another one had the lock for longer than we wait."""
    return getattr(error, "sqlstate", None) in _BUSY


def hint(error: BaseException) -> str:
    """What to try, after an error of the driver's."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        return _NO_CONNECTION
    known = (words for start, words in _HINTS.items() if state.startswith(start))
    return next(known, "see the server's log; nothing was left half done")
