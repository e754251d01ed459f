"""What the conditions judge by: everything that was looked at, as plain values, at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from licensing.core.instants import from_milliseconds, iso
from licensing.core.text import sendable
from licensing.verdict.seen import CLOCK_TOLERANCE, Strike
from licensing.verdict.verdict import Cause, Status, Verdict
from usage.ledger.counted_ahead import CountedAhead
from usage.ledger.last_audit import LastAudit
from usage.months import Month
from usage.plans.arm_id import name_with_account
from usage.reporting.activity import ContainerActivity
from usage.reporting.draws import Afterwards
from usage.reporting.plan_usage import PlanUsage
from usage.reporting.quality import Doubt
from usage.reporting.snapshot import MeterTotal

_DECIDED_BY_DATES = frozenset(
    {Status.VALID, Status.EXPIRING, Status.GRACE, Status.NOT_YET_VALID, Status.EXPIRED, Status.CLOCK_SUSPECT}
)


class Issue(NamedTuple):
    """What a license of ours says about its beginning."""

    license_id: str
    issued_at: datetime
    not_before: datetime


UNSTATED = Issue("", from_milliseconds(0), from_milliseconds(0))
"""How the ledger writes down that nothing is known about an adopted license's beginning: no license has such an id."""


class LicenseTerm(NamedTuple):
    """How long a license runs. ``issue`` is None for an adopted one: of that, only the end is known, as stated."""

    expires_at: datetime
    grace_ends_at: datetime
    issue: Issue | None


@dataclass(frozen=True, slots=True)
class RefusedLicense:
    """A license that is not valid at any date, and why; ``term`` is there where it is genuine nevertheless.

    ``named`` says that the settings name this very place, so that a license is wanted there whatever lay there before.
    """

    path: str
    status: Status
    detail: str
    cause: Cause | None
    container: str
    term: LicenseTerm | None
    named: bool = False

    def __post_init__(self) -> None:
        if self.status in _DECIDED_BY_DATES:
            raise ValueError(f"{self.status} is decided by dates, and refuses nothing by itself")


@dataclass(frozen=True, slots=True)
class DatedLicense:
    """A license that is valid or not by its dates alone.

    ``stamp`` is that of the file it was just read from; empty where it was remembered, or is not to be.
    """

    path: str
    container: str
    term: LicenseTerm
    stamp: bytes


LicenseFact = RefusedLicense | DatedLicense
"""What is known of the license in one place: why it is not valid, or all the dates it is judged by."""


def license_fact(path: str, verdict: Verdict, stamp: bytes = b"") -> LicenseFact:
    """A verdict without what was so at its own instant only."""
    term, container = _term(verdict), verdict.container_type or ""
    if term is not None and verdict.status in _DECIDED_BY_DATES:
        return DatedLicense(path, container, term, stamp)
    return RefusedLicense(path, verdict.status, verdict.detail, verdict.cause, container, term)


def _term(verdict: Verdict) -> LicenseTerm | None:
    if (ours := verdict.license) is not None:
        issue = Issue(ours.license_id, ours.issued_at, ours.not_before)
        return LicenseTerm(ours.expires_at, ours.grace_ends_at, issue)
    return LicenseTerm(verdict.stated.expires_at, verdict.stated.expires_at, None) if verdict.stated else None


class TrustFact(NamedTuple):
    """When an issuer spoke last, until when its word about its keys holds, and when its next list is due."""

    issuer: str
    said_at: datetime | None
    ends_at: datetime | None
    next_list_at: datetime | None


class PlanFact(NamedTuple):
    """A plan; ``usage`` is its period that runs now, None where none does.

    ``followed`` says that each of its meters has a next term, or a plan that begins where it ends; one that merely runs
    beside it is none. ``used_after`` says that it was used after its end on no plan, ``afterwards`` what will become of
    its use, where nothing follows it.
    """

    name: str
    container: str
    ends_at: datetime
    renews: bool
    followed: bool
    used_after: bool
    usage: PlanUsage | None
    account: str | None = None
    afterwards: Afterwards | None = None

    @property
    def ending(self) -> str:
        """That it ends with nothing to follow, and what takes its use where another plan has its meters."""
        told = f"ends at {iso(self.ends_at)}, and no plan follows it."
        if self.afterwards and (self.afterwards.plans or self.afterwards.undecided):
            return f"{told} What is used from then on {self.afterwards.words}."
        return told

    @property
    def title(self) -> str:
        """The name, with the account beside it."""
        return name_with_account(self.name, self.account)


