"""What the page looks at: the licenses below some paths and the ledger, which it only reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from azlic.monitoring.metrics import metrics_text
from azlic.web.pages.report import ReportView, report_view
from azlic.web.pages.site import Alert, SiteView, license_counts
from licensing.core.errors import AzlicError
from licensing.db.database import reading
from licensing.history.read import read_seen
from licensing.verdict.verdict import Verdict
from licensing.verification.mounts import Mounts
from licensing.verification.watch import Watched
from usage.alerts.acknowledgements import WatchedAlert
from usage.alerts.state import LedgerFacts, State
from usage.ledger.checkpoints import ledger_head
from usage.months import Month
from usage.records.output_mount import UsageReport
from usage.reporting.burndown import burn_downs
from usage.reporting.report import monthly_report
from usage.reporting.snapshot import usage_logs


class Look(Protocol):
    """One look at the whole site, as `azlic check` has it: its state, and what somebody should know."""

    def __call__(self, *, now: datetime, with_use: bool = False) -> tuple[State, Sequence[WatchedAlert]]:
        """Look now; ``with_use`` adds up all that was ever used too."""


class Scrape(NamedTuple):
    """The metrics, and whether the ledger behind them could be read."""

    text: bytes
    ledger_readable: bool


@dataclass(frozen=True, slots=True)
class WatchedSite:
    """A site: its name, the gates before its licenses, its ledger, and the clock on the wall.

    The alerts and the metrics come from one ``look``.
    """

    name: str
    watched: Watched
    ledger: Engine
    clock: Callable[[], datetime]
    lead_days: int
    look: Look
    looking: Lock = field(default_factory=Lock)

    def view(self) -> SiteView:
        """Everything the home page shows, as of now. A ledger that cannot be read is reported on it."""
        now = self.clock()
        mounts, verdicts = self._licenses(now)
        report, suspect, fault = None, None, ""
        try:
            with reading(self.ledger) as connection:
                found = monthly_report(connection, Month.of(now), as_of=now)
                suspect = read_seen(connection).clock_behind(now)
                report = report_view(found, burn_downs(connection, found), ledger_head(connection), site=self.name)
        except AzlicError as error:
            fault = f"{error.message}: {error.hint}"
        return SiteView(
            as_of=now,
            site=self.name,
            licenses=verdicts,
            counts=license_counts(verdicts),
            without=mounts.without,
            lead_days=self.lead_days,
            clock=suspect,
            fault=fault,
            report=report,
            alerts=self._alerts(now),
        )

    def scrape(self) -> Scrape:
        """Everything that is to be watched. Raises ``AzlicError`` when the trust store cannot be listed."""
        state, found = self.look(now=self.clock(), with_use=True)
        readable = isinstance(state.ledger, LedgerFacts) and state.ledger.progress is not None
        return Scrape(metrics_text(state, found), readable)

    def _alerts(self, now: datetime) -> list[Alert]:
        try:
            _, found = self.look(now=now)
        except AzlicError as error:
            return [("critical", error.message, error.hint)]
        loud = [one.alert for one in found if one.acknowledgement is None]
        return [(alert.severity.word, f"{alert.subject}: {alert.meaning}", alert.action) for alert in loud]

    def _licenses(self, now: datetime) -> tuple[Mounts, list[Verdict]]:
        """The verdicts, one look at a time: gates that are being exchanged are no gates."""
        with self.looking:
            return self.watched.look(now)

    def month(self, month: Month) -> ReportView:
        """The report on a month, as of now."""
        with reading(self.ledger) as connection:
            found = monthly_report(connection, month, as_of=self.clock())
            return report_view(found, burn_downs(connection, found), ledger_head(connection), site=self.name)

    def usage_logs(self, month: Month | None = None) -> UsageReport:
        """The documented usage report over all of the ledger, or over one month of it."""
        with reading(self.ledger) as connection:
            return usage_logs(connection, month)
