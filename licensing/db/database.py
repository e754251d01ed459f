"""The one database: opened, brought to the current schema, read and written in whole transactions.

SQLite by path, PostgreSQL by URL. Which journal SQLite gets is decided by ``licensing.db.sqlite_wal``.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

import migrations
from licensing.core.errors import AzlicError, BadCall
from licensing.core.text import from_outside
from licensing.db import postgresql, postgresql_misfits
from licensing.db.changes import booking
from licensing.db.revision import NoLedger, OlderSchema, check_revision, contradiction, stated_revision, tables_of
from licensing.db.schema import StoreRow
from licensing.db.sqlite_journal import refuse_special_files, unfinished_write
from licensing.db.sqlite_misfits import misfit_error
from licensing.db.sqlite_results import COMPILED, DRIVER
from licensing.db.sqlite_types import DAMAGED, UNEXPECTED, is_damage
from licensing.db.sqlite_wal import wal_is_safe
from licensing.db.store_kind import STATED_KIND, StoreKind, check_kind

BUSY_SECONDS = 10
_WRITING = {"azlic_writing": True}
_WAIT = "azlic_wait_seconds"


class DatabaseBusy(AzlicError):
    """Another process held the database for longer than we wait."""


def open_database(
    target: str,
    kind: StoreKind,
    *,
    create: bool = False,
    upgrade: bool = False,
    mode: int = 0o640,
    wait_seconds: float = BUSY_SECONDS,
) -> Engine:
    """Open the database at a path or URL, as a site's ledger or as an issuer's store.

    ``create`` makes a missing SQLite file (``mode``, its folder too) and brings the schema up to date; ``upgrade`` does
    only the latter. Without them a missing file or an older schema is an ``AzlicError`` with the command that fixes it.
    So is a database of the other kind, always, and nothing is written into it. ``wait_seconds`` is how long who uses it
    waits for another process that writes.
    """
    engine = connect(target, create=create, mode=mode, wait_seconds=wait_seconds)
    try:
        _bring_up_to_date(engine, kind, create=create, upgrade=upgrade)
    except BaseException as error:
        engine.dispose()
        if isinstance(error, SQLAlchemyError):
            raise unusable(engine, error) from error
        raise
    return engine


def open_ledger(
    target: str, *, create: bool = False, upgrade: bool = False, wait_seconds: float = BUSY_SECONDS
) -> Engine:
    """Open a site's ledger, as by ``open_database``."""
    return open_database(target, StoreKind.SITE, create=create, upgrade=upgrade, wait_seconds=wait_seconds)


def wait_seconds_of(engine: Engine) -> float:
    """How long who uses an engine waits for another process."""
    return float(engine.get_execution_options().get(_WAIT, BUSY_SECONDS))


