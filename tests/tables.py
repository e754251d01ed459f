"""A new SQLite database that has the tables already, so that not every test walks along the whole history again."""

import os
import tempfile
from functools import cache
from pathlib import Path

from licensing.db.database import open_database
from licensing.db.store_kind import StoreKind


def put_tables(target: str, kind: StoreKind, mode: int) -> None:
    """Make an empty database of a kind where none is; one on a server has its tables already."""
    if "://" in target or Path(target).exists():
        return
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(_empty(kind))


@cache
def _empty(kind: StoreKind) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        open_database(str(path), kind, create=True).dispose()
        return path.read_bytes()
