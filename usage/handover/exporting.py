"""Export: what is new in a ledger, in one signed file for head office or an auditor. The same export is the same bytes.

An export begins where the one before it ended, or at a checkpoint that somebody kept. It is remembered here: asked for
again it is written again, byte for byte, and a ledger that no longer holds what it gave out gives out nothing more.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import Signer
from sqlalchemy import Connection, Engine, func, insert, select

from licensing.core.errors import AzlicError, BadCall
from licensing.core.files import writing_whole
from licensing.core.instants import iso
from licensing.db.database import reading, writing
from licensing.db.lock import holding
from licensing.db.schema import rows_of
from licensing.history.remember import advance
from licensing.signing.envelope import seal
from licensing.verdict.seen import WitnessKind
from usage.handover.archive import Writer
from usage.handover.contents import head_at, links, read_contents, sealed_fields
from usage.handover.errors import HandoverRefused
from usage.handover.manifest import (
    EXPORT_TYPE,
    RECORDS,
    Close,
    Manifest,
    Member,
    Position,
    parse_manifest,
)
from usage.handover.sheets import write_sheets
from usage.handover.sums import Sums
from usage.ledger.canonical import Labels, SealedBatch, encode
from usage.ledger.checkpoints import Checkpoint, head_text, origin_of
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.handover import ExportRow
from usage.ledger.tables.months import ClosedMonthRow
from usage.ledger.tables.records import BatchRow, SeriesRow
from usage.months import Month


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that is in its file now; ``again`` says that it was written before, with the same bytes."""

    manifest: Manifest
    key_id: str
    again: bool


@dataclass(frozen=True, slots=True)
class _Range:
    """The batches that an export holds, and the export that holds just these already."""

    first: int
    last: int
    follows: int | None
    known: ExportRow | None


def export(  # one call for the one thing a site does every month
    engine: Engine,
    path: Path,
    *,
    signer: Signer,
    site: str,
    tool: str,
    now: datetime,
    month: Month | None = None,
    since: Checkpoint | None = None,
    holds: str = RECORDS,
) -> Exported:
    """Write an export of what came behind the last one, or behind a checkpoint; up to the close of ``month``.

    Raises ``BadCall`` where there is nothing to hand over or the month is not closed, ``Refused`` where the ledger does
    not hold what it gave out before, ``AzlicError`` where the ledger was changed or the file cannot be written.
    """
    if not site:
        raise BadCall("this site has no name for a hand-over", hint='set AZLIC_SITE, or site = "NAME" in azlic.toml')
    with holding(engine):
        with writing(engine) as connection:
            origin = origin_of(connection, site=site, now=now)
            advance(connection, WitnessKind.EVALUATION, now, "export")
        with writing_whole(path) as file, Writer(file) as writer:
            with reading(engine) as connection:
                wanted = _range(connection, origin, month=month, since=since, holds=holds)
                if wanted.known is not None:
                    return _again(connection, writer, wanted.known, signer)
                made = _Making(connection, writer, wanted, holds)
                number = 1 + (connection.execute(select(func.max(ExportRow.number))).scalar() or 0)
                manifest = made.manifest(site=site, origin=origin, number=number, month=month, tool=tool, now=now)
            writer.finish(seal(manifest.to_bytes(), EXPORT_TYPE, signer))
            with writing(engine) as connection:
                connection.execute(insert(ExportRow).values(_row(manifest, month, now)))
    return Exported(manifest, signer.public_key.keyid, again=False)


