"""Rounding: an operator's word that numbers too fine to be counted exactly may be rounded, of one source at a time.

Microsoft's containers may report a double with its noise, as 4217.299999997811. It is rounded to the millionth, which
is what the ledger counts: a number that is exact stays as it is, a counter that rises never falls by it, and an
increase is the difference of two rounded values. Nothing is rounded that its operator has not let be.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from licensing.core.errors import BadCall
from usage.ledger.tables.records import FindingRow, ReadingRoundingRow, ReadingRow

KIND = "too-fine"
"""The finding that something of a source is not counted for want of a rounding."""


class Rounding(NamedTuple):
    """What was stated of a source: since which reading its numbers are rounded, or are not any more."""

    source: int
    after_reading: int
    rounds: bool
    reason: str
    stated_at: datetime
    stated_by: str


def list_roundings(connection: Connection) -> list[Rounding]:
    """All that was stated, in its order: the last of each source stands."""
    columns = [getattr(ReadingRoundingRow, name) for name in Rounding._fields]
    return [Rounding(*row) for row in connection.execute(select(*columns).order_by(ReadingRoundingRow.key))]


def state_rounding(
    connection: Connection, source: int, *, rounds: bool, reason: str, now: datetime, stated_by: str
) -> Rounding:
    """Keep what was stated. Raises ``BadCall`` without a reason."""
    if not (reason.strip() and reason.isprintable()):
        raise BadCall("it needs a reason, in one line", hint="--reason 'the container adds up in doubles'")
    newest = select(func.coalesce(func.max(ReadingRow.key), 0)).where(ReadingRow.source == source)
    stated = Rounding(source, connection.execute(newest).scalar_one(), rounds, reason, now, stated_by)
    connection.execute(insert(ReadingRoundingRow).values(stated._asdict()))
    return stated


def settle_findings(connection: Connection, file_key: int, *, reason: str, now: datetime) -> None:
    """Let what was not counted rest: it is counted now."""
    waiting = (FindingRow.source == file_key, FindingRow.kind == KIND, FindingRow.settled_at.is_(None))
    connection.execute(update(FindingRow).where(*waiting).values(settled_at=now, settled_why=f"rounded: {reason}"))
