"""How much a ledger holds: records, batches, the head behind the last of them, the closed months.

Read without SQLAlchemy where the ledger is a file.
"""

from datetime import datetime
from typing import NamedTuple

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import ReadOnlyConnection
from usage.ledger.closed_months import last_closed_month
from usage.months import Month


class Extent(NamedTuple):
    """What a ledger holds. ``taken_at`` is when its newest batch was taken; ``closed`` its newest closed month."""

    records: int
    batches: int
    taken_at: datetime | None
    head: bytes
    closed: Month | None


def read_extent(connection: ReadOnlyConnection) -> Extent:
    """How much the ledger holds now."""
    closed = last_closed_month(connection)
    (records,) = connection.select(_number, "SELECT sum(records) FROM batch")

    def extent(sequence: int, taken_at: int, head: bytes) -> Extent:
        return Extent(records, sequence, moment_of(taken_at), bytes(head), closed)

    newest = connection.select(extent, "SELECT sequence, taken_at, head FROM batch ORDER BY sequence DESC LIMIT 1")
    if newest:
        return newest[0]
    from usage.ledger.canonical import ORIGIN  # noqa: PLC0415 - where nothing was taken yet

    return Extent(0, 0, None, ORIGIN, closed)


def moment_of(taken_at: int) -> datetime | None:
    """When a batch was taken; None where nothing was taken before it, and it has no time of its own."""
    return from_milliseconds(taken_at) if taken_at else None


def _number(value: int | None) -> int:
    return int(value or 0)
