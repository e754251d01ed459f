"""Rows of tables that may change, held against their entries: each has to stand as it was booked last, or not at all.

A second computation on purpose: rows are read as they are stored and put into the form of an entry here once more.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from licensing.core.text import printable
from usage.auditing.faults import AuditCheck, Faults
from usage.auditing.rows import Unreadable, fetch

KEYS: Mapping[str, tuple[str, ...]] = {
    "plan": ("key",),
    "plan_meter": ("plan", "meter"),
    "plan_change": ("key",),
    "plan_rule": ("key",),
    "plan_renewal": ("key",),
    "quarantine": ("key",),
    "finding": ("key",),
    "gap": ("container_id", "first"),
    "reading_source": ("key",),
    "reading": ("key",),
    "reading_rounding": ("key",),
    "origin": ("name",),
    "export": ("number",),
    "handing_site": ("site",),
    "accepted_export": ("digest",),
    "accepted_license": ("license_id",),
    "adopted_license": ("path",),
    "seen_statement": ("issuer", "kind"),
    "witness_strike": ("key",),
    "clock_reset": ("reset_id",),
    "failed_audit": ("number",),
}
"""The tables that are booked row by row, with their keys."""

_LONGEST = 64
_ROWS_AT_ONCE = 10_000
_encode = msgspec.json.Encoder().encode


class Booked(NamedTuple):
    """The last entry of a row: its number, its batch, and the digest of the image; None where the row was taken out."""

    number: int
    batch: int
    digest: bytes | None


class Entries:
    """The entries that an audit has walked past: how many, from which batch on, and the last one of each row."""

    def __init__(self) -> None:
        self.count = 0
        self.since: int | None = None
        self._last: dict[tuple[str, str], Booked] = {}

    def take(self, entries: list[tuple[Any, ...]], batch: int) -> str | None:
        """Go on behind the entries of a batch; what is wrong with their numbers or types, if anything is."""
        wrong = None
        for number, table, key, image in entries:
            if (type(number), type(table), type(key)) != (int, str, str) or type(image) not in {str, type(None)}:
                wrong = wrong or f"the fields of entry {printable(number)} are not of the types that an entry has"
                continue
            if number != self.count + 1:
                wrong = wrong or f"after entry {self.count} comes entry {number}"
            self.count = number
            digest = None if image is None else hashlib.sha256(image.encode("utf-8", "surrogatepass")).digest()
            self._last[table, key] = Booked(number, batch, digest)
        return wrong

    def check(self, connection: Connection, faults: Faults) -> None:
        """12: each row stands as it was booked last; none stands that was not booked, and none is gone."""
        if self.since is None:
            if count := fetch(connection, "SELECT count(*) FROM entry")[0][0]:
                faults.add(AuditCheck.OUTSIDE, "entries", f"there are {count:,}, and no batch binds any")
            return
        beyond = fetch(connection, f"SELECT count(*) FROM entry WHERE number > {self.count:d} OR number < 1")[0][0]  # noqa: S608
        if beyond:
            faults.add(AuditCheck.OUTSIDE, "entries", f"{beyond:,} of them belong to no batch")
        for table, columns in KEYS.items():
            try:
                for key, row in _rows(connection, table, columns):
                    self._compare(connection, faults, table, key, row)
            except Unreadable as error:
                faults.add(AuditCheck.BOOKED, f"table {table}", f"it cannot be read: {error}")
                self._last = {of: last for of, last in self._last.items() if of[0] != table}
        for (table, key), last in sorted(self._last.items()):
            if last.digest is not None:
                what = f"it is gone, and batch {last.batch} booked it"
                faults.add(AuditCheck.BOOKED, _name(table, key), what)

    def _compare(self, connection: Connection, faults: Faults, table: str, key: str, row: dict[str, Any]) -> None:
        last = self._last.pop((table, key), None)
        if last is not None and last.digest == hashlib.sha256(_encode(row)).digest():
            return
        if last is None:
            what = "no batch booked it"
        elif last.digest is None:
            what = f"it is there, and batch {last.batch} booked that it was taken out"
        else:
            what = _difference(connection, last, row)
        if what:
            faults.add(AuditCheck.BOOKED, _name(table, key), what)


def entries_of(connection: Connection, first: int, last: int) -> dict[int, list[tuple[Any, ...]]]:
    """The entries that batches booked, by batch, in the order of their numbers."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    query = (
        'SELECT "batch", "number", "table_name", "row_key", "image" FROM entry'  # noqa: S608
        f' WHERE "batch" BETWEEN {first:d} AND {last:d} ORDER BY "number"'
    )
    for batch, *fields in fetch(connection, query):
        found.setdefault(batch, []).append(tuple(fields))
    return found


def _rows(connection: Connection, table: str, keys: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row in the form of an entry, with its key."""
    columns = _columns(connection, table)
    if missing := [key for key in keys if key not in columns]:
        raise Unreadable(f"it has no column {missing[0]}")
    order = ", ".join(f'"{key}"' for key in keys)
    names = ", ".join(f'"{name}"' for name in columns)
    start = 0
    while True:
        query = f'SELECT {names} FROM "{table}" ORDER BY {order} LIMIT {_ROWS_AT_ONCE} OFFSET {start}'  # noqa: S608
        rows = fetch(connection, query)
        for values in rows:
            row = dict(zip(columns, map(_bound, values), strict=True))
            yield _encode([row[key] for key in keys]).decode(), row
        if len(rows) < _ROWS_AT_ONCE:
            return
        start += _ROWS_AT_ONCE


def _columns(connection: Connection, table: str) -> list[str]:
    """The columns of a table in the order of their names."""
    if connection.dialect.name == "sqlite":
        found = fetch(connection, f"SELECT name FROM pragma_table_info('{table}')")  # noqa: S608 - a name of ours
    else:
        found = fetch(
            connection,
            "SELECT column_name FROM information_schema.columns"  # noqa: S608 - a name of ours
            f" WHERE table_schema = current_schema() AND table_name = '{table}'",
        )
    return sorted(str(name) for (name,) in found)


def _bound(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        value = bytes(value)
        if len(value) > _LONGEST:
            return {"length": len(value), "sha256": hashlib.sha256(value).hexdigest()}
        return {"hex": value.hex()}
    return {"real": repr(value)} if isinstance(value, float) else value


def _difference(connection: Connection, last: Booked, row: dict[str, Any]) -> str:
    """Which columns are not as they were booked; empty where only columns were added since, and hold nothing."""
    image = fetch(connection, f"SELECT image FROM entry WHERE number = {last.number:d}")[0][0]  # noqa: S608
    try:
        booked = msgspec.json.decode(image, type=dict[str, Any])
    except (msgspec.DecodeError, TypeError):
        return f"entry {last.number} is not what batch {last.batch} booked"
    told = [
        f"{name} is {_text(row.get(name))}, and batch {last.batch} booked {_text(booked.get(name))}"
        for name in sorted({*booked, *row})
        if _encode(booked.get(name)) != _encode(row.get(name))
    ]
    return "; ".join(told)


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    shown = f"bytes {value}" if isinstance(value, dict) else repr(value) if isinstance(value, str) else str(value)
    return printable(shown[:200])


def _name(table: str, key: str) -> str:
    return f"{table.replace('_', ' ')} {printable(key[1:-1])}"
