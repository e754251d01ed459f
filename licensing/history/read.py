"""A site's memory, read: what ``licensing.verdict.seen`` holds, from the ledger; without SQLAlchemy where it is a file.

``licensing.history.remember`` writes it.
"""

from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from licensing.core.errors import AzlicError
from licensing.core.instants import from_milliseconds
from licensing.db.names import file_name
from licensing.db.readonly import ReadOnlyConnection, readonly_connection, view_of
from licensing.verdict.seen import AcceptedLicense, AdoptedLicense, Seen, Strike, Witness, WitnessKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

_Made = TypeVar("_Made")


def read_memory(database: str) -> Seen:
    """What the ledger at a path or URL remembers; one that is not there yet remembers nothing.

    A ledger that is there and cannot be asked, or is an issuer's store, is told in ``Seen.unread``; it is never an
    error. Nothing is written.
    """
    try:
        with readonly_connection(database, any_schema=True) as connection:
            return Seen() if connection is None else _read(connection)
    except AzlicError as error:
        return Seen(unread=error.message)


def read_seen(connection: "Connection") -> Seen:
    """What an open ledger remembers."""
    return _read(view_of(connection))


def _read(connection: ReadOnlyConnection) -> Seen:
    tables = connection.tables()

    def rows(table: str, make: Callable[..., _Made], columns: Sequence[str]) -> list[_Made]:
        """The rows of a table; none where the schema is older than it."""
        if table not in tables:
            return []
        named = ", ".join(columns)
        if table == "witness":
            return connection.select_fitting(make, named, table)
        return connection.select(make, f"SELECT {named} FROM {table}")  # noqa: S608 - names of ours

    return Seen(
        witnesses=tuple(rows("witness", _witness, ("kind", "instant", "source"))),
        accepted=dict(rows("accepted_license", _accepted, ("license_id", "serial", "digest"))),
        statements=dict(rows("seen_statement", _statement, ("issuer", "kind", "number"))),
        adopted=dict(map(_adopted, rows("adopted_license", _AdoptedRow, _AdoptedRow._fields))),
        strikes=read_strikes(connection, tables),
    )


def read_strikes(connection: ReadOnlyConnection, tables: Container[str] = ("witness_strike",)) -> tuple[Strike, ...]:
    """The witnesses that the ledger's owner took back, the oldest first."""
    query = "SELECT key, kind, instant, source, struck_at, struck_by, reason FROM witness_strike ORDER BY key"
    return tuple(connection.select(_strike, query)) if "witness_strike" in tables else ()


def _strike(number: int, kind: str, instant: int, source: str, at: int, *who: str) -> Strike:
    by, reason = who
    return Strike(number, _witness(kind, instant, source), from_milliseconds(at), by, reason)


def _witness(kind: str, instant: int, source: str) -> Witness:
    return Witness(WitnessKind(kind), from_milliseconds(instant), source)


def _accepted(license_id: str, serial: int, digest: bytes) -> tuple[str, AcceptedLicense]:
    return license_id, AcceptedLicense(serial, bytes(digest))


def _statement(issuer: str, kind: str, number: int) -> tuple[tuple[str, str], int]:
    return (issuer, kind), number


class _AdoptedRow(NamedTuple):
    path: str
    digest: bytes
    size: int
    container_type: str
    image: str | None
    resource: str | None
    downloaded_at: int | None
    expires_at: int
    adopted_at: int
    stated_by: str


def _adopted(row: _AdoptedRow) -> tuple[str, AdoptedLicense]:
    return file_name(row.path), AdoptedLicense(
        digest=bytes(row.digest),
        size=row.size,
        container_type=row.container_type,
        image=row.image,
        resource=row.resource,
        downloaded_at=None if row.downloaded_at is None else from_milliseconds(row.downloaded_at),
        expires_at=from_milliseconds(row.expires_at),
        adopted_at=from_milliseconds(row.adopted_at),
        stated_by=row.stated_by,
    )
