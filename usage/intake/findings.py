"""Findings: what is not as it should be about the sources, until somebody has looked into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, and_, select, update

from licensing.core.errors import BadCall
from licensing.db.database import writing
from licensing.db.lock import holding
from usage.ledger.tables.records import FindingRow, GapRow

_KEYS_A_STATEMENT = 1000
KINDS = {
    "gap": "records of a container are missing",
    "edited": "a line was changed after it was written",
    "removed": "a line that was taken is missing from its file",
    "disorder": "records are out of order",
    "reused": "a container restarted its numbering: its records were lost, or its mount is new",
    "shrunk": "a file became shorter",
    "rewritten": "a file's beginning changed",
    "replaced": "a file was replaced by another",
    "vanished": "a file is gone",
    "hole": "NUL bytes in a file were skipped",
    "passed-over": "what may hold usage was not taken",
    "counter-fell": "a counter fell: a new mount, or a lost one",
    "same-mount": "a mount may be counted twice",
    "too-fine": "a meter is reported too finely to be counted",
    "meter-refused": "a meter's report makes no sense",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: what kind, about which container and file, at which line, and whether it was settled."""

    key: int
    kind: str
    file: str
    line: int
    container_id: str | None
    detail: str
    found_at: datetime
    settled_why: str | None


@dataclass(frozen=True, slots=True)
class OpenGap:
    """Records that are missing to this day, and the number of the finding that tells of them, if one does."""

    container_id: str
    first: int
    last: int
    finding: int | None


def list_findings(connection: Connection, *, settled: bool = False) -> Sequence[Finding]:
    """The findings that nobody has settled; with ``settled`` all of them."""
    names = ("key", "kind", "file", "line", "container_id", "detail", "found_at", "settled_why")
    query = select(*(getattr(FindingRow, name) for name in names)).order_by(FindingRow.key)
    if not settled:
        query = query.where(FindingRow.settled_at.is_(None))
    return [Finding(*row) for row in connection.execute(query)]


def open_gaps(connection: Connection, *, settled: bool = False) -> Sequence[OpenGap]:
    """The records that are still missing, container by container; with ``settled`` those of settled findings, too."""
    told_by = and_(
        FindingRow.kind == "gap",
        FindingRow.container_id == GapRow.container_id,
        FindingRow.source == GapRow.source,
        FindingRow.line == GapRow.line,
    )
    query = select(GapRow.container_id, GapRow.first, GapRow.last, FindingRow.key).outerjoin(FindingRow, told_by)
    if not settled:
        query = query.where(FindingRow.settled_at.is_(None))
    return [OpenGap(*row) for row in connection.execute(query.order_by(GapRow.container_id, GapRow.first))]


def settle(engine: Engine, keys: Sequence[int], *, reason: str, now: datetime) -> int:
    """Let findings rest for a reason, which is kept with them; returns how many.

    Raises ``BadCall`` for a number that is not an open finding.
    """
    if not reason.strip():
        raise BadCall("settling a finding needs a reason", hint="--reason 'the file was moved to the archive by hand'")
    with holding(engine), writing(engine) as connection:
        waiting = {finding.key for finding in list_findings(connection)}
        if unknown := sorted(set(keys) - waiting):
            raise BadCall(f"there is no open finding {unknown[0]}", hint="azlic findings list")
        settled = sorted(set(keys))
        for start in range(0, len(settled), _KEYS_A_STATEMENT):
            chosen = FindingRow.key.in_(settled[start : start + _KEYS_A_STATEMENT])
            connection.execute(update(FindingRow).where(chosen).values(settled_at=now, settled_why=reason))
    return len(settled)
