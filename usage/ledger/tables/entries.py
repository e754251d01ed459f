"""The table of entries: what the chain binds of the tables whose rows may change."""

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from licensing.db.schema import Table
from usage.ledger.tables.records import Key


class EntryRow(Table):
    """A row of another table as a batch booked it: ``image`` is the row, as JSON; empty where it was taken out.

    Numbered without a gap in the order of the batches. The last entry of a row says how it has to stand. ``row_key`` is
    its primary key, a JSON array.
    """

    __tablename__ = "entry"
    number: Mapped[int] = mapped_column(Key, primary_key=True)
    batch: Mapped[int] = mapped_column(BigInteger)
    table_name: Mapped[str] = mapped_column(String)
    row_key: Mapped[str] = mapped_column(String)
    image: Mapped[str | None] = mapped_column(String)
    __table_args__ = (
        Index("ix_entry_batch", "batch"),
        Index("ix_entry_table_name_row_key", "table_name", "row_key"),
    )
