"""What a transaction changes in the tables that are booked: each row that was put in, changed or taken out, by its key.

The chain of the ledger binds these rows (docs/adr/0014), whoever writes them, so this is seen where every transaction
passes, not by each writer. No trigger does it: it would book what an editor changes, too.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from operator import eq
from typing import Any

from sqlalchemy import Column, Connection, and_, event, func, literal_column, or_, select
from sqlalchemy import Table as Described
from sqlalchemy.sql.dml import Delete, Insert, Update, UpdateBase

BOOKED = (
    *("plan", "plan_meter", "plan_change", "plan_rule", "plan_renewal"),
    *("quarantine", "finding", "gap"),
    *("reading_source", "reading", "reading_rounding"),
    *("origin", "export", "handing_site", "accepted_export"),
    *("accepted_license", "adopted_license", "seen_statement", "witness_strike", "clock_reset"),
    "failed_audit",
)
"""The tables whose every change is an entry in the chain of the ledger, in the order in which they are booked."""

_SEALING = "usage.ledger.sealing"
"""Where changes are sealed: by name, for it is a floor above this one."""
_OPTION = "azlic_changes"
_KEYS_A_QUERY = 200

Key = tuple[Any, ...]
"""The primary key of a row, as the database stores it."""
Image = dict[str, Any]
"""A row as the database stores it, by column."""
Touched = tuple[str, Key, Image | None]
"""A row that was touched: its table, its key, and as what it stands now; None where it was taken out."""


class Changes:
    """The rows of booked tables that one transaction touched, until they are booked."""

    def __init__(self) -> None:
        self._behind: dict[Described, int] = {}
        self._inserted: dict[Described, list[Mapping[str, Any]]] = {}
        self._keys: dict[Described, dict[Key, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._behind or self._inserted or self._keys)

    def expect(self, connection: Connection, statement: UpdateBase, values: Sequence[Mapping[str, Any]]) -> None:
        """Note what a statement is about to change: the keys it finds, or from which key on rows will be new."""
        table = statement.table
        if not isinstance(table, Described) or table.name not in BOOKED:
            return
        if isinstance(statement, Update | Delete):
            found = select(*_as_stored(table.primary_key)).select_from(table)
            if statement.whereclause is not None:
                found = found.where(statement.whereclause)
            keys = self._keys.setdefault(table, {})
            for one in values or [{}]:
                keys.update((tuple(key), None) for key in connection.execute(found, dict(one)))
        elif (number := _number_of(table)) is not None and table not in self._behind:
            self._behind[table] = connection.execute(select(func.coalesce(func.max(number), 0))).scalar_one()

    def take(self, statement: UpdateBase, values: Sequence[Mapping[str, Any]]) -> None:
        """Note what was inserted under keys that the statement itself named."""
        table = statement.table
        if isinstance(table, Described) and table.name in BOOKED and _number_of(table) is None:
            self._inserted.setdefault(table, []).extend(values)

    def drain(self, connection: Connection) -> Iterator[Touched]:
        """Each touched row as it stands now, None where it was taken out; a row that is the same as before, too."""
        behind, inserted, touched = self._behind, self._inserted, self._keys
        self._behind, self._inserted, self._keys = {}, {}, {}
        for table in sorted({*behind, *inserted, *touched}, key=lambda table: BOOKED.index(table.name)):
            keys = touched.get(table, {})
            for values in inserted.get(table, ()):
                named = [column == values[column.key] for column in table.primary_key]
                keys.update((tuple(key), None) for key in connection.execute(_keys_of(table).where(*named)))
            if (number := _number_of(table)) is not None and table in behind:
                new = _keys_of(table).where(number > behind[table]).order_by(number)
                keys.update((tuple(key), None) for key in connection.execute(new))
            yield from _images(connection, table, list(keys))


def read_all(connection: Connection, tables: Mapping[str, Described]) -> Iterator[Touched]:
    """Every row of every booked table as it stands."""
    for name in BOOKED:
        table = tables[name]
        columns, keys = (", ".join(f'"{one.name}"' for one in some) for some in (table.columns, table.primary_key))
        query = f"SELECT {columns} FROM {name} ORDER BY {keys}"  # noqa: S608 - our own names; quicker than built
        for row in map(_image, connection.exec_driver_sql(query).mappings()):
            yield name, tuple(row[column.name] for column in table.primary_key), row


def changes_of(connection: Connection) -> Changes | None:
    """What the transaction of ``writing`` has touched; None outside of one."""
    found: Changes | None = connection.get_execution_options().get(_OPTION)
    return found


@contextlib.contextmanager
def booking(connection: Connection) -> Iterator[None]:
    """Watch a transaction, and seal what it touched before it ends."""
    changes = Changes()
    connection.execution_options(**{_OPTION: changes})

    def before(_: Connection, statement: object, many: Any, one: Any, __: object) -> None:
        if isinstance(statement, UpdateBase):
            changes.expect(connection, statement, many or [one])

    def after(_: Connection, statement: object, __: Any, ___: Any, ____: object, result: Any) -> None:
        if isinstance(statement, Insert):
            changes.take(statement, result.context.compiled_parameters)

    event.listen(connection, "before_execute", before)
    event.listen(connection, "after_execute", after)
    yield
    if changes:
        import_module(_SEALING).seal_changes(connection)


def _number_of(table: Described) -> Column[Any] | None:
    """The column by which new rows of a table are told: a number that rises with each."""
    key = list(table.primary_key)
    return key[0] if len(key) == 1 and key[0].name in {"key", "number"} else None


def _as_stored(columns: Any) -> list[Any]:
    """Columns without their types, so that values are as the database has them."""
    return [literal_column(f'{column.table.name}."{column.name}"').label(column.name) for column in columns]


def _keys_of(table: Described) -> Any:
    return select(*_as_stored(table.primary_key)).select_from(table)


def _images(connection: Connection, table: Described, keys: Sequence[Key]) -> Iterator[Touched]:
    names = [str(column.name) for column in table.primary_key]
    stored = [one.element for one in _as_stored(table.primary_key)]
    query = select(*_as_stored(table.columns)).select_from(table)
    for start in range(0, len(keys), _KEYS_A_QUERY):
        wanted = keys[start : start + _KEYS_A_QUERY]
        if len(names) == 1:
            same = stored[0].in_([key[0] for key in wanted])
        else:
            same = or_(*(and_(*map(eq, stored, key)) for key in wanted))
        rows = map(_image, connection.execute(query.where(same)).mappings())
        found = {tuple(row[name] for name in names): row for row in rows}
        for key in wanted:
            yield str(table.name), key, found.get(key)


def _image(row: Mapping[Any, Any]) -> Image:
    return {str(name): value for name, value in row.items()}
