"""Asking the ledger without loading SQLAlchemy, where it is a file: `azlic check` runs every minute (docs/adr/0007)."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import migrations
from licensing.core.errors import AzlicError

Ask = Callable[[str], list[tuple[Any, ...]]]
"""One SELECT, in words that SQLite and PostgreSQL share, and its rows."""

_HINT = "run as a user who may read the ledger, or name it with --database"


@contextlib.contextmanager
def readonly_connection(database: str) -> Iterator[Ask | None]:
    """One consistent view of the ledger at a path or URL, read-only; None where there is no ledger yet.

    Raises ``AzlicError`` when it cannot be read or has another schema.
    """
    if "://" in database:
        from licensing.db.database import open_database, reading  # noqa: PLC0415 - slow to import, needed for a URL only

        with reading(open_database(database)) as connection:
            yield lambda query: [tuple(row) for row in connection.exec_driver_sql(query)]
        return
    path = Path(database).absolute()
    try:
        if not path.exists():
            yield None
            return
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            connection.isolation_level = None
            connection.execute("BEGIN")
            _check_schema(path, connection)
            yield lambda query: connection.execute(query).fetchall()
    except (sqlite3.Error, OSError) as error:
        raise AzlicError(f"the ledger {path} cannot be read by user {os.geteuid()}: {error}", hint=_HINT) from error


def _check_schema(path: Path, connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
    if found != migrations.HEAD:
        raise AzlicError(
            f"{path} has schema {found}, this version reads {migrations.HEAD}",
            hint="any command that writes, `azlic ingest` for one, brings an older one up to date",
        )
