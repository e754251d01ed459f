"""The tables of alerts: what somebody has acknowledged, what was sent to whom, and what audits said."""

from datetime import datetime

from sqlalchemy import Boolean, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from licensing.db.schema import FileName, Table
from usage.ledger.tables.records import Key, Moment


class AcknowledgedAlertRow(Table):
    """An alert that stays quiet until a date, or until it worsens beyond ``severity`` and ``stage``."""

    __tablename__ = "acknowledged_alert"
    alert: Mapped[str] = mapped_column(String, primary_key=True)
    severity: Mapped[int] = mapped_column(Integer)
    stage: Mapped[str] = mapped_column(String)
    until: Mapped[datetime] = mapped_column(Moment)
    acknowledged_at: Mapped[datetime] = mapped_column(Moment)
    acknowledged_by: Mapped[str] = mapped_column(String)


class OpenAlertRow(Table):
    """An alert that was there when somebody last looked, and since when."""

    __tablename__ = "open_alert"
    alert: Mapped[str] = mapped_column(String, primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment)


class NoticeRow(Table):
    """An alert that was sent to a channel at a stage: once each. ``sent_at`` is empty while it could not be."""

    __tablename__ = "notice"
    alert: Mapped[str] = mapped_column(String, primary_key=True)
    stage: Mapped[str] = mapped_column(String, primary_key=True)
    channel: Mapped[str] = mapped_column(String, primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer)
    tried_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str | None] = mapped_column(String)


class ToldAlertRow(Table):
    """An alert that a channel was sent, until it has also been told that the alert ended.

    ``ended_at`` is set once it is over; ``attempts``, ``tried_at`` and ``error`` are of telling that.
    """

    __tablename__ = "told_alert"
    alert: Mapped[str] = mapped_column(String, primary_key=True)
    channel: Mapped[str] = mapped_column(String, primary_key=True)
    severity: Mapped[int] = mapped_column(Integer)
    since: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    tried_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str | None] = mapped_column(String)


class KnownLicenseRow(Table):
    """A license as it was verified last in one place; ``stamp`` is a digest of its file's state and of the trust.

    It spares verifying again what has not changed, and remembers what a folder that vanished held. An adopted license
    has an empty ``license_id``, and no date but its end.
    """

    __tablename__ = "known_license"
    path: Mapped[str] = mapped_column(FileName, primary_key=True)
    stamp: Mapped[bytes] = mapped_column(LargeBinary)
    verified_at: Mapped[datetime] = mapped_column(Moment)
    container_type: Mapped[str] = mapped_column(String)
    license_id: Mapped[str] = mapped_column(String)
    issued_at: Mapped[datetime] = mapped_column(Moment)
    not_before: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    grace_ends_at: Mapped[datetime] = mapped_column(Moment)


class AuditOutcomeRow(Table):
    """What the last audit of this ledger said: one row, whose ``key`` is 1. That it failed is bound elsewhere, too."""

    __tablename__ = "audit_outcome"
    key: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    audited_at: Mapped[datetime] = mapped_column(Moment)
    sound: Mapped[bool] = mapped_column(Boolean)
    detail: Mapped[str] = mapped_column(String)


class FailedAuditRow(Table):
    """An audit that failed, until one passes that looks as far; then ``passed_at`` is set. The chain binds it.

    ``checks`` has the numbers of the checks that found something, with spaces between them.
    """

    __tablename__ = "failed_audit"
    number: Mapped[int] = mapped_column(Key, primary_key=True)
    failed_at: Mapped[datetime] = mapped_column(Moment)
    checks: Mapped[str] = mapped_column(String)
    detail: Mapped[str] = mapped_column(String)
    passed_at: Mapped[datetime | None] = mapped_column(Moment)
