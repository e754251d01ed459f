"""What the conditions judge by: everything that was looked at, as plain values, at one instant."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from licensing.verdict.verdict import Cause, Status, Verdict
from usage.months import Month
from usage.reporting.activity import ContainerActivity
from usage.reporting.plan_usage import PlanUsage

_DECIDED_BY_DATES = frozenset(
    {Status.VALID, Status.EXPIRING, Status.GRACE, Status.NOT_YET_VALID, Status.EXPIRED, Status.CLOCK_SUSPECT}
)


class LicenseFact(NamedTuple):
    """What is known of the license in one place. ``refusal`` is why it is no good at any date; None leaves it to dates.

    ``stated`` says that azlic cannot read it, and that its end is what the operator stated. ``stamp`` is that of the
    file it was just read from; empty where it was remembered, or is not to be.
    """

    path: str
    refusal: Status | None
    detail: str
    cause: Cause | None = None
    container: str = ""
    license_id: str = ""
    issued_at: datetime | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    grace_ends_at: datetime | None = None
    stated: bool = False
    stamp: bytes = b""


def license_fact(path: str, verdict: Verdict, stamp: bytes = b"") -> LicenseFact:
    """A verdict without what was so at its own instant only."""
    by_dates = verdict.status in _DECIDED_BY_DATES
    license_ = verdict.license
    return LicenseFact(
        path=path,
        refusal=None if by_dates else verdict.status,
        detail="" if by_dates else verdict.detail,
        cause=None if by_dates else verdict.cause,
        container=license_.container.type if license_ else "",
        license_id=license_.license_id if license_ else "",
        issued_at=license_.issued_at if license_ else None,
        not_before=license_.not_before if license_ else None,
        expires_at=license_.expires_at if license_ else None,
        grace_ends_at=license_.grace_ends_at if license_ else None,
        stamp=stamp if by_dates else b"",
    )


class TrustFact(NamedTuple):
    """When an issuer spoke last, until when its word about its keys holds, and when its next list is due."""

    issuer: str
    said_at: datetime | None
    ends_at: datetime | None
    next_list_at: datetime | None


class PlanFact(NamedTuple):
    """A plan; ``usage`` is its period that runs now, None where none does.

    ``followed`` says that each of its meters has a plan after its end, ``used_after`` that it was used after its end
    on no plan.
    """

    name: str
    container: str
    ends_at: datetime
    renews: bool
    followed: bool
    used_after: bool
    usage: PlanUsage | None


class Doubt(NamedTuple):
    """So many things of one kind that wait for somebody to look into them, and since when."""

    kind: str
    number: int
    since: datetime | None


class HandOver(NamedTuple):
    """``waits_since``: since when usage has been waiting for a receipt from head office; ``receipt_at`` is the last."""

    waits_since: datetime
    receipt_at: datetime | None


class Disk(NamedTuple):
    """A disk that azlic or a container writes to."""

    path: str
    free_bytes: int
    total_bytes: int


class AuditFact(NamedTuple):
    """The last audit of the ledger."""

    audited_at: datetime
    sound: bool
    detail: str


class ChannelFact(NamedTuple):
    """A channel that could not be reached when it was tried last."""

    channel: str
    attempts: int
    error: str


class State(NamedTuple):
    """Everything at ``now``. ``seen_since`` tells since when alerts have been there that carry no date of their own.

    ``ledger_error`` says why the ledger could not be asked; what it would have told is then empty, and not good.
    """

    now: datetime
    licenses: tuple[LicenseFact, ...] = ()
    trust: tuple[TrustFact, ...] = ()
    clock_behind: str | None = None
    ledger_error: str = ""
    plans: tuple[PlanFact, ...] = ()
    containers: tuple[ContainerActivity, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    pending_months: tuple[Month, ...] = ()
    hand_over: HandOver | None = None
    disks: tuple[Disk, ...] = ()
    audit: AuditFact | None = None
    channels: tuple[ChannelFact, ...] = ()
    seen_since: Mapping[str, datetime] = MappingProxyType({})

    def since(self, alert: str) -> datetime:
        """Since when an alert has been there, as far as anybody looked."""
        return self.seen_since.get(alert, self.now)
