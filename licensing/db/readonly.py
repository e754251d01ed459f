"""Reading the database without loading SQLAlchemy where it is a file: `verify` and `check` start often (docs/adr/0007).

Queries are plain SELECTs in words that SQLite and PostgreSQL share. A file is read by the standard library's
``sqlite3``, a URL through SQLAlchemy; ``view_of`` gives whoever has a SQLAlchemy connection the same queries.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import migrations
from licensing.core.errors import AzlicError
from licensing.db.sqlite_journal import take_back, unfinished_write
from licensing.db.sqlite_types import DAMAGED, UNEXPECTED, held_to, is_damage, stated_types
from licensing.db.store_kind import STATED_KIND, TABLES, StoreKind, check_kind

if TYPE_CHECKING:
    from sqlalchemy import Connection

_Made = TypeVar("_Made")

_HINT = "run as a user who may read the ledger, or name it with --database"


class ReadOnlyConnection:
    """One view of a database, in which SELECTs are run and nothing else."""

    def __init__(self, run: Callable[[str], Iterable[Sequence[object]]], dialect: str) -> None:
        self._run = run
        self._dialect = dialect

    def select(self, make: Callable[..., _Made], query: str) -> list[_Made]:
        """What a SELECT finds: of each row what ``make`` makes of its columns, which are of the types that it states.

        Raises ``TypeError`` where SQLite, which keeps any value anywhere, gives one of another type.
        """
        rows = self._run(query)
        return list(starmap(make, held_to(stated_types(make), rows) if self._dialect == "sqlite" else rows))

    def fitting(self, table: str) -> str:
        """A table for a FROM, without the rows in which somebody put a value that does not belong there.

        For tables that may be lost at little cost: what somebody made of such a row does not keep all others from use.
        """
        if self._dialect != "sqlite":
            from licensing.db.postgresql_misfits import fitting  # noqa: PLC0415 - where a server is asked

            return fitting(self._run, table)
        from licensing.db.sqlite_misfits import rows_that_misfit  # noqa: PLC0415 - not needed by `azlic verify`

        rows = rows_that_misfit(self._run, table)
        left_out = ", ".join(map(str, rows))
        return f"(SELECT * FROM {table} WHERE rowid NOT IN ({left_out})) AS {table}" if rows else table  # noqa: S608

    def select_fitting(self, make: Callable[..., _Made], columns: str, table: str) -> list[_Made]:
        """The same of a table, but for rows that ``make`` cannot take: they are looked for only where it fails."""
        try:
            return self.select(make, f"SELECT {columns} FROM {table}")  # noqa: S608 - names of ours
        except (*UNEXPECTED, sqlite3.OperationalError):
            return self.select(make, f"SELECT {columns} FROM {self.fitting(table)}")  # noqa: S608

    def tables(self) -> frozenset[str]:
        """The tables that are there: an older schema has not all of them."""
        return frozenset(self.select(str, TABLES[self._dialect]))


def view_of(connection: "Connection") -> ReadOnlyConnection:
    """The reading half of an open connection, within its transaction."""
    if connection.dialect.name != "sqlite":
        return ReadOnlyConnection(connection.exec_driver_sql, connection.dialect.name)

    def run(query: str) -> Iterable[Sequence[object]]:
        """The driver's own rows: what they are made of is held to its types here, and nothing has to be added to it."""
        cursor = connection.exec_driver_sql(query).cursor
        return cast("Iterable[Sequence[object]]", cursor)

    return ReadOnlyConnection(run, "sqlite")


@contextlib.contextmanager
def readonly_connection(database: str, *, any_schema: bool = False) -> Iterator[ReadOnlyConnection | None]:
    """One consistent view of the ledger at a path or URL, read-only; None where there is no ledger yet.

    Raises ``AzlicError`` when it cannot be read, is an issuer's store or, unless ``any_schema`` will do, has another
    schema than this version.
    """
    if "://" in database:
        with _by_url(database, any_schema=any_schema) as connection:
            yield connection
        return
    path = Path(database).absolute()
    try:
        if not path.exists():
            yield None
            return
        take_back(path)
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2)) as file:
            file.isolation_level = None
            file.execute("BEGIN")
            found = ReadOnlyConnection(file.execute, "sqlite")
            if not any_schema:
                _check_schema(path, found)
            _check_ledger(found, str(path))
            yield found
    except (sqlite3.Error, OSError) as error:
        if (unfinished := unfinished_write(path, error)) is not None:
            raise unfinished from error
        if is_damage(error):
            damaged = AzlicError(f"the ledger {path} is damaged: {error}", hint=DAMAGED)
            raise _misfit_error(path) or damaged from error
        raise AzlicError(f"the ledger {path} cannot be read by user {os.geteuid()}: {error}", hint=_HINT) from error
    except UNEXPECTED as error:
        if (told := _misfit_error(path)) is not None:
            raise told from error
        raise


def _misfit_error(path: Path) -> AzlicError | None:
    from licensing.db.sqlite_misfits import misfit_error  # noqa: PLC0415 - where something was found

    return misfit_error(str(path))


@contextlib.contextmanager
def _by_url(database: str, *, any_schema: bool) -> Iterator[ReadOnlyConnection]:
    from licensing.db.database import connect, open_ledger, place, reading  # noqa: PLC0415 - slow to import

    engine = connect(database) if any_schema else open_ledger(database)
    try:
        with reading(engine) as connection:
            found = view_of(connection)
            _check_ledger(found, place(engine))
            yield found
    finally:
        engine.dispose()


def _check_ledger(connection: ReadOnlyConnection, where: str) -> None:
    if "store" in connection.tables():  # an older schema does not say
        check_kind(connection.select(str, STATED_KIND), StoreKind.SITE, where)


def _check_schema(path: Path, connection: ReadOnlyConnection) -> None:
    from licensing.db.revision import check_revision  # noqa: PLC0415 - not needed by `azlic verify`

    tables = connection.tables()
    found = connection.select(str, "SELECT version_num FROM alembic_version") if "alembic_version" in tables else []
    if found != [migrations.HEAD]:
        check_revision(found[0] if found else None, str(path), tables)
