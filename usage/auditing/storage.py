"""How the database keeps the ledger: values of their columns' types, and indexes that say what their tables hold."""

from collections.abc import Iterator

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from licensing.core.text import printable
from licensing.db import postgresql_misfits, sqlite_misfits
from usage.auditing.faults import AuditCheck, Faults
from usage.auditing.rows import fetch
from usage.auditing.table_classes import TABLES

PAGES_LEFT_OUT = "the database's pages and indexes (check 10)"


def check_types(connection: Connection, faults: Faults) -> None:
    """11: each value belongs in its column. Raises ``Unreadable``.

    The walk has seen the types of all records: only where it found a batch at fault, the record is looked for.
    """
    misfits_of = sqlite_misfits.misfits_of if connection.dialect.name == "sqlite" else postgresql_misfits.misfits_of
    for table in TABLES:
        if table == "record" and not faults.counts[AuditCheck.ROWS]:
            continue
        for misfit in misfits_of(lambda query: fetch(connection, query), table):
            faults.add(AuditCheck.TYPES, f"table {table}, row {printable(misfit.row)}", printable(misfit.what))


def check_pages(connection: Connection, faults: Faults) -> str | None:
    """10: pages, indexes and references are whole, as the database itself sees it; what could not be checked, if any.

    Reads the whole database, and nobody can write a SQLite file meanwhile that is not in WAL mode.
    """
    if connection.dialect.name == "sqlite":
        for (told,) in fetch(connection, "PRAGMA integrity_check(20)"):
            if told != "ok":
                faults.add(AuditCheck.PAGES, "the database", printable(told))
        for table, row, parent, _ in fetch(connection, "PRAGMA foreign_key_check"):
            what = f"it refers to a row of {parent} that is not there"
            faults.add(AuditCheck.PAGES, f"table {printable(table)}, row {printable(row)}", what)
        return None
    return _check_indexes(connection, faults)


def _check_indexes(connection: Connection, faults: Faults) -> str | None:
    """What PostgreSQL's amcheck says of each index, where it is installed and this role may use it."""
    may = fetch(
        connection,
        "SELECT oid::regprocedure FROM pg_proc WHERE proname = 'bt_index_check' AND pronargs = 2"
        " AND has_function_privilege(oid, 'EXECUTE')",
    )
    if not may:
        return f"{PAGES_LEFT_OUT}: the extension amcheck is not installed, or this role may not use it"
    function = str(may[0][0]).partition("(")[0]
    for index in _indexes(connection):
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"SELECT {function}('{index}'::regclass, true)")
        except DBAPIError as error:
            faults.add(AuditCheck.PAGES, f"index {index}", printable(str(error.orig).splitlines()[0]))
    return None


def _indexes(connection: Connection) -> Iterator[str]:
    query = (
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        " JOIN pg_am ON pg_am.oid = relam"
        " WHERE relnamespace = current_schema()::regnamespace AND amname = 'btree' ORDER BY 1"
    )
    yield from (str(name) for (name,) in fetch(connection, query))
