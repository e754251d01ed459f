"""The tables of the hand-over: what this ledger gave out, and, at head office, what it took from each site."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from licensing.db.schema import Table
from usage.ledger.tables.records import Key, Moment


class OriginRow(Table):
    """The one name of this ledger, given once; a checkpoint has it, so that no other ledger's passes for it."""

    __tablename__ = "origin"
    name: Mapped[str] = mapped_column(String, primary_key=True)
    made_at: Mapped[datetime] = mapped_column(Moment)


class ExportRow(Table):
    """An export that was signed: of which batches, up to which head. ``acknowledged_at`` is set by its receipt.

    ``manifest`` is the payload that was signed, so that the same export can be written again to the same bytes;
    ``digest`` is its digest.
    """

    __tablename__ = "export"
    number: Mapped[int] = mapped_column(Key, primary_key=True)
    first_batch: Mapped[int] = mapped_column(BigInteger)
    last_batch: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    holds: Mapped[str] = mapped_column(String)
    month: Mapped[int | None] = mapped_column(Integer)
    made_at: Mapped[datetime] = mapped_column(Moment)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Moment)
    acknowledged_by: Mapped[str | None] = mapped_column(String)


class HandingSiteRow(Table):
    """A site whose exports are accepted here: its key, its ledger's origin, and the last head that was seen of it."""

    __tablename__ = "handing_site"
    site: Mapped[str] = mapped_column(String, primary_key=True)
    public_key: Mapped[str] = mapped_column(String)
    origin: Mapped[str | None] = mapped_column(String)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    head: Mapped[bytes] = mapped_column(LargeBinary)
    source: Mapped[int | None] = mapped_column(ForeignKey("source.key"))
    seen_at: Mapped[datetime | None] = mapped_column(Moment)


class AcceptedExportRow(Table):
    """An export that was booked here; the same one again is nothing new."""

    __tablename__ = "accepted_export"
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("handing_site.site"))
    number: Mapped[int] = mapped_column(BigInteger)
    first_batch: Mapped[int] = mapped_column(BigInteger)
    last_batch: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[bytes] = mapped_column(LargeBinary)
    accepted_at: Mapped[datetime] = mapped_column(Moment)
