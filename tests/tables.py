"""A new SQLite database that has the tables already, so that not every test walks along the whole history again."""

import os
import tempfile
from functools import cache
from pathlib import Path

import migrations
from licensing.db.database import connect, writing


def put_tables(target: str, mode: int) -> None:
    """Make a database with the tables where none is; who uses it first says whether it is a ledger or another store."""
    if "://" in target or Path(target).exists():
        return
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(_with_tables())


@cache
def _with_tables() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        engine = connect(str(path), create=True)
        with writing(engine) as connection:
            migrations.upgrade(connection)
        engine.dispose()
        return path.read_bytes()
