"""What a killed writer leaves beside a SQLite file: a journal that the next one who may write takes back.

Source: sqlite.org/lockingv3.html, "hot journal". A rollback journal that is done with is deleted, or begins with zeros.
"""

import contextlib
import os
import sqlite3
from pathlib import Path

from licensing.core.errors import AzlicError

_WAIT_SECONDS = 2


def refuse_special_files(path: Path) -> None:
    """Raise ``AzlicError`` where a pipe, a device or a folder stands for a database or its journal: it is not opened.

    Whoever opens a pipe waits for somebody to write into it.
    """
    for file in (path, *(Path(f"{path}{part}") for part in ("-journal", "-wal", "-shm"))):
        if file.exists() and not file.is_file():
            raise AzlicError(
                f"{file} is not a file, so there is no database at {path}",
                hint="move away what is there, or name the database with --database",
            )


def take_back(path: Path) -> None:
    """Take back what a killed writer left of its last transaction, where this user may write the database.

    Raises ``AzlicError`` where what is there is no file.
    """
    refuse_special_files(path)
    if _is_in_use(Path(f"{path}-journal")) and all(os.access(one, os.W_OK) for one in (path, path.parent)):
        address = f"{path.absolute().as_uri()}?mode=rw"
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS)) as connection,
        ):
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # SQLite does it before it reads


def unfinished_write(path: Path, error: BaseException) -> AzlicError | None:
    """Why a database cannot be read by whoever may not write it, where a killed writer is the reason; else None."""
    if "locked" in str(error):  # by a writer that lives
        return None
    for journal in (Path(f"{path}-journal"), Path(f"{path}-wal")):
        if _is_in_use(journal):
            return AzlicError(
                f"the database {path} was being written when its writer was stopped, and cannot be read before"
                f" {journal.name} beside it is taken back: azlic report does that, run once as the ledger's owner",
                hint="where nobody may write there, copy both files to where you may: azlic report --database COPY",
            )
    return None


def _is_in_use(journal: Path) -> bool:
    try:
        with journal.open("rb") as file:
            return file.read(1) not in (b"", b"\0")
    except FileNotFoundError:
        return False
    except OSError:
        return True