class HandOver(NamedTuple):
    """``waits_since``: since when usage has been waiting for a receipt from head office; ``receipt_at`` is the last."""

    waits_since: datetime
    receipt_at: datetime | None


class HandingFact(NamedTuple):
    """A site that hands over to this head office, and when its newest export was accepted; None before the first."""

    site: str
    accepted_at: datetime | None


class Disk(NamedTuple):
    """A disk that azlic or a container writes to."""

    path: str
    free_bytes: int
    total_bytes: int


class ChannelFact(NamedTuple):
    """A channel that could not be reached when it was tried last."""

    channel: str
    attempts: int
    error: str


class LedgerProgress(NamedTuple):
    """How far the ledger has come: its batches, and when the newest was taken; None before the first."""

    batches: int
    taken_at: datetime | None


class LedgerFacts(NamedTuple):
    """What the ledger says. ``seen_since``: since when alerts have been there that carry no date of their own.

    ``strikes`` are the witnesses of the clock that were struck since the last audit.
    ``progress`` is None where there is no ledger yet; ``used`` is empty unless it was asked for.
    ``undecided`` names, by meter, the plans of which no rule takes what was used in an open month.
    """

    plans: tuple[PlanFact, ...]
    containers: tuple[ContainerActivity, ...]
    doubts: tuple[Doubt, ...]
    pending_months: tuple[Month, ...]
    hand_over: HandOver | None
    audit: LastAudit | None
    channels: tuple[ChannelFact, ...]
    seen_since: Mapping[str, datetime]
    progress: LedgerProgress | None = None
    used: tuple[MeterTotal, ...] = ()
    undecided: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    strikes: tuple[Strike, ...] = ()
    handing: tuple[HandingFact, ...] = ()
    counted_ahead: tuple[CountedAhead, ...] = ()


NO_LEDGER = LedgerFacts((), (), (), (), None, None, (), MappingProxyType({}))
"""What is known where there is no ledger yet."""


class UnreadableLedger(NamedTuple):
    """A ledger that could not be asked, or is missed, and why: nothing is known of it, and that is not good."""

    error: str


class State(NamedTuple):
    """Everything at ``now``. ``missing_trust`` is the trust store that has to be there and is not."""

    now: datetime
    licenses: tuple[LicenseFact, ...]
    trust: tuple[TrustFact, ...]
    clock_behind: str | None
    ledger: LedgerFacts | UnreadableLedger
    disks: tuple[Disk, ...]
    missing_trust: str = ""

    def since(self, alert: str) -> datetime:
        """Since when an alert has been there, as far as anybody looked."""
        known = {} if isinstance(self.ledger, UnreadableLedger) else self.ledger.seen_since
        return known.get(sendable(alert), self.now)

    def status_of(self, fact: LicenseFact) -> Status:
        """What a license comes to now, in the order in which ``verify`` asks: refusals, the clock, then the dates."""
        if isinstance(fact, RefusedLicense):
            return fact.status
        term, now = fact.term, self.now
        if self.clock_behind or is_issued_later(fact, now):
            return Status.CLOCK_SUSPECT
        if term.issue is not None and now < term.issue.not_before:
            return Status.NOT_YET_VALID
        if now < term.expires_at:
            return Status.VALID
        return Status.GRACE if now < term.grace_ends_at else Status.EXPIRED


def is_issued_later(fact: LicenseFact, now: datetime) -> bool:
    """Whether a license was issued later than a clock says it is, which then is behind."""
    issue = fact.term.issue if fact.term else None
    return issue is not None and issue.issued_at > now + CLOCK_TOLERANCE