def only_reading(engine: Engine) -> Engine:
    """The same database, in which this process writes nothing but, where needed, a crashed writer's journal."""
    statement = {
        "sqlite": "PRAGMA query_only=ON",
        "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    }[engine.dialect.name]

    @event.listens_for(engine, "connect")
    def forbid(connection: Any, _record: object) -> None:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(statement)
        if engine.dialect.name == "postgresql":
            connection.commit()

    engine.dispose()  # of the connection that looked at the schema
    return engine


def _bring_up_to_date(engine: Engine, kind: StoreKind, *, create: bool, upgrade: bool) -> None:
    revision = _revision(engine)
    if revision == migrations.HEAD:
        with reading(engine) as connection:
            settled = check_kind(connection.exec_driver_sql(STATED_KIND).scalars(), kind, place(engine))
        if settled or not (create or upgrade):
            return
    elif not (create or (upgrade and revision is not None)):
        _check(engine, revision)
    _refuse_unfit(engine, revision)
    with writing(engine) as connection:  # one transaction, so that what is refused keeps the schema it has
        if revision != migrations.HEAD:
            _upgrade(connection, revision)
        if not check_kind(connection.exec_driver_sql(STATED_KIND).scalars(), kind, place(engine)):
            connection.execute(insert(StoreRow).values(key=1, kind=kind))


def _upgrade(connection: Connection, revision: str | None) -> None:
    try:
        if connection.dialect.name == "sqlite" and not tables_of(connection):
            migrations.create(connection)
        else:
            migrations.upgrade(connection)
    except DBAPIError as error:
        if any(sign in str(error.orig) for sign in ("already exists", "duplicate column", "no such", "does not exist")):
            raise contradiction(revision, place(connection.engine)) from error
        raise


def _check(engine: Engine, revision: str | None) -> None:
    with reading(engine) as connection:
        tables = tables_of(connection)
    check_revision(revision, place(engine), tables)


def connect(target: str, *, create: bool = False, mode: int = 0o640, wait_seconds: float = BUSY_SECONDS) -> Engine:
    """An engine for the database at a path or URL, whatever its schema; on a server nothing is asked yet."""
    if "://" in target:
        engine = _by_url(target)
        engine.update_execution_options(**{_WAIT: wait_seconds})
        return engine
    path = Path(target).absolute()
    refuse_special_files(path)
    if create:
        _make_file(path, mode)
    elif not path.exists():
        raise AzlicError(
            f"there is no database at {path}",
            hint="the first `azlic ingest` makes it; or name another with --database",
        )
    engine = create_engine(
        URL.create(DRIVER, database=str(path)),
        connect_args={"timeout": wait_seconds},
        pool_timeout=wait_seconds,
        execution_options={_WAIT: wait_seconds, "compiled_cache": COMPILED},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _by_url(target: str) -> Engine:
    try:
        engine = postgresql.connect(make_url(target))
    except (ArgumentError, ValueError, ImportError) as error:  # its text may repeat a password
        raise BadCall(
            "the database's URL cannot be used: it is not one, or its driver is not installed",
            hint="write postgresql+psycopg://USER@HOST/NAME, and install azlic[postgresql]; or give a path",
        ) from error
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _make_file(path: Path, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, mode))
    except OSError as error:
        raise AzlicError(
            f"the database {path} cannot be written: {error.strerror}",
            hint="run as a user who may write there, or name another with --database",
        ) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, and hold the schema's changes too
    cursor = connection.cursor()
    if wal_is_safe(sqlite3.sqlite_version_info[:3]):
        cursor.execute("PRAGMA journal_mode=WAL")
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF", "cache_size=-32000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _is_writing(connection) else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if _is_writing(connection):
        postgresql.begin_writing(connection, wait_seconds_of(connection.engine))


def _is_writing(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("azlic_writing", False))


@contextlib.contextmanager
def open_briefly(target: str, *, upgrade: bool = False) -> Iterator[Engine]:
    """A site's ledger for a moment: open as by ``open_ledger``, and no connection is left behind."""
    engine = open_ledger(target, upgrade=upgrade)
    try:
        yield engine
    finally:
        engine.dispose()


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database. Raises ``AzlicError`` when it cannot be read."""
    options: dict[str, Any] = postgresql.READING if engine.dialect.name == "postgresql" else {}
    try:
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
    except (DBAPIError, NoConnectionFree, sqlite3.Error) as error:
        raise unusable(engine, error) from error
    except (*UNEXPECTED, InvalidRequestError) as error:
        if (told := _misfit(engine)) is not None:
            raise told from error
        raise


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, all or nothing, that no other writer shares. Raises ``AzlicError`` when it cannot be done."""
    try:
        with engine.connect().execution_options(**_WRITING) as connection, connection.begin(), booking(connection):
            yield connection
    except (DBAPIError, NoConnectionFree, sqlite3.Error) as error:
        raise unusable(engine, error) from error
    except (*UNEXPECTED, InvalidRequestError) as error:
        if (told := _misfit(engine)) is not None:
            raise told from error
        raise


def _misfit(engine: Engine) -> AzlicError | None:
    """What is wrong in a database that somebody else changed, if that led to an error nobody foresaw."""
    if engine.dialect.name == "sqlite":
        return misfit_error(str(engine.url.database))
    try:
        with engine.connect() as connection:
            return postgresql_misfits.misfit_error(connection.exec_driver_sql, place(engine))
    except (DBAPIError, NoConnectionFree):
        return None


def _first_of(error: Exception) -> Exception:
    """A full disk ends SQLite's transaction, and then nothing can be rolled back: that second error says nothing."""
    earlier: BaseException | None = error
    while earlier is not None:
        if isinstance(earlier, DBAPIError):
            error = earlier
        earlier = earlier.__context__
    return error


def unusable(engine: Engine, error: SQLAlchemyError | sqlite3.Error) -> AzlicError:
    """The database's own error in words, without its statement and values; of a chain of them, the first."""
    first = _first_of(error)
    cause = getattr(first, "orig", None) or first
    reason = (str(cause).splitlines() or [type(cause).__name__])[0]
    for secret in postgresql.secrets_of(engine.url):  # a server may repeat what it was sent
        reason = from_outside(reason, secret=secret)
    if isinstance(first, NoConnectionFree):
        return DatabaseBusy(
            f"too many processes are waiting for the database {place(engine)}",
            hint="try again later; nothing was changed",
        )
    locked = isinstance(first, OperationalError | sqlite3.OperationalError) and "locked" in reason
    if locked or postgresql.is_busy(cause):
        return DatabaseBusy(
            f"the database {place(engine)} is in use by another process",
            hint="wait for it to finish, then run the command again; nothing was changed",
        )
    if engine.dialect.name == "postgresql":
        hint = postgresql.hint(cause)
    elif (unfinished := unfinished_write(Path(str(engine.url.database)), cause)) is not None:
        return unfinished
    elif is_damage(cause):
        return _misfit(engine) or AzlicError(
            f"the database {place(engine)} is damaged: {from_outside(reason)}", hint=DAMAGED
        )
    else:
        hint = "check the disk's free space, who may write there, and that the file is an azlic database"
    return AzlicError(f"the database {place(engine)} cannot be used: {from_outside(reason)}", hint=hint)


def place(engine: Engine) -> str:
    """Where a database is, for people: its path, or its URL without a password and without options."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    return engine.url.set(query={}).render_as_string(hide_password=True)


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        found = stated_revision(connection)
    if found is not None and not isinstance(found, str):
        raise contradiction(found, place(engine))
    return None if found is None else str(found)


def _refuse_unfit(engine: Engine, revision: str | None) -> None:
    if revision != migrations.HEAD:
        with contextlib.suppress(OlderSchema, NoLedger):
            _check(engine, revision)
    if revision is None and engine.dialect.name == "postgresql":
        _refuse_unfit_encoding(engine)


def _refuse_unfit_encoding(engine: Engine) -> None:
    with engine.connect() as connection:
        if encoding := postgresql.unfit_encoding(connection):
            raise AzlicError(
                f"the database {place(engine)} stores text as {encoding}, which cannot hold every record",
                hint="make it with: createdb --encoding=UTF8 --template=template0 NAME",
            )
