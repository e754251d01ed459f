"""The schema's history, and the steps along it. Configured in code, so that a checkout, a wheel and an image agree."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

HEAD = "0015"
"""The revision this version of azlic reads and writes; revisions are numbered, so that a newer one is recognised."""
ALL_TABLES = "0013"
"""The first revision that has all tables of this one; those behind it change tables that are there."""
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""What constraints are called: the same in the models as in the history."""


@cache
def schema_of(dialect: str) -> dict[str, str]:
    """The schema that this version makes on SQLite or PostgreSQL, as the database's own catalogue tells it."""
    lines = (Path(__file__).parent / "schema" / f"{dialect}.txt").read_text("utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)


def create(connection: "Connection") -> None:
    """Make the schema in an empty SQLite database as the walk through its history would, in a tenth of the time."""
    texts = [
        text.partition(": ")[2] for text in schema_of("sqlite").values()
    ]  # "" for an index that SQLite adds itself
    for text in sorted(filter(None, texts), key=lambda text: not text.startswith("CREATE TABLE")):
        connection.exec_driver_sql(text)
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def configuration(connection: "Connection | None" = None) -> "Config":
    """Alembic's configuration for this folder, on an open connection."""
    from alembic.config import Config  # noqa: PLC0415 - slow to import, needed when the schema changes

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: "Connection", revision: str = "head") -> None:
    """Walk the schema up to ``revision``, within the transaction of the connection."""
    from alembic import command  # noqa: PLC0415

    command.upgrade(configuration(connection), revision)


def downgrade(connection: "Connection", revision: str) -> None:
    """Walk the schema down to ``revision``, within the same; what a newer schema added is lost."""
    from alembic import command  # noqa: PLC0415

    command.downgrade(configuration(connection), revision)
