"""The shelf of readings: every report as it came, byte for byte, with when it was taken and where it came from.

Of a run of equal readings the first and the last are kept: together they say from when to when it read so.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Select, func, insert, select, update

from usage.ledger.tables.records import ReadingRow
from usage.readings.inbox import Arrival


class ArrivalOrder(StrEnum):
    """Where an arrival belongs among the readings of its source and month."""

    NEWEST = "newest"
    OLDER = "older"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class ArchivedReading:
    """A reading on the shelf."""

    key: int
    month: int
    taken_at: datetime
    content: bytes


def archive_reading(connection: Connection, source: int, arrival: Arrival) -> ArrivalOrder:
    """Keep an arrival, unless it is here already.

    1. It is known when its bytes are here with the same time stamp, or under any where nobody said when it was taken.
    2. It is older when a newer one is here: it is kept, and counts nothing.
    3. Else it is the newest; the last of a run of equal ones gives way to it.
    """
    same = _of(source, arrival.month_number).where(ReadingRow.content == arrival.content)
    if arrival.stated:
        same = same.where(ReadingRow.taken_at == arrival.taken_at)
    if connection.execute(select(same.exists())).scalar_one():
        return ArrivalOrder.KNOWN
    last = _last(connection, source, arrival.month_number, 2)
    if last and arrival.taken_at < last[0].taken_at:
        _insert(connection, source, arrival)
        return ArrivalOrder.OLDER
    if len(last) == 2 and all(kept.content == arrival.content for kept in last):
        values = {"taken_at": arrival.taken_at, "origin": arrival.origin}
        connection.execute(update(ReadingRow).where(ReadingRow.key == last[0].key).values(values))
    else:
        _insert(connection, source, arrival)
    return ArrivalOrder.NEWEST


def newest(connection: Connection, source: int, month: int) -> ArchivedReading | None:
    """The newest reading of a source's month (0 for everything)."""
    found = _last(connection, source, month, 1)
    return found[0] if found else None


def month_readings(connection: Connection, source: int) -> list[ArchivedReading]:
    """All readings of a source's months in the order they came, without those of everything."""
    query = select(ReadingRow.key, ReadingRow.month, ReadingRow.taken_at, ReadingRow.content)
    query = query.where(ReadingRow.source == source, ReadingRow.month != 0).order_by(ReadingRow.key)
    return [ArchivedReading(*row) for row in connection.execute(query)]


def count_copies(connection: Connection, source: int, arrival: Arrival) -> int:
    """How many readings of the same month hold the very bytes of an arrival."""
    same = _of(source, arrival.month_number).where(ReadingRow.content == arrival.content)
    return connection.execute(select(func.count()).select_from(same.subquery())).scalar_one()


def _of(source: int, month: int) -> Select[int, int, datetime, bytes]:
    query = select(ReadingRow.key, ReadingRow.month, ReadingRow.taken_at, ReadingRow.content)
    return query.where(ReadingRow.source == source, ReadingRow.month == month)


def _last(connection: Connection, source: int, month: int, count: int) -> list[ArchivedReading]:
    ordered = _of(source, month).order_by(ReadingRow.taken_at.desc(), ReadingRow.key.desc()).limit(count)
    return [ArchivedReading(*row) for row in connection.execute(ordered)]


def _insert(connection: Connection, source: int, arrival: Arrival) -> None:
    connection.execute(
        insert(ReadingRow).values(
            source=source,
            month=arrival.month_number,
            taken_at=arrival.taken_at,
            origin=arrival.origin,
            content=arrival.content,
        )
    )
