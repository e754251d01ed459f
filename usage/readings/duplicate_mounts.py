"""Mirrors: two sources that report the same mount, of which only one may count.

Containers that share an output folder each report the sum of everything in it (facts/azure-disconnected §2.4). The
younger source is then held back as the mirror of the older one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select, update

from licensing.core.text import name_word
from usage.ledger.tables.records import FindingRow, ReadingSourceRow
from usage.months import Month
from usage.quantity import group_digits
from usage.readings.archive import newest
from usage.readings.counters import sum_of_months
from usage.readings.inbox import Arrival
from usage.readings.sources import KnownSource, list_sources
from usage.records.usage_logs import parse_usage_logs

KIND = "same-mount"


@dataclass(frozen=True, slots=True)
class DuplicateMount:
    """Two sources that read alike: ``second`` is held back from now on. ``booked`` is what it had booked before."""

    first: KnownSource
    second: KnownSource
    what: str
    used: Mapping[str, int]
    booked: Mapping[str, int]

    @property
    def detail(self) -> str:
        """The finding, with what to do."""
        twice = f"; up to {amounts(self.booked)}, booked from it before, may be counted twice" if self.booked else ""
        return (
            f"{self.second.name} reports the same mount as {self.first.name}: both read {amounts(self.used)} for"
            f" {self.what}. It is no longer booked{twice}. If they are two mounts:"
            f" azlic sources separate {name_word(self.second.name)} --yes"
        )


def find_duplicate_mount(
    connection: Connection, source: KnownSource, arrivals: Iterable[Arrival]
) -> DuplicateMount | None:
    """The source that reads as this one does in all meters of a report, if anything was used, and neither is held back.

    Sources that were separated by hand are not compared again.
    """
    others = [
        other
        for other in list_sources(connection)
        if other.key != source.key and other.mirror_of is None and not _was_separated(connection, source, other)
    ]
    for arrival in arrivals:
        for other in others if arrival.logs.nonzero else ():
            if _charges(connection, other, arrival.month_number) == arrival.logs.nonzero:
                first, second = sorted((source, other), key=lambda one: one.key)
                booked = sum_of_months(connection, second.key)
                return DuplicateMount(first, second, arrival.what, arrival.logs.nonzero, _nonzero(booked))
    return None


def hold_back(connection: Connection, same: DuplicateMount) -> None:
    """Book the second source no more, nor whatever is held back for its sake."""
    held = or_(ReadingSourceRow.key == same.second.key, ReadingSourceRow.mirror_of == same.second.key)
    connection.execute(update(ReadingSourceRow).where(held).values(mirror_of=same.first.key))


def release(connection: Connection, source: KnownSource) -> None:
    """Let a source count for itself."""
    connection.execute(update(ReadingSourceRow).where(ReadingSourceRow.key == source.key).values(mirror_of=None))


def ahead_of(connection: Connection, first: KnownSource, arrival: Arrival) -> dict[str, int]:
    """What a mirror reads beyond the latest reading of the source that counts, by meter."""
    there = _charges(connection, first, arrival.month_number)
    return {
        meter: micro - there.get(meter, 0)
        for meter, micro in arrival.logs.nonzero.items()
        if micro > there.get(meter, 0)
    }


def differs_from(connection: Connection, first: KnownSource, arrival: Arrival) -> bool:
    """Whether a mirror cannot be one any more: it reads less than the other source did before."""
    kept = newest(connection, first.key, arrival.month_number)
    if kept is None or kept.taken_at > arrival.taken_at:
        return False
    there = _charges(connection, first, arrival.month_number)
    read = arrival.logs
    return any(micro > read.charges.get(meter, 0) for meter, micro in there.items() if meter not in read.refused)


def amounts(micros: Mapping[str, int]) -> str:
    """Quantities with their meters, for people."""
    return ", ".join(f"{group_digits(micro)} {meter}" for meter, micro in sorted(micros.items()))


def _was_separated(connection: Connection, one: KnownSource, other: KnownSource) -> bool:
    """Whether these two were found alike before: as neither is held back now, somebody has separated them."""
    pairs = or_(
        (FindingRow.source == one.file_key) & (FindingRow.container_id == other.name),
        (FindingRow.source == other.file_key) & (FindingRow.container_id == one.name),
    )
    return connection.execute(
        select(select(FindingRow.key).where(FindingRow.kind == KIND, pairs).exists())
    ).scalar_one()


def _charges(connection: Connection, source: KnownSource, month: int) -> dict[str, int]:
    kept = newest(connection, source.key, month)
    asked = Month.from_number(month) if month else None
    return parse_usage_logs(kept.content, month=asked, rounds=source.rounds).nonzero if kept else {}


def _nonzero(micros: Mapping[str, int]) -> dict[str, int]:
    return {meter: micro for meter, micro in micros.items() if micro}
