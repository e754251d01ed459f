"""Alembic runs this file for every walk along the history."""

from typing import Any

from alembic import context
from alembic.ddl.postgresql import PostgresqlImpl
from sqlalchemy import Column, MetaData, String, Table

from migrations import NAMING


class ByCodePoint(PostgresqlImpl):
    """Text on PostgreSQL is ordered by its code points, as on SQLite, whatever the server's locale.

    So both list in the same order, the index of the ids is quicker, and no update of the system's locales spoils it.
    """

    __dialect__ = "postgresql"

    def create_table(self, table: Table, **options: Any) -> None:
        for column in table.columns:
            _order_by_code_point(column)
        super().create_table(table, **options)

    def add_column(self, table_name: str, column: Column[Any], **options: Any) -> None:
        _order_by_code_point(column)
        super().add_column(table_name, column, **options)


def _order_by_code_point(column: Column[Any]) -> None:
    if isinstance(column.type, String):
        column.type = String(column.type.length, collation="C")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=MetaData(naming_convention=NAMING),
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
