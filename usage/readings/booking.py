"""The virtual file of a reading source: what its counters rose by, as usage records that we make ourselves.

It exists nowhere. Its lines can be made again from the records in the ledger, byte for byte, so that its batches are
bound to each other and to their bytes like those of any other file.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, or_, select, update

from licensing.core.errors import AzlicError
from licensing.core.instants import milliseconds
from usage.ledger.tables.records import BatchRow, RecordRow, SeriesRow, SourceRow
from usage.ledger.writer import Cursor, Digest, Ledger
from usage.months import Month
from usage.quantity import from_micro
from usage.readings.counters import Step
from usage.readings.sources import KnownSource
from usage.records.record import MeteredQuantity, UsageRecord, encode
from usage.records.usage_files import Block
from usage.records.usage_logs import UNNAMED, UsageLogs

_json = msgspec.json.Encoder().encode
_IDS_A_QUERY = 500
_STRETCHES_A_QUERY = 200


@dataclass(frozen=True, slots=True)
class Increase:
    """What a reading of a month added to a meter, and when it was taken."""

    month: Month
    step: Step
    logs: UsageLogs
    taken_at: datetime


def record_of(increase: Increase, source: KnownSource, site: str) -> UsageRecord:
    """The increase as a record: its id says which, so that the same reading never counts twice, at no two sites alike.

    Its time is the reading's, moved into the month that it counts for.
    """
    step, month = increase.step, increase.month
    identity = ("azlic.reading/v1", site, source.name, month.number, step.meter, step.epoch, step.value)
    last = month.next.starts_at - timedelta(milliseconds=1)
    return UsageRecord(
        id=f"reading-{hashlib.sha256(_json(identity)).hexdigest()}",
        container_type=increase.logs.service,
        container_version=UNNAMED,
        container_id=source.name,
        meter=MeteredQuantity(step.meter, from_micro(step.increase)),
        request_time=milliseconds(min(max(increase.taken_at, month.starts_at), last)),
        api_type=increase.logs.api_type,
    )


def append(
    connection: Connection, ledger: Ledger, source: KnownSource, increases: Sequence[Increase], *, site: str
) -> None:
    """Book increases as further lines of the source's virtual file; those that are booked already are left out."""
    records = [record_of(increase, source, site) for increase in increases if increase.step.increase]
    known = _existing(connection, [record.id for record in records])
    lines = [encode(record) + b"\n" for record in records if record.id not in known]
    if not lines:
        return
    file = connection.execute(
        select(SourceRow.offset, SourceRow.line, SourceRow.consumed).where(SourceRow.key == source.file_key)
    )
    offset, line, consumed = file.one()
    cursor = Cursor(
        source.file_key, source.file, line, digest=_digest(connection, source, consumed if offset else None)
    )
    block = Block(offset, b"".join(lines))
    ledger.book(connection, cursor, block)
    ledger.flush(connection)
    values = {"offset": block.stop, "line": cursor.line, "consumed": cursor.digest.digest()}
    connection.execute(update(SourceRow).where(SourceRow.key == source.file_key).values(values))


def _existing(connection: Connection, identities: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(identities), _IDS_A_QUERY):
        query = select(RecordRow.id).where(RecordRow.id.in_(identities[start : start + _IDS_A_QUERY]))
        found.update(connection.execute(query).scalars())
    return found


def _digest(connection: Connection, source: KnownSource, consumed: bytes | None) -> Digest:
    """The digest that runs over the virtual file up to its end, from its lines as the ledger holds them."""
    digest = hashlib.sha256()
    for line in lines_of(connection, source):
        digest.update(line)
    if consumed is not None and digest.digest() != consumed:
        raise AzlicError(
            f"what the ledger holds of {source.file} is not what was booked",
            hint="the ledger was changed outside azlic: go back to an earlier copy of it; nothing was booked now",
        )
    return digest


def lines_of(connection: Connection, source: KnownSource) -> Iterator[bytes]:
    """The lines of the virtual file in their order, with their newlines, made from the records in the ledger."""
    columns = (
        RecordRow.id,
        SeriesRow.container_type,
        SeriesRow.container_version,
        SeriesRow.container_id,
        SeriesRow.meter,
        RecordRow.quantity,
        RecordRow.requested_at,
        SeriesRow.api_type,
    )
    stretches = _stretches(connection, source)
    for start in range(0, len(stretches), _STRETCHES_A_QUERY):
        within = [RecordRow.number.between(*stretch) for stretch in stretches[start : start + _STRETCHES_A_QUERY]]
        query = (
            select(*columns)
            .join(SeriesRow, SeriesRow.key == RecordRow.series)
            .where(or_(*within))
            .order_by(RecordRow.number)
        )
        for identity, kind, version, container, meter, micro, time, api_type in connection.execute(query):
            counted = MeteredQuantity(meter, from_micro(micro))
            yield encode(UsageRecord(identity, kind, version, container, counted, time, api_type)) + b"\n"


def _stretches(connection: Connection, source: KnownSource) -> list[tuple[int, int]]:
    """The first and the last number of each stretch of records that follow each other in the ledger."""
    query = select(BatchRow.first_record, BatchRow.first_record + BatchRow.records - 1)
    query = query.where(BatchRow.source == source.file_key, BatchRow.file == source.file).order_by(BatchRow.sequence)
    stretches: list[tuple[int, int]] = []
    for first, last in connection.execute(query):
        follows = bool(stretches) and stretches[-1][1] + 1 == first
        stretches.append((stretches.pop()[0] if follows else first, last))
    return stretches
