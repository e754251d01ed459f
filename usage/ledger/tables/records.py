"""The ledger's tables. Quantities are millionths, instants Unix milliseconds, digests SHA-256.

``record``, ``series``, ``batch`` and ``finding`` only grow; ``source``, ``chain`` and ``total`` follow them in the
same transaction.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Dialect, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from licensing.core.instants import from_milliseconds, milliseconds
from licensing.db.schema import FileName, Table

Key = BigInteger().with_variant(Integer, "sqlite")
"""A surrogate key: 64 bits everywhere, and SQLite's own rowid there."""


class Moment(TypeDecorator[datetime]):
    """An aware instant, kept as Unix milliseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else from_milliseconds(value)


class SourceRow(Table):
    """A usage file as far as it has been read. ``offset`` and ``line`` are those of the first byte not yet taken.

    ``consumed`` is the digest of everything before the offset, ``head`` of its first bytes, ``marker`` of its last;
    their lengths stand beside them. ``changed_ns`` is the file's ctime when it was last looked at, ``vanished_at`` is
    set while the file is gone or has become another. A reading source is a file that exists nowhere (``reading:NAME``).
    """

    __tablename__ = "source"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    path: Mapped[str] = mapped_column(FileName)
    device: Mapped[int] = mapped_column(BigInteger, default=0)
    inode: Mapped[int] = mapped_column(BigInteger, default=0)
    changed_ns: Mapped[int] = mapped_column(BigInteger, default=0)
    offset: Mapped[int] = mapped_column(BigInteger, default=0)
    line: Mapped[int] = mapped_column(BigInteger, default=0)
    pending: Mapped[int] = mapped_column(BigInteger, default=0)
    head_length: Mapped[int] = mapped_column(Integer, default=0)
    head: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    marker_length: Mapped[int] = mapped_column(Integer, default=0)
    marker: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    consumed: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    vanished_at: Mapped[datetime | None] = mapped_column(Moment)
    __table_args__ = (
        Index("ix_source_path", "path"),
        Index("ix_source_device_inode", "device", "inode"),
        Index("ix_source_head", "head"),
    )


class SeriesRow(Table):
    """What the records of one container and meter share. ``site`` is where they were used; empty is this site."""

    __tablename__ = "series"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    container_type: Mapped[str] = mapped_column(String)
    container_version: Mapped[str] = mapped_column(String)
    container_id: Mapped[str] = mapped_column(String)
    meter: Mapped[str] = mapped_column(String)
    api_type: Mapped[str] = mapped_column(String)
    site: Mapped[str] = mapped_column(String)
    batch: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (
        UniqueConstraint(
            "container_type", "container_version", "container_id", "meter", "api_type", "site", name="uq_series_labels"
        ),
    )


class RecordRow(Table):
    """One usage record, as it was reported. ``number`` rises by one, without a gap, in the order of the batches.

    ``series`` is not a foreign key: the ledger alone writes it, the audit proves it, and the check costs 4 % of an
    ingest.
    """

    __tablename__ = "record"
    number: Mapped[int] = mapped_column(Key, primary_key=True)
    id: Mapped[str] = mapped_column(String, unique=True)
    series: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[int] = mapped_column(BigInteger)
    requested_at: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    extra: Mapped[str | None] = mapped_column(String)


class BatchRow(Table):
    """One stretch of one file, taken in one transaction, chained to the batch before.

    ``consumed`` is the digest of the file's bytes from 0 to ``stop``, ``rows`` of the records as stored, ``entries`` of
    what was changed beside them, ``head`` of all of it with the head before. Batches of earlier versions have no
    ``entries``: their head binds neither source nor time.
    """

    __tablename__ = "batch"
    sequence: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.key"))
    file: Mapped[str] = mapped_column(String)
    start: Mapped[int] = mapped_column(BigInteger)
    stop: Mapped[int] = mapped_column(BigInteger)
    consumed: Mapped[bytes] = mapped_column(LargeBinary)
    first_record: Mapped[int] = mapped_column(BigInteger)
    records: Mapped[int] = mapped_column(Integer)
    rows: Mapped[bytes] = mapped_column(LargeBinary)
    head: Mapped[bytes] = mapped_column(LargeBinary)
    taken_at: Mapped[datetime] = mapped_column(Moment)
    entries: Mapped[bytes | None] = mapped_column(LargeBinary)


class TotalRow(Table):
    """What a series used on a day; kept with every batch, so that a report never reads the records.

    ``day`` counts days since 1970-01-01 in UTC: months, and plans that begin on any day, are sums of whole days.
    """

    __tablename__ = "total"
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    series: Mapped[int] = mapped_column(ForeignKey("series.key"), primary_key=True, autoincrement=False)
    quantity: Mapped[int] = mapped_column(BigInteger)
    records: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[int] = mapped_column(BigInteger)


class ChainRow(Table):
    """The last chained record seen of a container: what its next one has to follow."""

    __tablename__ = "chain"
    container_id: Mapped[str] = mapped_column(String, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String)


class GapRow(Table):
    """Records that are missing from a container's chain, from ``first`` to ``last``; gone once they have arrived."""

    __tablename__ = "gap"
    container_id: Mapped[str] = mapped_column(String, primary_key=True)
    first: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[int] = mapped_column(ForeignKey("source.key"))
    line: Mapped[int] = mapped_column(BigInteger)
    found_at: Mapped[datetime] = mapped_column(Moment)


