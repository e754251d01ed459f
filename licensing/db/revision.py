"""Which schema a database has: this version's, an older one or a newer one."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import migrations
from licensing.core.errors import AzlicError, BadCall
from licensing.core.text import printable
from licensing.db.store_kind import TABLES

if TYPE_CHECKING:
    from sqlalchemy import Connection

_IS_STATED = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'",
    "postgresql": "SELECT count(to_regclass('alembic_version'))",
}
_OLDEST = {"batch", "record", "series"}
"""Tables that every ledger has had since the first version."""


class OlderSchema(BadCall):
    """The database is one of an earlier version, to be brought up to date before this one reads it."""


class NoLedger(AzlicError):
    """The database has nothing of azlic's."""


def contradiction(revision: object, where: str) -> AzlicError:
    """The error for a database whose tables are not those of the revision that it states."""
    stated = "has no row" if revision is None else f"says {printable(str(revision))[:40]}"
    return AzlicError(
        f"{where} is not sound: its table alembic_version {stated}, and its other tables contradict that",
        hint="azlic restore FILE puts a backup in its place; nothing was made or upgraded here",
    )


def _is_contradicted(revision: object, tables: Collection[str]) -> bool:
    if revision is None:
        return "alembic_version" in tables or {*tables} >= _OLDEST
    made_here = {name.removeprefix("table ") for name in migrations.schema_of("sqlite") if name.startswith("table ")}
    return not isinstance(revision, str) or (revision < migrations.ALL_TABLES and made_here <= {*tables})


def stated_revision(connection: "Connection") -> object:
    """The revision that a database says it has; None where it says nothing."""
    if not connection.exec_driver_sql(_IS_STATED[connection.dialect.name]).scalar():
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def tables_of(connection: "Connection") -> frozenset[str]:
    """The names of the tables that are there."""
    return frozenset(connection.exec_driver_sql(TABLES[connection.dialect.name]).scalars())


def check_revision(revision: object, where: str, tables: Collection[str]) -> None:
    """Raise ``OlderSchema`` or another ``AzlicError`` for any schema but this version's, with what to do about it.

    ``tables`` are the names of those that are there: a revision that they contradict is not believed.
    """
    if _is_contradicted(revision, tables):
        raise contradiction(revision, where)
    if not isinstance(revision, str):
        raise NoLedger(
            f"{where} is not an azlic database",
            hint="the first `azlic ingest` creates one in an empty database; or name the right one with --database",
        )
    if revision > migrations.HEAD:
        raise AzlicError(
            f"{where} was written by a newer azlic (schema {revision}, this one supports {migrations.HEAD})",
            hint="install that version or a newer one",
        )
    if revision < migrations.HEAD:
        raise OlderSchema(
            f"{where} has the older schema {revision}",
            hint="any command that writes, such as `azlic ingest`, upgrades it;"
            " `azlic backup FILE` keeps a copy as it is",
        )
