"""Whether a connected container serves: a state and what moves it, with no clock, network or disk of its own.

It asks its billing endpoint at the start and at an interval, and serves from a good answer on until a bad one. One that
could not be reached is asked again at the same interval, ten times in all; then the container stops serving for good,
until it is started again. One that answered no goes on being asked: more quota may come.
Source: seeds/containers-faq (the states), seeds/read-ocr-container (connecting to Azure), facts §2.6.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.usage_report import KEY_IS_VALID, VALID

TRIES = 10
_NOT_REACHED = {DenialCode.COULD_NOT_CONNECT, DenialCode.BUSY, DenialCode.UNKNOWN}
_NOT_ASKED = Denial(DenialCode.UNKNOWN, "the API key has not been checked with the billing endpoint yet")


class Step(Enum):
    """What is to be done now."""

    ASK = "ask the endpoint"
    WAIT = "wait until it is due"
    STOP = "ask no more"


@dataclass(frozen=True, slots=True)
class BillingState:
    """How a container stands with its endpoint. ``denial`` says why it does not serve, and is None while it does.

    ``tries`` are those in a row that did not reach it, each an ``interval`` after the one before at least, however soon
    it was asked again; ``asked_at`` is when it was asked last, ``due_at`` when it is to be asked next.
    """

    interval: timedelta
    due_at: datetime
    denial: Denial | None = _NOT_ASKED
    asked_at: datetime | None = None
    tries: int = 0
    tried_at: datetime | None = None

    @property
    def stopped(self) -> bool:
        """Whether it stopped serving for good."""
        return self.tries >= TRIES

    @property
    def name(self) -> str:
        """The state as ``apiStatus`` has it."""
        return VALID if self.denial is None else self.denial.code

    @property
    def message(self) -> str:
        """The state in words."""
        if self.denial is None:
            return KEY_IS_VALID
        if self.stopped:
            return f"{self.denial.detail}; after {TRIES} tries the container serves no more until it is started again"
        if self.denial.code in _NOT_REACHED and self.tries:
            return f"{self.denial.detail}; trying {TRIES - self.tries} more times"
        return self.denial.detail

    def step(self, now: datetime) -> Step:
        """What is to be done; a clock that was turned back makes nobody wait for it."""
        if self.stopped:
            return Step.STOP
        turned_back = self.asked_at is not None and now < self.asked_at
        return Step.ASK if now >= self.due_at or turned_back else Step.WAIT

    def retry_after(self, now: datetime) -> int | None:
        """After how many seconds a client may find it serving; None where it serves, or will not on its own."""
        if self.denial is None or self.stopped or self.denial.code not in _NOT_REACHED:
            return None
        return max(1, -((now - self.due_at) // timedelta(seconds=1)))

    def answered(self, denial: Denial | None, *, now: datetime) -> "BillingState":
        """The state after an answer, or after there was none: ``denial`` is None where all is well."""
        later = replace(self, denial=denial, asked_at=now, due_at=now + self.interval)
        if denial is None or denial.code not in _NOT_REACHED:
            return replace(later, tries=0, tried_at=None)
        if denial.retry_after is not None:
            later = replace(later, due_at=now + timedelta(seconds=max(1.0, denial.retry_after)))
        soon = self.tried_at is not None and self.tried_at <= now < self.tried_at + self.interval
        return later if soon else replace(later, tries=self.tries + 1, tried_at=now)


def begin(now: datetime, *, interval: timedelta) -> BillingState:
    """The state of a container that starts: it asks at once, and serves once it is told that its key is good."""
    return BillingState(interval, due_at=now)
