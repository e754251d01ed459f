"""Values on PostgreSQL that do not belong in their column: it holds them to their types, but not to range and words.

The rules are those that hold on SQLite. Loaded where a value that does not belong is looked for.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from licensing.core.errors import AzlicError
from licensing.core.text import printable
from licensing.db.column_values import rule_of
from licensing.db.sqlite_misfits import CHANGED, Misfit
from licensing.db.sqlite_types import Run

_DECLARED = {"bigint": "BIGINT", "integer": "INTEGER", "character varying": "VARCHAR"}
_COLUMNS = (
    "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
    " WHERE attrelid = '{}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
_KEYS = (
    "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)"
    " WHERE indrelid = '{}'::regclass AND indisprimary ORDER BY attnum"
)
_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    " AND left(relname, 7) <> 'issuer_' ORDER BY relname"
)


class _Rule(NamedTuple):
    column: str
    condition: str
    wanted: str


def _rules(run: Run, table: str) -> list[_Rule]:
    """What each value of a table's columns has to meet, in SQL."""
    found: list[_Rule] = []
    for name, kind in run(_COLUMNS.format(table)):
        rule = rule_of(table, str(name), _DECLARED.get(str(kind), ""))
        if rule is not None and rule.on_postgresql:
            found.append(_Rule(str(name), rule.on_postgresql.format(f'"{name}"'), rule.wanted))
    return found


def misfits_of(run: Run, table: str, *, limit: int | None = 20) -> Iterator[Misfit]:
    """The values of a table that do not belong in their columns, as far as they are among the first ``limit``."""
    yield from islice(_misfits(run, table, "" if limit is None else f" LIMIT {limit:d}"), limit)


def _misfits(run: Run, table: str, limit: str) -> Iterator[Misfit]:
    keys = ", ".join(f'"{name}"' for (name,) in run(_KEYS.format(table))) or "ctid"
    for rule in _rules(run, table):
        query = f'SELECT "{rule.column}", {keys} FROM {table} WHERE NOT ({rule.condition}) ORDER BY {keys}{limit}'  # noqa: S608
        for value, *key in run(query):
            yield Misfit(table, 0, ", ".join(map(repr, key))[:80], rule.column, repr(value)[:60], rule.wanted)


def fitting(run: Run, table: str) -> str:
    """A table for a FROM, without the rows in which a value does not belong."""
    kept = [f"coalesce({rule.condition}, true)" for rule in _rules(run, table)]
    return f"(SELECT * FROM {table} WHERE {' AND '.join(kept)}) AS {table}" if kept else table  # noqa: S608


def forget(run: Run, table: str) -> tuple[Misfit, ...]:
    """Delete the rows of a table in which a value does not belong; returns what was found."""
    found = tuple(misfits_of(run, table, limit=None))
    if found:
        unfit = " OR ".join(f"NOT ({rule.condition})" for rule in _rules(run, table))
        run(f"DELETE FROM {table} WHERE {unfit}")  # noqa: S608 - words of ours
    return found


def misfit_error(run: Run, where: str) -> AzlicError | None:
    """An error that names the first misfit of a ledger, to be raised in place of what it led to."""
    tables = [str(name) for (name,) in run(_TABLES)]
    found = next((misfit for table in tables for misfit in misfits_of(run, table, limit=1)), None)
    if found is None:
        return None
    return AzlicError(f"the database {where} holds a value that no azlic put there: {printable(found)}", hint=CHANGED)