def _range(connection: Connection, origin: str, *, month: Month | None, since: Checkpoint | None, holds: str) -> _Range:
    size = connection.execute(select(func.max(BatchRow.sequence))).scalar() or 0
    given = list(rows_of(connection, ExportRow, order_by=[ExportRow.number.desc()]))
    for row in given[:1]:
        _check_connects(connection, row, size)
    last = _last_to_hand_over(connection) if month is None else _closing_batch(connection, month)
    if not last:
        raise BadCall("the ledger holds nothing to hand over", hint="azlic ingest takes usage into it")
    if since is not None:
        start = _size_of(connection, since, origin, size)
    elif holding_it := next((row for row in given if row.first_batch <= last <= row.last_batch), None):
        start, last = holding_it.first_batch - 1, holding_it.last_batch
    else:
        start = max((row.last_batch for row in given if row.last_batch <= last), default=0)
    if start >= last:
        raise BadCall(
            "there is nothing new after that checkpoint",
            hint="azlic export without --since writes the last export again",
        )
    follows = next((row.number for row in given if row.last_batch == start), None)
    same = (row for row in given if (row.first_batch, row.last_batch, row.holds) == (start + 1, last, holds))
    return _Range(start + 1, last, follows, next(same, None))


def _check_connects(connection: Connection, row: ExportRow, size: int) -> None:
    """What was exported last has to be in the ledger still; else it was rolled back, or forked."""
    head = head_at(connection, row.last_batch)
    if head != row.head:
        has = f"it has only {size} batches" if head is None else f"its head there is {head_text(head)}"
        raise HandoverRefused(
            f"export {row.number} ended at batch {row.last_batch} with head {head_text(row.head)}, and this ledger does"
            f" not continue from there: {has}",
            hint="it was rolled back or changed: go back to the ledger that made that export. Nothing was handed over",
        )


def _last_to_hand_over(connection: Connection) -> int:
    """The last batch that holds what head office books; that an export was made is no reason for another one."""
    held = select(func.max(BatchRow.sequence)).where(BatchRow.file != SourceKind.CHANGE.value)
    return connection.execute(held).scalar() or 0


def _closing_batch(connection: Connection, month: Month) -> int:
    batch = connection.execute(select(ClosedMonthRow.batch).where(ClosedMonthRow.month == month.number)).scalar()
    if batch is None:
        raise BadCall(
            f"{month} is not closed", hint=f"azlic close {month} first; without --month everything new is handed over"
        )
    return int(batch)


def _size_of(connection: Connection, since: Checkpoint, origin: str, size: int) -> int:
    """A checkpoint's place in this ledger."""
    if since.origin != origin:
        raise HandoverRefused(
            f"the checkpoint is of the ledger {since.origin}, and this one is {origin}",
            hint="name a checkpoint of this ledger",
        )
    head = head_at(connection, since.size)
    if head != since.head:
        has = f"has {size} batches" if head is None else f"has the head {head_text(head)} there"
        raise HandoverRefused(
            f"the checkpoint says batch {since.size} with head {head_text(since.head)}, and this ledger {has}",
            hint="the ledger was rolled back or changed since the checkpoint was made: go back to the one that made it",
        )
    return since.size


