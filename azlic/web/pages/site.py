"""The site as a page: its licenses with their days, what is to be done, and the report on the month that runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from azlic.web.pages.report import ReportView
from azlic.web.pages.templates import render_page
from licensing.verdict.severity import status_counts, worst_first
from licensing.verdict.verdict import RUNNING, Status, Verdict
from licensing.verification.renewal import renewal_starts_at
from usage.months import Month
from usage.reporting.plan_usage import by_month

Alert = tuple[str, str, str]
"""What is to be looked into: its severity, its title, and what to do."""


@dataclass(frozen=True, slots=True)
class SiteView:
    """The site as its template shows it."""

    as_of: datetime
    site: str
    licenses: Sequence[Verdict]
    counts: Sequence[tuple[str, str, int]]
    without: Sequence[Path]
    lead_days: int
    clock: str | None
    fault: str
    report: ReportView | None
    alerts: Sequence[Alert]

    @property
    def months(self) -> list[Month]:
        """The twelve months that have a page."""
        return list(by_month((), Month.of(self.as_of)))

    def renew_by(self, verdict: Verdict) -> datetime | None:
        """When the renewal of a license is to be started."""
        return renewal_starts_at(verdict, self.lead_days)


def license_counts(verdicts: Sequence[Verdict]) -> list[tuple[str, str, int]]:
    """How many licenses there are in each state, worst first, and how much of a warning that is."""
    return [(status.value, badge(status), count) for status, count in status_counts(verdicts).items()]


def badge(status: Status) -> str:
    """How much of a warning a state is: ``ok``, ``warn``, ``bad``."""
    if status is Status.VALID:
        return "ok"
    return "warn" if status in RUNNING else "bad"


def site_html(view: SiteView) -> str:
    """The site's home page."""
    return render_page("site.html", view=view, licenses=worst_first(view.licenses), badge=badge)


def month_html(view: ReportView) -> str:
    """The page of one month."""
    return render_page("month.html", view=view)


def login_html(*, refused: bool) -> str:
    """The page that asks for the token."""
    return render_page("login.html", refused=refused)
