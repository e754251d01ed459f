"""What all tables are made of, and the one row in which a database says what it is kept for."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import migrations


class Table(DeclarativeBase):
    """The base of every table, so that one migration history holds them all."""

    metadata = MetaData(naming_convention=migrations.NAMING)


class StoreRow(Table):
    """What this database is: a value of ``StoreKind``, or ``BOTH``. There is one row, with the key 1."""

    __tablename__ = "store"

    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