class QuarantineRow(Table):
    """A line kept apart: ``kind`` is ``bad-line``, or ``conflict`` for a known id with other content,
    or ``ahead`` for a record that is dated more than a day ahead and waits for its own time, ``due_at``.

    ``settled_at`` is set once it was taken after all (``retried``) or put aside with a reason (``discarded``). Of a
    long line, ``content`` is only its beginning; ``length`` and ``digest`` are of all of it. Older rows have no length:
    they hold all.
    """

    __tablename__ = "quarantine"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String)
    source: Mapped[int] = mapped_column(ForeignKey("source.key"))
    file: Mapped[str] = mapped_column(String)
    line: Mapped[int] = mapped_column(BigInteger)
    start: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String)
    record_id: Mapped[str | None] = mapped_column(String)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    length: Mapped[int | None] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    taken_at: Mapped[datetime] = mapped_column(Moment)
    settled_as: Mapped[str | None] = mapped_column(String)
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_why: Mapped[str | None] = mapped_column(String)
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    __table_args__ = (UniqueConstraint("file", "start", "digest"),)


class FindingRow(Table):
    """Something about the sources that is not as it should be: a gap, an edited line, a file that shrank.

    ``settled_at`` is set once somebody has looked into it and said why it may rest.
    """

    __tablename__ = "finding"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String)
    source: Mapped[int] = mapped_column(ForeignKey("source.key"))
    file: Mapped[str] = mapped_column(String)
    line: Mapped[int] = mapped_column(BigInteger)
    container_id: Mapped[str | None] = mapped_column(String)
    detail: Mapped[str] = mapped_column(String)
    found_at: Mapped[datetime] = mapped_column(Moment)
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_why: Mapped[str | None] = mapped_column(String)
    __table_args__ = (UniqueConstraint("kind", "file", "detail"),)


class PlanRow(Table):
    """A commitment as the operator entered or imported it, one term of it; ``ends_at`` is exclusive.

    ``arm_id`` is Azure's own name of the plan, which all its terms share; ``auto_renew`` is as it was entered.
    """

    __tablename__ = "plan"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String, unique=True)
    plan_type: Mapped[str] = mapped_column(String)
    tier: Mapped[str] = mapped_column(String)
    count: Mapped[int] = mapped_column(Integer)
    quota: Mapped[int] = mapped_column(BigInteger)
    unit: Mapped[str] = mapped_column(String)
    period: Mapped[str] = mapped_column(String)
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    auto_renew: Mapped[bool] = mapped_column(Boolean, default=False)
    arm_id: Mapped[str | None] = mapped_column(String)
    __table_args__ = (Index("ix_plan_arm_id_starts_at", "arm_id", "starts_at", unique=True),)


class PlanMeterRow(Table):
    """A meter that draws on a plan: ``multiplier``/``divisor`` turn the meter's unit into the plan's."""

    __tablename__ = "plan_meter"
    plan: Mapped[int] = mapped_column(ForeignKey("plan.key"), primary_key=True)
    meter: Mapped[str] = mapped_column(String, primary_key=True)
    multiplier: Mapped[int] = mapped_column(BigInteger, default=1)
    divisor: Mapped[int] = mapped_column(BigInteger, default=1)


