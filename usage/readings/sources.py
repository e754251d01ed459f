"""Reading sources: the containers whose usage is known from their own reports, each under a name of the operator's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from licensing.core.errors import BadCall
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.records import CounterRow, ReadingRow, ReadingSourceRow, SourceRow
from usage.readings.rounding import Rounding, list_roundings

_NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source as the ledger keeps it: its key, its name, its virtual file's key, and whose mount it reports.

    ``rounds`` says that its operator lets numbers be rounded that are too fine to be counted.
    """

    key: int
    name: str
    file_key: int
    mirror_of: int | None
    rounds: bool = False

    @property
    def file(self) -> str:
        """The name of the virtual file that holds what is booked from it."""
        return SourceKind.READING.named(self.name)


@dataclass(frozen=True, slots=True)
class ListedSource:
    """A source for people: where its last reading came from and when, and how often its counters started again."""

    name: str
    origin: str
    last_reading_at: datetime
    epoch: int
    mirror_of: str | None
    rounding: Rounding | None = None


def list_sources(connection: Connection) -> Sequence[KnownSource]:
    """All reading sources, the oldest first."""
    columns = (ReadingSourceRow.key, ReadingSourceRow.name, ReadingSourceRow.source, ReadingSourceRow.mirror_of)
    rounds = {stated.source: stated.rounds for stated in list_roundings(connection)}
    found = connection.execute(select(*columns).order_by(ReadingSourceRow.key))
    return [KnownSource(*row, rounds=rounds.get(row.key, False)) for row in found]


def find_source(connection: Connection, name: str) -> KnownSource:
    """The source of a name. Raises ``BadCall`` where there is none."""
    for source in list_sources(connection):
        if source.name == name:
            return source
    raise BadCall(f"there is no source named {name}", hint="see: azlic sources list")


def enter_source(connection: Connection, name: str) -> KnownSource:
    """The source of a name, entered where it is new. Raises ``BadCall`` for an invalid name."""
    if not (1 <= len(name) <= _NAME_LENGTH and name.isprintable() and name == name.strip()):
        raise BadCall(
            f"{name!r} is not a valid name for a source",
            hint=f"use 1 to {_NAME_LENGTH} printable characters, for example the container's host name",
        )
    known = [source for source in list_sources(connection) if source.name == name]
    if known:
        return known[0]
    file = insert(SourceRow).values(path=SourceKind.READING.named(name)).returning(SourceRow.key)
    file_key = connection.execute(file).scalar_one()
    row = insert(ReadingSourceRow).values(name=name, source=file_key).returning(ReadingSourceRow.key)
    return KnownSource(connection.execute(row).scalar_one(), name, file_key, None)


def list_sources_with_readings(connection: Connection) -> Sequence[ListedSource]:
    """All sources in the order of their names, with their newest reading."""
    known = list_sources(connection)
    names = {source.key: source.name for source in known}
    epochs = select(CounterRow.source, func.max(CounterRow.epoch)).group_by(CounterRow.source)
    epoch_of: dict[int, int] = {row[0]: row[1] for row in connection.execute(epochs)}
    roundings = {stated.source: stated for stated in list_roundings(connection)}
    listed: list[ListedSource] = []
    for source in sorted(known, key=lambda source: source.name):
        query = select(ReadingRow.origin, ReadingRow.taken_at).where(ReadingRow.source == source.key)
        origin, taken_at = connection.execute(
            query.order_by(ReadingRow.taken_at.desc(), ReadingRow.key.desc()).limit(1)
        ).one()
        mirror_of = names[source.mirror_of] if source.mirror_of else None
        listed.append(
            ListedSource(
                source.name, origin, taken_at, epoch_of.get(source.key, 1), mirror_of, roundings.get(source.key)
            )
        )
    return listed
