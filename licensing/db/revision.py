"""Which schema a database has: this version's, an older one or a newer one."""

from typing import TYPE_CHECKING

import migrations
from licensing.core.errors import AzlicError, BadCall

if TYPE_CHECKING:
    from sqlalchemy import Connection

_IS_STATED = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'",
    "postgresql": "SELECT count(to_regclass('alembic_version'))",
}


class OlderSchema(BadCall):
    """The database is one of an earlier version, to be brought up to date before this one reads it."""


def stated_revision(connection: "Connection") -> object:
    """The revision that a database says it has; None where it says nothing."""
    if not connection.exec_driver_sql(_IS_STATED[connection.dialect.name]).scalar():
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def check_revision(revision: object, where: str) -> None:
    """Raise ``OlderSchema`` or another ``AzlicError`` for any schema but this version's, with what to do about it."""
    if not isinstance(revision, str):
        raise AzlicError(
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
