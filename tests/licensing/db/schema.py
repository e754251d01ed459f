"""Writes down the schema that the migrations make: ``python -m tests.licensing.db.schema``, after each new revision.

The audit holds every ledger against these files (``migrations/schema``), and a test holds them to the migrations.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import migrations
from licensing.db.database import connect, writing
from tests import postgres
from usage.auditing.schema import read_schema

FOLDER = Path(migrations.__file__).parent / "schema"


def schema_at(target: str) -> Mapping[str, str]:
    """The schema of the database at a path or URL, after the walk along the whole history."""
    engine = connect(target, create=True)
    try:
        with writing(engine) as connection:
            migrations.upgrade(connection)
            return read_schema(connection)
    finally:
        engine.dispose()


def as_file(schema: Mapping[str, str]) -> str:
    """One line for each object, in the order of their names."""
    return "".join(f"{name}\t{text}\n" for name, text in sorted(schema.items()))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, postgres.running() as server:
        targets = {"sqlite": f"{folder}/azlic.db", "postgresql": server.url(server.new_database())}
        for dialect, target in targets.items():
            (FOLDER / f"{dialect}.txt").write_text(as_file(schema_at(target)))
