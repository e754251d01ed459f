"""Entries: rows of tables that may change, as the chain binds them; each change is a new entry, the last one counts.

An image is the row as JSON, its columns in the order of their names. Bytes are ``{"hex": ...}``, or from 65 on their
``{"length": ..., "sha256": ...}``; a number that is no integer is ``{"real": ...}``: so that types are bound, too.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Connection, Table, func, insert, select

from licensing.db.changes import Touched, changes_of, read_all
from licensing.history import tables as history
from usage.ledger.canonical import encode, entries_digest
from usage.ledger.tables import alerts, handover, records
from usage.ledger.tables.entries import EntryRow

_BOOKED = {
    row.__tablename__: cast("Table", row.__table__)
    for row in (
        *(records.PlanRow, records.PlanMeterRow, records.PlanChangeRow, records.PlanRuleRow, records.PlanRenewalRow),
        *(records.QuarantineRow, records.FindingRow, records.GapRow),
        *(records.ReadingSourceRow, records.ReadingRow, records.ReadingRoundingRow),
        *(handover.OriginRow, handover.ExportRow, handover.HandingSiteRow, handover.AcceptedExportRow),
        *(history.AcceptedLicenseRow, history.AdoptedLicenseRow, history.SeenStatementRow),
        *(history.WitnessStrikeRow, history.ClockResetRow, alerts.FailedAuditRow),
    )
}
_LONGEST = 64
_ENTRIES_AT_ONCE = 1000
_KEYS_A_QUERY = 500


def image_of(row: dict[str, Any]) -> str:
    """A row as it is bound."""
    return encode({name: _bound(row[name]) for name in sorted(row)}).decode()


def book_touched(connection: Connection, batch: int) -> bytes:
    """Book what this transaction has touched and not yet booked, with a batch; gives the entries' digest."""
    changes = changes_of(connection)
    touched = changes.drain(connection) if changes else ()
    return _book(connection, batch, _changed(connection, touched))


def book_all(connection: Connection, batch: int) -> bytes:
    """Book every row there is, with the batch from which on the chain binds them; gives the entries' digest."""
    if changes := changes_of(connection):
        for _ in changes.drain(connection):
            pass
    rows = read_all(connection, _BOOKED)
    return _book(connection, batch, ((name, _text(key), image_of(row or {})) for name, key, row in rows))


def _changed(connection: Connection, touched: Iterable[Touched]) -> Iterator[tuple[str, str, str | None]]:
    """What is not as it was booked last."""
    for table, rows in groupby(touched, key=itemgetter(0)):
        images = {_text(key): None if row is None else image_of(row) for _, key, row in rows}
        booked = _last_images(connection, table, list(images))
        yield from ((table, key, image) for key, image in images.items() if image != booked.get(key))


def _last_images(connection: Connection, table: str, keys: Sequence[str]) -> dict[str, str | None]:
    """The last image of each row that was booked before."""
    found: dict[str, str | None] = {}
    query = select(EntryRow.row_key, EntryRow.image).where(EntryRow.table_name == table).order_by(EntryRow.number)
    for start in range(0, len(keys), _KEYS_A_QUERY):
        wanted = keys[start : start + _KEYS_A_QUERY]
        found |= {row.row_key: row.image for row in connection.execute(query.where(EntryRow.row_key.in_(wanted)))}
    return found


def _book(connection: Connection, batch: int, entries: Iterable[tuple[str, str, str | None]]) -> bytes:
    first = None
    booked: list[tuple[int, str, str, str | None]] = []
    for entry in entries:
        if first is None:
            first = 1 + (connection.execute(select(func.max(EntryRow.number))).scalar() or 0)
        booked.append((first + len(booked), *entry))
    columns = ("number", "table_name", "row_key", "image")
    for start in range(0, len(booked), _ENTRIES_AT_ONCE):
        some = booked[start : start + _ENTRIES_AT_ONCE]
        connection.execute(
            insert(EntryRow), [dict(zip(columns, entry, strict=True)) | {"batch": batch} for entry in some]
        )
    return entries_digest(booked)


def _text(key: tuple[Any, ...]) -> str:
    return encode([_bound(value) for value in key]).decode()


def _bound(value: object) -> object:
    if isinstance(value, memoryview):
        value = bytes(value)
    if isinstance(value, bytes):
        if len(value) <= _LONGEST:
            return {"hex": value.hex()}
        return {"length": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    return {"real": repr(value)} if isinstance(value, float) else value
