"""What all tables are made of, and the one row in which a database says what it is kept for."""

from collections.abc import Iterator, Sequence
from typing import TypeVar, cast

from sqlalchemy import ColumnExpressionArgument, Connection, Dialect, MetaData, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

import migrations
from licensing.db.names import file_name, stored_name


class Table(DeclarativeBase):
    """The base of every table, so that one migration history holds them all."""

    metadata = MetaData(naming_convention=migrations.NAMING)


class FileName(TypeDecorator[str]):
    """The name of a file, whatever bytes it has; ``licensing.db.names`` says how it is kept."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else stored_name(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else file_name(value)


TableType = TypeVar("TableType", bound=Table)


def rows_of(
    connection: Connection,
    table: type[TableType],
    *where: ColumnExpressionArgument[bool],
    order_by: Sequence[ColumnExpressionArgument[object]] = (),
) -> Iterator[TableType]:
    """The rows of a table, one after the other as they are read: they have its class's attributes, and only those."""
    found = connection.execute(select(table.__table__).where(*where).order_by(*order_by))
    return cast("Iterator[TableType]", iter(found))


def row_of(connection: Connection, table: type[TableType], *where: ColumnExpressionArgument[bool]) -> TableType | None:
    """The one row of a table that there can be, or None."""
    return cast("TableType | None", connection.execute(select(table.__table__).where(*where)).one_or_none())


class StoreRow(Table):
    """What this database is: a value of ``StoreKind``, or ``BOTH``. There is one row, with the key 1."""

    __tablename__ = "store"

    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
