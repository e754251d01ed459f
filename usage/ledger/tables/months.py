"""The tables of months that are closed, and of what is booked about them afterwards. None of their rows changes."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from licensing.db.schema import Table
from usage.ledger.tables.records import Key, Moment


class ClosedMonthRow(Table):
    """A month (its number) that was closed by the batch ``batch``; ``totals`` is the digest of its closed totals.

    ``reason`` says why it was closed though something was open; empty where nothing was. ``form`` is that of the bytes
    the digest is made from: 2 since plans are frozen with a month.
    """

    __tablename__ = "closed_month"
    month: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    closed_at: Mapped[datetime] = mapped_column(Moment)
    batch: Mapped[int] = mapped_column(ForeignKey("batch.sequence"))
    totals: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(String)
    form: Mapped[int] = mapped_column(Integer, server_default="1")


class ClosedTotalRow(Table):
    """What a series used in a closed month, as it was when the month was closed."""

    __tablename__ = "closed_total"
    month: Mapped[int] = mapped_column(ForeignKey("closed_month.month"), primary_key=True, autoincrement=False)
    series: Mapped[int] = mapped_column(ForeignKey("series.key"), primary_key=True, autoincrement=False)
    quantity: Mapped[int] = mapped_column(BigInteger)
    records: Mapped[int] = mapped_column(BigInteger)


class ClosedPlanRow(Table):
    """A plan as the closing of a month found it: its terms, as JSON, count for all months that were frozen with it."""

    __tablename__ = "closed_plan"
    month: Mapped[int] = mapped_column(ForeignKey("closed_month.month"), primary_key=True, autoincrement=False)
    plan: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    terms: Mapped[str] = mapped_column(String)


class ClosedPeriodRow(Table):
    """A period of a frozen plan, as it stood at the month's end or its own: millionths, as they may pass 64 bits."""

    __tablename__ = "closed_period"
    month: Mapped[int] = mapped_column(ForeignKey("closed_month.month"), primary_key=True, autoincrement=False)
    plan: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    starts_at: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    committed: Mapped[str] = mapped_column(String)
    used: Mapped[str] = mapped_column(String)


class ClosedPlaceRow(Table):
    """What was known of a series when a month was closed, and rules ask for: its resource, and its output folder."""

    __tablename__ = "closed_place"
    month: Mapped[int] = mapped_column(ForeignKey("closed_month.month"), primary_key=True, autoincrement=False)
    series: Mapped[int] = mapped_column(ForeignKey("series.key"), primary_key=True, autoincrement=False)
    resource: Mapped[str] = mapped_column(String)
    output: Mapped[str] = mapped_column(String)


class CorrectionRow(Table):
    """What is booked in a later month about a closed one: ``late``, or a ``reversal`` with its ``replacement``.

    ``quantity`` is signed. ``month`` is where the record belongs, ``booked_month`` the open one that counts it.
    """

    __tablename__ = "correction"
    number: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String)
    booked_month: Mapped[int] = mapped_column(Integer)
    month: Mapped[int] = mapped_column(Integer)
    record_id: Mapped[str] = mapped_column(String)
    series: Mapped[int] = mapped_column(ForeignKey("series.key"))
    quantity: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String)
    batch: Mapped[int] = mapped_column(BigInteger)
    booked_at: Mapped[datetime] = mapped_column(Moment)
    __table_args__ = (
        Index("ix_correction_booked_month", "booked_month"),
        Index("ix_correction_record_id", "record_id"),
    )
