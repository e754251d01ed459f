"""The rows that an audit reads: as they are stored, without trusting any of them to be of its type."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from usage.ledger.canonical import Labels

MOST_RECORDS = 1 << 20
"""No batch holds as many; a number of records beyond that is not believed, and not read into memory."""

_BATCH = (
    '"sequence", "file", "start", "stop", "consumed", "first_record", "records", "rows", "head", "source", "taken_at",'
    ' "entries"'
)
_BATCH_TYPES = (int, str, int, int, bytes, int, int, bytes, bytes, int, int)
_RECORD = '"number", "id", "series", "quantity", "requested_at", "sequence", "extra"'
_LABELS = '"container_id", "meter", "container_version", "container_type", "api_type", "site"'
_CORRECTION = '"number", "kind", "booked_month", "month", "record_id", "series", "quantity", "reason", "booked_at"'


class Unreadable(Exception):
    """Rows that the database cannot give: it is damaged."""


def fetch(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query, raw: the database's own values in tuples, at its own speed. Raises ``Unreadable``."""
    driver: Any = connection.dialect.loaded_dbapi
    try:
        cursor: Any = connection.exec_driver_sql(query).cursor
        found = cursor.fetchall()
    except DBAPIError as error:
        raise Unreadable(str(error.orig).splitlines()[0]) from error
    except driver.Error as error:
        raise Unreadable(str(error).splitlines()[0]) from error
    return [tuple(row) for row in found] if found and type(found[0]) is not tuple else found


def batches_behind(connection: Connection, sequence: int | None, limit: int) -> list[tuple[Any, ...]]:
    """The next batches, in their order; None begins with the first there is, whatever its number."""
    after = "" if sequence is None else f"WHERE sequence > {sequence:d} "
    return fetch(connection, f"SELECT {_BATCH} FROM batch {after}ORDER BY sequence LIMIT {limit:d}")  # noqa: S608


def has_its_types(batch: tuple[Any, ...]) -> bool:
    """Whether the fields of a batch are of the types they were written as; SQLite keeps any value anywhere."""
    return tuple(map(type, batch[:-1])) == _BATCH_TYPES and type(batch[-1]) in {bytes, type(None)}


def records_between(connection: Connection, first: int, stop: int) -> list[tuple[Any, ...]]:
    """The records from a number up to, not including, another, in their order."""
    stop = min(stop, first + MOST_RECORDS)
    query = f"SELECT {_RECORD} FROM record WHERE number >= {first:d} AND number < {stop:d} ORDER BY number"  # noqa: S608
    return fetch(connection, query)


def series_of(connection: Connection, first: int, last: int) -> dict[int, list[tuple[int, Labels]]]:
    """The series that batches introduced, by batch, in the order of their keys."""
    query = (
        f'SELECT "batch", "key", {_LABELS} FROM series'  # noqa: S608
        f' WHERE "batch" BETWEEN {first:d} AND {last:d} ORDER BY "key"'
    )
    found: dict[int, list[tuple[int, Labels]]] = {}
    for batch, key, *labels in fetch(connection, query):
        found.setdefault(batch, []).append((key, (labels[0], labels[1], labels[2], labels[3], labels[4], labels[5])))
    return found


def corrections_of(connection: Connection, first: int, last: int) -> dict[int, list[tuple[Any, ...]]]:
    """The corrections that batches booked, by batch, in the order of their numbers; the last field is when."""
    query = (
        f'SELECT "batch", {_CORRECTION} FROM correction'  # noqa: S608
        f' WHERE "batch" BETWEEN {first:d} AND {last:d} ORDER BY "number"'
    )
    found: dict[int, list[tuple[Any, ...]]] = {}
    for batch, *fields in fetch(connection, query):
        found.setdefault(batch, []).append(tuple(fields))
    return found
