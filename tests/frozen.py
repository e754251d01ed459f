"""The program's one clock in a test's hand: nothing but ``azlic/clock.py`` looks at a real one, as a test holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from azlic import clock


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def move_to(self, instant: datetime | str) -> None:
        self._now = _instant(instant)

    def tick(self, span: timedelta = timedelta(seconds=1)) -> None:
        self._now += span


@contextmanager
def clock_at(instant: datetime | str) -> Iterator[Clock]:
    """The program's clock, standing at an instant, which is in UTC where nothing else is said."""
    held = Clock(_instant(instant))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", held)
        yield held


def _instant(instant: datetime | str) -> datetime:
    found = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return found if found.tzinfo else found.replace(tzinfo=UTC)
