"""The tables of alerts: what somebody has acknowledged, and what was told to whom."""

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from licensing.database import Table
from usage.tables import Moment


class AcknowledgedAlert(Table):
    """An alert that stays quiet until a date, or until it worsens beyond ``severity`` and ``stage``."""

    __tablename__ = "acknowledged_alert"
    alert: Mapped[str] = mapped_column(String, primary_key=True)
    severity: Mapped[int] = mapped_column(Integer)
    stage: Mapped[str] = mapped_column(String)
    until: Mapped[datetime] = mapped_column(Moment)
    acknowledged_at: Mapped[datetime] = mapped_column(Moment)
    acknowledged_by: Mapped[str] = mapped_column(String)


class OpenAlert(Table):
    """An alert that was there when somebody last looked, and since when."""

    __tablename__ = "open_alert"
    alert: Mapped[str] = mapped_column(String, primary_key=True)
    since: Mapped[datetime] = mapped_column(Moment)


class Notice(Table):
    """An alert that was told to a channel at a stage: once each. ``sent_at`` is empty while it could not be."""

    __tablename__ = "notice"
    alert: Mapped[str] = mapped_column(String, primary_key=True)
    stage: Mapped[str] = mapped_column(String, primary_key=True)
    channel: Mapped[str] = mapped_column(String, primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer)
    tried_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str | None] = mapped_column(String)