class _Making:
    """One export in the making: its members are written first, the manifest then describes them."""

    def __init__(self, connection: Connection, writer: Writer, wanted: _Range, holds: str) -> None:
        self._connection = connection
        self._wanted = wanted
        self._holds = holds
        self._sums = Sums()
        self._head = b""
        self._writer = writer
        self.members = self._write()

    def _write(self) -> tuple[Member, ...]:
        """The members in their order; the batches are read twice, so that neither is held in memory."""
        names = dict(_series(self._connection, self._wanted.last))
        batches = self._writer.add("batches.jsonl", self._batches())
        if self._holds == RECORDS:
            held = self._writer.add("contents.jsonl", self._contents())
        else:
            for _ in self._contents():
                pass
            held = self._writer.add("totals.json", [self._sums.to_bytes()])
        series = self._writer.add("series.json", [encode(list(names.items()))])
        made = write_sheets(self._sums, names).items()
        return batches, held, series, *(self._writer.add(name, [content]) for name, content in made)

    def _batches(self) -> Iterator[bytes]:
        wanted = BatchRow.sequence.between(self._wanted.first, self._wanted.last)
        for row in rows_of(self._connection, BatchRow, wanted, order_by=[BatchRow.sequence]):
            yield batch_line(sealed_fields(row), row.head)

    def _contents(self) -> Iterator[bytes]:
        for batch, head, line in links(self._connection, self._wanted.first, self._wanted.last):
            self._sums.add(batch.sequence, read_contents(line, batch))
            self._head = head
            yield line + b"\n"

    def manifest(
        self, *, site: str, origin: str, number: int, month: Month | None, tool: str, now: datetime
    ) -> Manifest:
        """What the export says of itself."""
        first, last = self._wanted.first, self._wanted.last
        return Manifest.model_validate(
            {
                "site": site,
                "origin": origin,
                "number": number,
                "holds": self._holds,
                "month": str(month) if month else None,
                "first_batch": first,
                "last_batch": last,
                "previous": Position(size=first - 1, head=(head_at(self._connection, first - 1) or b"").hex()),
                "follows": self._wanted.follows,
                "head": self._head.hex(),
                "checkpoint": str(Checkpoint(origin, last, self._head)),
                "records": self._sums.records,
                "closes": tuple(_closes(self._connection, first, last)),
                "tool": tool,
                "created_at": iso(now),
                "members": self.members,
            }
        )


def batch_line(batch: SealedBatch, head: bytes) -> bytes:
    """A batch's line in ``batches.jsonl``: the fields that its head binds, and the head.

    Those of earlier versions bind three fields less.
    """
    consumed, rows = batch.consumed.hex(), batch.rows.hex()
    place = (batch.sequence, batch.file, batch.start, batch.stop, consumed, batch.first_record, batch.records, rows)
    more = () if batch.entries is None else (batch.source, batch.taken_at, batch.entries.hex())
    return encode((*place, *more, head.hex())) + b"\n"


def _series(connection: Connection, last: int) -> Iterable[tuple[int, Labels]]:
    for row in rows_of(connection, SeriesRow, SeriesRow.batch <= last, order_by=[SeriesRow.key]):
        yield (
            row.key,
            (row.container_id, row.meter, row.container_version, row.container_type, row.api_type, row.site),
        )


def _closes(connection: Connection, first: int, last: int) -> Iterator[Close]:
    closed = ClosedMonthRow.batch.between(first, last)
    for row in rows_of(connection, ClosedMonthRow, closed, order_by=[ClosedMonthRow.batch]):
        month, totals = str(Month.from_number(row.month)), row.totals.hex()
        yield Close(month=month, batch=row.batch, closed_at=row.closed_at, reason=row.reason, totals=totals)


def _row(manifest: Manifest, month: Month | None, now: datetime) -> dict[str, object]:
    payload = manifest.to_bytes()
    return {
        "number": manifest.number,
        "first_batch": manifest.first_batch,
        "last_batch": manifest.last_batch,
        "head": bytes.fromhex(manifest.head),
        "digest": digest_of(payload),
        "manifest": payload,
        "holds": manifest.holds,
        "month": month.number if month else None,
        "made_at": now,
    }


def digest_of(payload: bytes) -> bytes:
    """What distinguishes exports: the digest of the signed payload, which an envelope's outer form cannot change."""
    return hashlib.sha256(payload).digest()


def _again(connection: Connection, writer: Writer, row: ExportRow, signer: Signer) -> Exported:
    """The same export once more, from the ledger as it is now and the manifest as it was signed."""
    manifest = parse_manifest(row.manifest)
    made = _Making(connection, writer, _Range(row.first_batch, row.last_batch, None, None), row.holds)
    if made.members != manifest.members:
        raise AzlicError(
            f"export {row.number} cannot be made again as it was: the ledger gives other bytes now",
            hint="go back to an earlier copy of the ledger; nothing was handed over",
        )
    writer.finish(seal(row.manifest, EXPORT_TYPE, signer))
    return Exported(manifest, signer.public_key.keyid, again=True)
