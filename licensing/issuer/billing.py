"""The issuer's side of connected containers: is the key good, and what was used is booked.

The rules are those of a download, numbered as in licensing.issuer.issue:

1. the API key is one of a resource's two              else Invalid
2. the resource is the one the endpoint names          else Mismatch
3. the container is of the resource's kind             else Mismatch
4. the subscription is approved                        else ContainerUseUnauthorized
5. the resource's SKU is any but DC0                   else ContainerUseUnauthorized
6. the container is on the resource's list             else ContainerUseUnauthorized
9. where the resource stops at its quota: a plan is in force, and not used up   else OutOfQuota

Rules 7, 8 and 10 are about licenses. Rule 9 is asked after a report is booked: what was delivered is counted, however
the plan stands. Every report, and every denial, is a line of the audit log.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Engine

from licensing.core.errors import AzlicError
from licensing.db.database import reading, writing
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.usage_report import MeterReport, Reporter
from licensing.issuer.audit import note
from licensing.issuer.downloads import Payer, owner_of
from licensing.issuer.resources import DISCONNECTED_SKU
from licensing.issuer.rules import Refused, ask_list, ask_plan, ask_resource, require
from licensing.issuer.tables import ResourceRow


class BadReport(AzlicError):
    """A report that can never be booked: it is no usage record, or its id belongs to another."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="have the container's output folder examined: its report was changed")


class UsageBooks(Protocol):
    """Where reported use is booked for good. The issuer's store is none: whoever serves gives the vendor's ledger."""

    def book(self, report: MeterReport, resource: str, *, now: datetime) -> bool:
        """Book a report of a resource's container; False where it was booked before. Raises ``BadReport``."""

    def used_up(self, resource: str, container: Reporter, *, now: datetime) -> str | None:
        """Of which plan nothing is left for a container of a resource, in words; None while there is."""


@dataclass(frozen=True, slots=True)
class Billed:
    """How a key stands, None where nothing is wrong with it, and whether what was reported is booked."""

    denial: Denial | None
    booked: bool = False


class Billing:
    """The rules of connected containers over the issuer's store, and the books that their use goes into."""

    def __init__(self, engine: Engine, books: UsageBooks) -> None:
        self._engine = engine
        self._books = books

    def check(self, container: Reporter, *, resource: str, api_key: str, now: datetime) -> Billed:
        """Whether a key lets a container of a resource work."""
        asking = self._judge(container, resource, api_key)
        denial = asking.denial or self._quota(asking, now)
        if denial is not None:
            self._note(asking, "billing denial", now, code=denial.code)
        return Billed(denial)

    def report(self, report: MeterReport, *, resource: str, api_key: str, now: datetime) -> Billed:
        """Book a report, if it is not booked already, and say how the key stands then. Raises ``BadReport``."""
        asking = self._judge(report, resource, api_key)
        if asking.denial is not None:
            self._note(asking, "billing denial", now, code=asking.denial.code, report=report.id)
            return Billed(asking.denial)
        new = self._books.book(report, resource, now=now)
        denial = self._quota(asking, now)
        self._note(
            asking,
            "usage report" if new else "usage report again",
            now,
            report=report.id,
            meter=report.meter.name,
            quantity=f"{report.meter.quantity:f}",
            code=None if denial is None else denial.code,
        )
        return Billed(denial, booked=True)

    def _judge(self, container: Reporter, resource: str, api_key: str) -> "_Asking":
        """Ask rules 1 to 6."""
        with reading(self._engine) as connection:
            payer = owner_of(connection, api_key)
            try:
                found = ask_resource(connection, payer, resource, container.container_type)
                require(
                    found.sku != DISCONNECTED_SKU,
                    DenialCode.UNAUTHORIZED,
                    f"resource {resource} has SKU {found.sku}, which runs disconnected containers only",
                    "azlic issuer resource add --sku S0 enters one for connected containers",
                )
                ask_list(connection, resource, container.container_type)
            except Refused as refused:
                return _Asking(container, resource, payer, refused.denial, None)
        return _Asking(container, resource, payer, None, found)

    def _quota(self, asking: "_Asking", now: datetime) -> Denial | None:
        """Rule 9."""
        if asking.found is None or not asking.found.stops_at_quota:
            return None
        try:
            ask_plan(asking.found, now)
        except Refused as refused:
            return refused.denial
        used_up = self._books.used_up(asking.resource, asking.container, now=now)
        return None if used_up is None else Denial(DenialCode.OUT_OF_QUOTA, used_up)

    def _note(self, asking: "_Asking", action: str, now: datetime, **detail: str | None) -> None:
        with writing(self._engine) as connection:
            note(
                connection,
                at=now,
                actor=asking.payer.actor,
                action=action,
                subject=asking.resource,
                container=asking.container.container_type,
                version=asking.container.container_version,
                container_id=asking.container.container_id,
                **detail,
            )


@dataclass(frozen=True, slots=True)
class _Asking:
    """Who asks, and what rules 1 to 6 said: a denial, or the resource that pays."""

    container: Reporter
    resource: str
    payer: Payer
    denial: Denial | None
    found: ResourceRow | None
