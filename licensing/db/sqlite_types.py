"""Values in SQLite that are not of their column's type: it keeps any value anywhere, as no azlic writes it.

A query is run by whoever has a connection; only the standard library is needed.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path
from typing import get_args

from licensing.core.errors import AzlicError
from licensing.core.text import printable

Run = Callable[[str], Iterable[Sequence[object]]]

_TYPES = {"VARCHAR": "text", "TEXT": "text", "BLOB": "blob", "INTEGER": "integer", "BIGINT": "integer"} | {
    "BOOLEAN": "integer"
}
_ROWS_AT_ONCE = 1000


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


def stated_types(make: Callable[..., object]) -> tuple[frozenset[type], ...]:
    """The types that each of a function's or class's arguments may have, by its annotations; a truth value is a number.

    Raises ``TypeError`` for one that does not state them.
    """
    if make in {str, int}:
        return (frozenset({make}),)
    stated = [kind for name, kind in make.__annotations__.items() if name != "return"]
    if not stated:
        raise TypeError(f"{make} does not state the types of what it takes")
    return tuple(frozenset(map(_stored_as, get_args(kind) or [kind])) for kind in stated)


def _stored_as(kind: object) -> type:
    """As what a value of a type, or this very value, is kept: a name of a list as text, a truth value as a number."""
    found = kind if isinstance(kind, type) else type(kind)
    return next((one for one in (str, int, bytes) if issubclass(found, one)), found)


def held_to(wanted: Sequence[frozenset[type]], rows: Iterable[Sequence[object]]) -> Iterator[Sequence[object]]:
    """Rows as they are, while each value is of a type that is wanted of its column; the last counts for what follows.

    Raises ``TypeError`` for another.
    """
    known: set[tuple[type, ...]] = set()
    rows = iter(rows)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        for kinds in {*map(tuple, map(map, repeat(type), some))} - known:
            for kind, types in zip(kinds, chain(wanted, repeat(wanted[-1])), strict=False):
                if kind not in types:
                    raise TypeError(
                        f"{kind.__name__} where {' or '.join(sorted(one.__name__ for one in types))} belongs"
                    )
            known.add(kinds)
        yield from some


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
