"""The order of verdicts, worst first: what to look at before anything else.

Every refusal is worse than every permission. Among refusals the worse one is that which takes more trust away:

1. somebody may have had a hand in it, or has said no: nothing it says can be relied on, and no date will change that
2. there is nothing to be read, or nothing that can be trusted to be whole: it may be good, but nobody knows
3. a good license in the wrong place, or an older copy: the right one exists
4. only a date is wrong: it is known what will fix it, and when
5. azlic cannot know: the file is not of its own kind

Among permissions the one that ends first is the worse.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from licensing.verdict.verdict import Status, Verdict

WORST_FIRST = (
    Status.REVOKED,
    Status.CONFLICTING,
    Status.UNTRUSTED,
    Status.CLOCK_SUSPECT,
    Status.MISSING,
    Status.UNREADABLE,
    Status.MALFORMED,
    Status.SUPERSEDED,
    Status.WRONG_CONTAINER,
    Status.WRONG_INSTANCE,
    Status.WRONG_IMAGE,
    Status.EXPIRED,
    Status.NOT_YET_VALID,
    Status.OPAQUE,
    Status.GRACE,
    Status.EXPIRING,
    Status.VALID,
)

_RANK = {status: rank for rank, status in enumerate(WORST_FIRST)}
_UNKNOWN = datetime.min.replace(tzinfo=UTC)


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The verdicts in the order of their statuses, within one status by the license's end, then by path."""
    return sorted(verdicts, key=_severity)


def _severity(verdict: Verdict) -> tuple[int, datetime, str]:
    return _RANK[verdict.status], verdict.expires_at or _UNKNOWN, str(verdict.path)


def status_counts(verdicts: Iterable[Verdict]) -> dict[Status, int]:
    """How many verdicts there are of each status that occurs, worst first."""
    counts = Counter(verdict.status for verdict in verdicts)
    return {status: counts[status] for status in WORST_FIRST if counts[status]}