class PlanChangeRow(Table):
    """Units bought in mid-term: from ``effective_at`` the period that contains it commits to ``quota`` more.

    ``prorated`` says whether the quota was worked out from the days that were left, or stated.
    """

    __tablename__ = "plan_change"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    plan: Mapped[int] = mapped_column(ForeignKey("plan.key"))
    effective_at: Mapped[datetime] = mapped_column(Moment)
    units: Mapped[int] = mapped_column(Integer)
    quota: Mapped[int] = mapped_column(BigInteger)
    prorated: Mapped[bool] = mapped_column(Boolean)
    entered_at: Mapped[datetime] = mapped_column(Moment)
    entered_by: Mapped[str | None] = mapped_column(String)


class PlanRuleRow(Table):
    """A rule of a plan, put up or, where it does not ``stand``, taken away again; the last of its kind counts."""

    __tablename__ = "plan_rule"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    plan: Mapped[int] = mapped_column(ForeignKey("plan.key"))
    scope: Mapped[str] = mapped_column(String)
    value: Mapped[str] = mapped_column(String)
    stands: Mapped[bool] = mapped_column(Boolean)
    entered_at: Mapped[datetime] = mapped_column(Moment)
    entered_by: Mapped[str] = mapped_column(String)


class PlanRenewalRow(Table):
    """What is to come at a plan's end, as it stands from ``effective_at`` on: whether it renews itself, and as what.

    The four terms are those of a next term that is known; ``ends_at`` is exclusive.
    """

    __tablename__ = "plan_renewal"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    plan: Mapped[int] = mapped_column(ForeignKey("plan.key"))
    effective_at: Mapped[datetime] = mapped_column(Moment)
    auto_renew: Mapped[bool] = mapped_column(Boolean)
    tier: Mapped[str | None] = mapped_column(String)
    count: Mapped[int | None] = mapped_column(Integer)
    quota: Mapped[int | None] = mapped_column(BigInteger)
    ends_at: Mapped[datetime | None] = mapped_column(Moment)
    entered_at: Mapped[datetime] = mapped_column(Moment)
    entered_by: Mapped[str] = mapped_column(String)


class ReadingSourceRow(Table):
    """A container whose usage is known from its own report. ``mirror_of`` names another that reports the same mount."""

    __tablename__ = "reading_source"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String, unique=True)
    source: Mapped[int] = mapped_column(ForeignKey("source.key"))
    mirror_of: Mapped[int | None] = mapped_column(ForeignKey("reading_source.key"))


class ReadingRow(Table):
    """A report as it came, byte for byte: of a month (its number), or of everything (0)."""

    __tablename__ = "reading"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[int] = mapped_column(ForeignKey("reading_source.key"))
    month: Mapped[int] = mapped_column(Integer)
    taken_at: Mapped[datetime] = mapped_column(Moment)
    origin: Mapped[str] = mapped_column(String)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index("ix_reading_source_month_taken_at", "source", "month", "taken_at"),)


class ReadingRoundingRow(Table):
    """Whether numbers of a source that are too fine to be counted are rounded, as its operator stated it.

    The last one stands. ``after_reading`` is the newest reading that was here before it.
    """

    __tablename__ = "reading_rounding"
    key: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[int] = mapped_column(ForeignKey("reading_source.key"))
    after_reading: Mapped[int] = mapped_column(BigInteger)
    rounds: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(String)
    stated_at: Mapped[datetime] = mapped_column(Moment)
    stated_by: Mapped[str] = mapped_column(String)


class CounterRow(Table):
    """The present value of a source's cumulative counter of a month and meter: the base of the next increase.

    ``epoch`` rises each time the counter fell, as it does when the container gets a fresh mount.
    """

    __tablename__ = "counter"
    source: Mapped[int] = mapped_column(ForeignKey("reading_source.key"), primary_key=True)
    month: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    meter: Mapped[str] = mapped_column(String, primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, default=1)
    quantity: Mapped[int] = mapped_column(BigInteger)
