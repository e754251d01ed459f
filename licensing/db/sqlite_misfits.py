"""Values in SQLite that do not belong in their column: what they are, where, and what belongs there instead.

A query is run by whoever has a connection; only the standard library is needed. Loaded where one is looked for.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from licensing.core.errors import AzlicError
from licensing.core.text import printable
from licensing.db.column_values import ColumnRule, rule_of
from licensing.db.sqlite_types import Run

_TYPES = {"VARCHAR": "text", "TEXT": "text", "BLOB": "blob", "INTEGER": "integer", "BIGINT": "integer"} | {
    "BOOLEAN": "integer"
}
CHANGED = "azlic audit names everything that was changed; azlic restore FILE puts a backup in its place"


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that does not belong in its column: ``row`` is its row's key, ``found`` and ``wanted`` are words."""

    table: str
    rowid: int
    row: str
    column: str
    found: str
    wanted: str

    @property
    def what(self) -> str:
        """What is wrong, within its row."""
        return f"{self.column} is {self.found}, and {self.wanted} belongs there"

    def __str__(self) -> str:
        return f"{self.table}, row {self.row}: {self.what}"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column as SQL: which value of it is of another type, or breaks its rule, or may be no text at all."""

    name: str
    kind: str
    is_needed: bool
    rule: ColumnRule | None

    @property
    def state(self) -> str:
        """An expression that is 0 where a value fits, 1 or 2 where it does not, 3 where its bytes must be looked at."""
        name = _quoted(self.name)
        cases = [f"WHEN typeof({name}) NOT IN ('{self.kind}', '{self.kind if self.is_needed else 'null'}') THEN 1"]
        if self.rule is not None:
            cases.append(f"WHEN {name} IS NOT NULL AND NOT ({self.rule.condition.format(name)}) THEN 2")
        if self.kind == "text":
            cases.append(f"WHEN {name} GLOB '*[^ -~]*' OR length(CAST({name} AS BLOB)) <> length({name}) THEN 3")
        return f"CASE {' '.join(cases)} ELSE 0 END"

    @property
    def shown(self) -> str:
        """An expression for what is told of a value that does not fit."""
        name = _quoted(self.name)
        told = f"WHEN 2 THEN CAST(quote({name}) AS BLOB) WHEN 3 THEN CAST({name} AS BLOB)"
        return f"typeof({name}), CASE {self.state} {told} END"

    def misfit(self, state: object, found: object, content: object) -> tuple[str, str] | None:
        """What is found and what is wanted, of a value in a state; None where it fits."""
        text = content if isinstance(content, bytes) else b""
        if state == 1:
            return str(found), self.kind
        if state == 2 and self.rule is not None:
            return _told(text), self.rule.wanted
        if state == 3 and not _is_utf_8(text):
            return f"{_told(text)}, which is no UTF-8", "text"
        return None


def _column(table: str, name: str, declared: str, *, is_needed: bool) -> _Column:
    kind = declared.partition("(")[0]
    return _Column(name, _TYPES.get(kind, kind), is_needed, rule_of(table, name, kind))


def misfits_of(run: Run, table: str, *, limit: int | None = 20) -> Iterator[Misfit]:
    """The values of a table that do not belong in their columns, as far as they are among the first ``limit``.

    That is values of another type, numbers out of their range, unknown words and text that is no UTF-8. NULL is of
    every type that may be missing. One pass over the table.
    """
    described = tuple(map(tuple, run(f"PRAGMA table_info({_quoted(table)})")))
    if not described or not list(run(f"SELECT 1 FROM {_quoted(table)} LIMIT 1")):  # noqa: S608 - a name, quoted
        return  # there is no such table, or nothing in it
    columns, keys, query = _question(table, described)
    yield from islice(_misfits_in(run(query), table, columns, keys), limit)


@lru_cache(maxsize=256)
def _question(table: str, described: tuple[tuple[object, ...], ...]) -> tuple[tuple[_Column, ...], int, str]:
    """The columns of a table as SQLite describes them, how many of them are its key, and what is asked of its rows."""
    columns = tuple(_column(table, str(name), str(kind), is_needed=bool(full)) for _, name, kind, full, *_ in described)
    keys = [str(name) for _, name, *_, key in described if key] or ["rowid"]
    told = [f"{one.state}, {one.shown}" for one in columns]
    query = (
        f"SELECT rowid, {', '.join(f'CAST(quote({_quoted(key)}) AS BLOB)' for key in keys)}, {', '.join(told)}"  # noqa: S608
        f" FROM {_quoted(table)} WHERE {' OR '.join(f'{one.state} > 0' for one in columns)}"
    )
    return columns, len(keys), query


def _misfits_in(
    rows: Iterable[Sequence[object]], table: str, columns: Sequence[_Column], keys: int
) -> Iterator[Misfit]:
    for rowid, *row in rows:
        place = ", ".join(_told(key) if isinstance(key, bytes) else str(key) for key in row[:keys])
        for number, column in enumerate(columns):
            state, found, content = row[keys + 3 * number : keys + 3 * number + 3]
            if (told := column.misfit(state, found, content)) is not None:
                yield Misfit(table, int(str(rowid)), place[:80], column.name, *told)


def _told(content: bytes) -> str:
    return content[:60].decode(errors="backslashreplace")


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def rows_that_misfit(run: Run, table: str) -> list[int]:
    """SQLite's own numbers of the rows of a table in which a value does not belong."""
    return sorted({one.rowid for one in misfits_of(run, table, limit=None)})


def first_misfit(run: Run) -> Misfit | None:
    """The first value of a database that does not belong in its column."""
    tables = [str(name) for (name,) in run("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return next((misfit for table in tables for misfit in misfits_of(run, table, limit=1)), None)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _first_dangling(run: Run) -> str | None:
    """A row that refers to one that is not there."""
    for table, rowid, parent, *_ in run("PRAGMA foreign_key_check"):
        return f"{table}, row {rowid}: it belongs to a row of {parent} that is not there"
    return None


def misfit_error(path: str) -> AzlicError | None:
    """An error that names the first misfit of the database in a file, to be raised in place of what it led to."""
    try:
        with contextlib.closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as file:
            found = first_misfit(file.execute) or _first_dangling(file.execute)
    except sqlite3.Error:
        return None
    if found is None:
        return None
    return AzlicError(
        f"the database {path} holds a value that no azlic put there: {printable(found)}",
        hint=CHANGED,
    )
