"""An alert: one thing that somebody should know, and what to do about it."""

from datetime import datetime
from enum import IntEnum
from typing import NamedTuple


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
