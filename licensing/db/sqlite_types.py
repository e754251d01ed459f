"""Values in SQLite that are not of their column's type: it keeps any value anywhere, as no azlic writes it.

A query is run by whoever has a connection; only the standard library is needed.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from licensing.core.errors import AzlicError
from licensing.core.text import printable

Run = Callable[[str], Iterable[Sequence[object]]]

_TYPES = {"VARCHAR": "text", "TEXT": "text", "BLOB": "blob", "INTEGER": "integer", "BIGINT": "integer"} | {
    "BOOLEAN": "integer"
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that is of another type than its column: ``row`` is its row's key, ``found`` and ``wanted`` are types."""

    table: str
    row: str
    column: str
    found: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.table}, row {self.row}: {self.column} is {self.found}, and {self.wanted} belongs there"


def misfits_of(run: Run, table: str, *, limit: int = 20) -> Iterator[Misfit]:
    """The values of a table that are not of their columns' types, as far as their rows are among the first ``limit``.

    One pass over the table. NULL is of every type that may be missing.
    """
    columns = list(run(f"PRAGMA table_info({_quoted(table)})"))
    wanted = {
        str(name): (_TYPES.get(str(kind).split("(")[0], str(kind)), bool(full)) for _, name, kind, full, *_ in columns
    }
    keys = [str(name) for _, name, *_, key in columns if key] or ["rowid"]
    kinds = {column: f"typeof({_quoted(column)})" for column in wanted}
    wrong = [
        f"{kinds[column]} NOT IN ('{kind}', '{kind if full else 'null'}')" for column, (kind, full) in wanted.items()
    ]
    query = (
        f"SELECT {', '.join(f'quote({_quoted(key)})' for key in keys)}, {', '.join(kinds.values())}"  # noqa: S608
        f" FROM {_quoted(table)} WHERE {' OR '.join(wrong)} LIMIT {limit:d}"
    )
    for row in run(query):
        place = ", ".join(map(str, row[: len(keys)]))
        for (column, (kind, full)), found in zip(wanted.items(), row[len(keys) :], strict=True):
            if found != kind and (full or found != "null"):
                yield Misfit(table, place[:80], column, str(found), kind)


def first_misfit(run: Run) -> Misfit | None:
    """The first value of a database that is not of its column's type."""
    tables = [str(name) for (name,) in run("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return next((misfit for table in tables for misfit in misfits_of(run, table, limit=1)), None)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


UNEXPECTED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a value of another type than is expected may end in."""


def misfit_error(path: str) -> AzlicError | None:
    """An error that names the first misfit of the database in a file, to be raised in place of what it led to."""
    try:
        with contextlib.closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as file:
            found = first_misfit(file.execute)
    except sqlite3.Error:
        return None
    if found is None:
        return None
    return AzlicError(
        f"the database {path} holds a value that no azlic put there: {printable(found)}",
        hint="azlic audit names everything that was changed; azlic restore FILE puts a backup in its place",
    )
