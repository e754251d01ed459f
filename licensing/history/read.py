"""A site's memory, read: what ``licensing.verdict.seen`` holds, from the ledger.

Read with SQLite's own module where the ledger is a file, since ``azlic verify`` asks it at every start and loading
SQLAlchemy takes longer than all the rest (docs/adr/0002). ``licensing.history.remember`` writes it.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from licensing.core.instants import from_milliseconds
from licensing.verdict.seen import AcceptedLicense, AdoptedLicense, Seen, Witness, WitnessKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

_WITNESSES = "SELECT kind, instant, source FROM witness"
_ACCEPTED = "SELECT license_id, serial, digest FROM accepted_license"
_STATEMENTS = "SELECT issuer, kind, number FROM seen_statement"
_ADOPTED = (
    "SELECT path, digest, size, container_type, image, resource, downloaded_at, expires_at, adopted_at, stated_by"
    " FROM adopted_license"
)
_QUERIES = (_WITNESSES, _ACCEPTED, _STATEMENTS, _ADOPTED)


def read_memory(database: str) -> Seen:
    """What the ledger at a path or URL remembers; one that is not there yet remembers nothing.

    A ledger that is there and cannot be asked is told in ``Seen.unread``; it is never an error. Nothing is written.
    """
    if "://" in database:
        return _read_by_url(database)
    path = Path(database).absolute()
    try:
        if not path.exists():
            return Seen()
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            return _assemble(*(_rows(connection, query) for query in _QUERIES))
    except sqlite3.OperationalError as error:
        return Seen(unread=f"the ledger {path} cannot be read by user {os.geteuid()}: {error}")
    except (sqlite3.Error, OSError) as error:
        return Seen(unread=f"the ledger {path} cannot be read: {error}")


def _rows(connection: sqlite3.Connection, query: str) -> list[Any]:
    """What a query finds; nothing in a ledger whose schema is older than the table."""
    try:
        return connection.execute(query).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise


def _read_by_url(database: str) -> Seen:
    from sqlalchemy import inspect  # noqa: PLC0415 - slow to import, needed for a URL only

    from licensing.core.errors import AzlicError  # noqa: PLC0415
    from licensing.db.database import connect, reading  # noqa: PLC0415

    try:
        engine = connect(database)
        with contextlib.ExitStack() as leaving:
            leaving.callback(engine.dispose)
            connection = leaving.enter_context(reading(engine))
            tables = inspect(connection).get_table_names()
            return _assemble(*(_select(connection, query) if _table(query) in tables else () for query in _QUERIES))
    except AzlicError as error:
        return Seen(unread=error.message)


def read_seen(connection: "Connection") -> Seen:
    """What an open ledger remembers."""
    return _assemble(*(_select(connection, query) for query in _QUERIES))


def _select(connection: "Connection", query: str) -> Iterable[Any]:
    return map(tuple, connection.exec_driver_sql(query))


def _table(query: str) -> str:
    """The table that a query is about, which an older schema may not have."""
    return query.rpartition(" FROM ")[2]


def _assemble(
    witnesses: Iterable[Any], accepted: Iterable[Any], statements: Iterable[Any], adopted: Iterable[Any]
) -> Seen:
    return Seen(
        witnesses=tuple(Witness(WitnessKind(kind), from_milliseconds(at), source) for kind, at, source in witnesses),
        accepted={name: AcceptedLicense(serial, bytes(digest)) for name, serial, digest in accepted},
        statements={(issuer, kind): number for issuer, kind, number in statements},
        adopted={path: _adopted_license(*stated) for path, *stated in adopted},
    )


def _adopted_license(*columns: Any) -> AdoptedLicense:
    digest, size, container_type, image, resource, downloaded_at, expires_at, adopted_at, stated_by = columns
    downloaded = None if downloaded_at is None else from_milliseconds(downloaded_at)
    ends, adopted = from_milliseconds(expires_at), from_milliseconds(adopted_at)
    return AdoptedLicense(bytes(digest), size, container_type, image, resource, downloaded, ends, adopted, stated_by)
