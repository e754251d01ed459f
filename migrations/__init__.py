"""The schema's history, and the steps along it. Configured in code, so that a checkout, a wheel and an image agree."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine

HEAD = "0003"
"""The revision this version of azlic reads and writes; revisions are numbered, so that a newer one is recognised."""
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""What constraints are called: the same in the models as in the history."""


def configuration(connection: "Connection | None" = None) -> "Config":
    """Alembic's configuration for this folder, on an open connection."""
    from alembic.config import Config  # noqa: PLC0415 - slow to import, needed when the schema changes

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: "Engine", options: Mapping[str, Any], revision: str = "head") -> None:
    """Walk the schema up to ``revision`` in one transaction."""
    from alembic import command  # noqa: PLC0415

    with engine.connect().execution_options(**options) as connection, connection.begin():
        command.upgrade(configuration(connection), revision)


def downgrade(engine: "Engine", options: Mapping[str, Any], revision: str) -> None:
    """Walk the schema down to ``revision`` in one transaction; what a newer schema added is lost."""
    from alembic import command  # noqa: PLC0415

    with engine.connect().execution_options(**options) as connection, connection.begin():
        command.downgrade(configuration(connection), revision)
