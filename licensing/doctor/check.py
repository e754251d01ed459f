"""A check: one thing that was looked at, and how it stands. All that look, good or bad, say so in this form."""

from collections.abc import Iterable
from typing import NamedTuple

from licensing.doctor.finding import FindingLevel


class Check(NamedTuple):
    """What was looked at and found; ``level`` is None where nothing is wrong.

    Else ``command``, run by ``sh -c`` as it is, mends it; where no command can, ``do`` says what to try.
    """

    name: str
    level: FindingLevel | None
    found: str
    do: str = ""
    command: str | None = None


def exit_status(levels: Iterable[FindingLevel | None]) -> int:
    """0 nothing is wrong (there may be warnings), 1 something is, 3 something could not be examined."""
    seen = set(levels)
    if FindingLevel.ERROR in seen:
        return 1
    return 3 if FindingLevel.UNEXAMINED in seen else 0
