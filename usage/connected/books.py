"""The vendor's ledger, as the issuer books connected use into it."""

from datetime import datetime

from sqlalchemy import Engine

from licensing.db.database import reading
from licensing.db.readonly import view_of
from licensing.delivery.usage_report import MeterReport, Reporter
from usage.connected.booking import book_report
from usage.connected.quota import used_up_plan


class VendorLedger:
    """A ledger that also takes what connected containers report: what ``licensing.issuer.billing.UsageBooks`` asks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def book(self, report: MeterReport, resource: str, *, now: datetime) -> bool:
        """Book a report; False where it was booked before."""
        return book_report(self._engine, report, resource, now=now)

    def used_up(self, resource: str, container: Reporter, *, now: datetime) -> str | None:
        """A plan that is used up for this container, in words."""
        with reading(self._engine) as connection:
            return used_up_plan(
                view_of(connection), resource, container.container_type, container.container_id, now=now
            )
