"""An alert: one thing that somebody should know, and what to do about it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from licensing.core.instants import iso


class Severity(IntEnum):
    """How bad it is: to be known, to be acted on, or something stops or has stopped."""

    NOTICE = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The severity as it is written everywhere."""
        return self.name.lower()


class Alert(NamedTuple):
    """One thing that is wrong or soon will be.

    ``id`` stays the same for as long as it is about the same thing, and is what is acknowledged. ``rank`` rises with
    each stage that it worsens by, ``stage`` says the same to people. ``meaning`` and ``action`` are whole sentences.
    """

    id: str
    severity: Severity
    rank: int
    stage: str
    since: datetime
    subject: str
    meaning: str
    action: str

    @property
    def kind(self) -> str:
        """What it is about, as a stable code."""
        return self.id.partition(":")[0]

    @property
    def weight(self) -> tuple[int, int]:
        """What has to rise for the alert to have worsened."""
        return self.severity, self.rank

    def fields(self) -> dict[str, object]:
        """The alert for a script, as it is in ``azlic.alerts/v1`` and ``azlic.notice/v1``."""
        return {
            "id": self.id,
            "kind": self.kind,
            "severity": self.severity.word,
            "rank": self.rank,
            "stage": self.stage,
            "since": iso(self.since),
            "subject": self.subject,
            "meaning": self.meaning,
            "action": self.action,
        }


class EndedAlert(NamedTuple):
    """An alert that is over: since when it was there, and when it was found to be gone."""

    id: str
    severity: Severity
    since: datetime
    ended_at: datetime

    @property
    def kind(self) -> str:
        """What it was about, as a stable code."""
        return self.id.partition(":")[0]

    def fields(self) -> dict[str, object]:
        """The end for a script, as it is in ``azlic.notice/v1``."""
        return {
            "id": self.id,
            "kind": self.kind,
            "severity": self.severity.word,
            "since": iso(self.since),
            "ended_at": iso(self.ended_at),
        }


def severity_counts(alerts: Iterable[Alert]) -> str:
    """How many there are of each severity, the worst first: ``1 critical, 2 warning``."""
    counts = Counter(alert.severity for alert in alerts)
    return ", ".join(f"{counts[one]:,} {one.word}" for one in sorted(counts, reverse=True))
