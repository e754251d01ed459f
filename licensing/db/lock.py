"""One writer at a time: who holds a database, and for how long the next one waits."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from licensing.core.errors import AzlicError
from licensing.db import postgresql
from licensing.db.database import DatabaseBusy, unusable, wait_seconds_of


@contextlib.contextmanager
def holding(engine: Engine, *, wait_seconds: float | None = None) -> Iterator[None]:
    """Hold the database against every other azlic that wants to write a series of transactions.

    Waits up to ``wait_seconds``, as long as the engine does if left out; then raises ``DatabaseBusy``, naming the
    process that holds it where that is known. The hold ends with the process, however it ends.
    """
    hold = _file_hold(engine) if engine.dialect.name == "sqlite" else _advisory_hold(engine)
    deadline = time.monotonic() + (wait_seconds_of(engine) if wait_seconds is None else wait_seconds)
    with hold as attempt:
        while (holder := next(attempt)) is not None:
            if time.monotonic() >= deadline:
                raise DatabaseBusy(
                    f"the ledger is in use by {holder}",
                    hint="wait for it to finish, or stop it; nothing was changed",
                )
            time.sleep(0.05)
        yield


@contextlib.contextmanager
def _file_hold(engine: Engine) -> Iterator[Iterator[str | None]]:
    path = Path(f"{engine.url.database}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise AzlicError(
            f"{path} cannot be written: {error.strerror}",
            hint="run as a user who may write beside the ledger",
        ) from error

    def attempts() -> Iterator[str | None]:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield f"process {os.pread(descriptor, 32, 0).decode(errors='replace').strip() or 'unknown'}"
                continue
            with contextlib.suppress(OSError):  # whose it is only helps people; on a full disk it goes without
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield None

    try:
        yield attempts()
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _advisory_hold(engine: Engine) -> Iterator[Iterator[str | None]]:
    """The hold is its session's: it has a connection of its own, in no transaction."""
    key = {"key": postgresql.HOLD_KEY}
    try:
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    except DBAPIError as error:
        raise unusable(engine, error) from error

    def attempts() -> Iterator[str | None]:
        while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar():
            yield postgresql.holder(connection)
        yield None

    try:
        yield attempts()
    except DBAPIError as error:
        raise unusable(engine, error) from error
    finally:
        try:
            connection.execute(text("SELECT pg_advisory_unlock_all()"))
        except DBAPIError:
            connection.invalidate()  # with its session the hold is gone, too
        connection.close()
