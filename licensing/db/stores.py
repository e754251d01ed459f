"""Which of the two stores a database is: a site's ledger, or an issuer's. Neither is ever put into the other's."""

from sqlalchemy import Connection, Engine, literal_column, select, table

from licensing.core.errors import AzlicError
from licensing.db.database import open_database, reading

_LEDGER = ("batch", "plan", "reading")
_ISSUER = ("issuer_resource", "issuer_audit", "issuer_content_key")
_Names = tuple[str, ...]


def open_ledger(target: str) -> Engine:
    """Open a site's ledger to write into it; it is made where there is none yet.

    Raises ``AzlicError`` for an issuer's store, and for what ``open_database`` refuses.
    """
    engine = open_database(target, create=True)
    if _holds_only(engine, _ISSUER, _LEDGER):
        raise AzlicError(
            f"{_place(engine)} is an issuer's store, no site's ledger",
            hint="name the ledger with --database or AZLIC_DATABASE: a file of its own",
        )
    return engine


def refuse_a_ledger(engine: Engine) -> None:
    """Raise ``AzlicError`` for a database that a site's records and plans are in, and nothing of an issuer."""
    if _holds_only(engine, _LEDGER, _ISSUER):
        raise AzlicError(
            f"{_place(engine)} is a site's ledger, no issuer's store",
            hint="name the issuer's store with --database or AZLIC_DATABASE: a file of its own",
        )


def _holds_only(engine: Engine, these: _Names, others: _Names) -> bool:
    with reading(engine) as connection:
        return _holds(connection, these) and not _holds(connection, others)


def _holds(connection: Connection, tables: _Names) -> bool:
    return any(
        connection.execute(select(literal_column("1")).select_from(table(name)).limit(1)).first() for name in tables
    )


def _place(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True).removeprefix("sqlite:///")
