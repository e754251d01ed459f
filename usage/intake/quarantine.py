"""The quarantine: lines that were kept apart, reviewed by people, and taken after all or discarded with a reason."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, select, update

from licensing.core.errors import BadCall
from licensing.core.instants import iso, milliseconds
from licensing.db.database import writing
from licensing.db.lock import holding
from licensing.db.schema import rows_of
from usage.ledger.receipt import Receipt
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.records import QuarantineRow, SourceRow
from usage.ledger.writer import Cursor, Ledger
from usage.records.usage_files import SIZES, Block, OpenFile, UnreadableFile


@dataclass(frozen=True, slots=True)
class QuarantinedLine:
    """A line in quarantine: where it stood, why it was set apart, and how it was settled, if it was.

    ``content`` is its beginning where the ``length`` is larger; ``digest`` is of all of it.
    """

    key: int
    kind: str
    file: str
    line: int
    start: int
    reason: str
    content: bytes
    length: int
    digest: bytes
    taken_at: datetime
    settled_as: str | None
    settled_why: str | None

    @property
    def is_whole(self) -> bool:
        """Whether the content is all of the line."""
        return len(self.content) >= self.length


def list_quarantined(connection: Connection, *, settled: bool = False) -> Sequence[QuarantinedLine]:
    """The lines in quarantine that wait for somebody; with ``settled`` those that do not any more, too."""
    return _lines(connection, *([] if settled else [QuarantineRow.settled_at.is_(None)]))


def _lines(connection: Connection, *conditions: ColumnElement[bool]) -> list[QuarantinedLine]:
    return [
        QuarantinedLine(
            key=row.key,
            kind=row.kind,
            file=row.file,
            line=row.line,
            start=row.start,
            reason=row.reason,
            content=row.content,
            length=len(row.content) if row.length is None else row.length,
            digest=row.digest,
            taken_at=row.taken_at,
            settled_as=row.settled_as,
            settled_why=row.settled_why,
        )
        for row in rows_of(connection, QuarantineRow, *conditions, order_by=[QuarantineRow.key])
    ]


def retry(
    engine: Engine, keys: Sequence[int] | None, *, now: datetime, site: str = "", dated: datetime | None = None
) -> Receipt:
    """Take lines after all, as this version reads them: all that wait, or those named.

    ``dated`` states when records that are dated ahead were written in truth. What is still no record, still in conflict
    or still dated ahead stays as it is and is counted again in the receipt. Of a long line the ledger holds only the
    beginning: it is read from its file. Raises ``BadCall`` for a number that is not in quarantine, for a line that was
    named and is no longer in its file, and for a statement about a line that is not dated ahead.
    """
    if dated is not None and dated > now:
        raise BadCall(f"{iso(dated)} is in the future", hint="state when the records were written, in UTC")
    receipt = Receipt()
    with holding(engine), writing(engine) as connection:
        for item in _chosen(connection, keys):
            if dated is not None and item.kind != "ahead":
                raise BadCall(f"line {item.key} is not dated ahead", hint="azlic quarantine list shows which are")
            if item.kind == "conflict":
                receipt.conflicts += 1
                continue
            content = item.content if item.is_whole else _read_again(connection, item)
            if content is None:
                if keys is not None:
                    raise BadCall(
                        f"line {item.key} is {item.length:,} bytes long, and is no longer in its file",
                        hint=f"restore the file, or: azlic quarantine discard {item.key} --reason TEXT",
                    )
                receipt.quarantined += 1
                continue
            with connection.begin_nested() as attempt:
                content = content if dated is None else _dated(content, dated)
                taken = _book_again(connection, [item], content, now=now, site=site)
                if taken.new or taken.duplicates or taken.conflicts:
                    receipt.new += taken.new
                    receipt.duplicates += taken.duplicates
                    receipt.conflicts += taken.conflicts
                    receipt.findings += taken.findings
                    _settle(connection, item, "retried", _how(dated), now)
                else:
                    receipt.quarantined += taken.quarantined
                    receipt.ahead += item.kind == "ahead" and not taken.quarantined
                    attempt.rollback()
    return receipt


def take_due(connection: Connection, *, now: datetime, receipt: Receipt, site: str) -> None:
    """Take the records that were dated ahead and whose time has come, within the transaction of an ingest."""
    waiting = (QuarantineRow.kind == "ahead", QuarantineRow.settled_at.is_(None), QuarantineRow.due_at <= now)
    for _, lines in groupby(_lines(connection, *waiting), key=lambda item: item.file):
        items = list(lines)
        taken = _book_again(connection, items, b"\n".join(item.content for item in items), now=now, site=site)
        receipt.new += taken.new
        receipt.duplicates += taken.duplicates
        receipt.conflicts += taken.conflicts
        receipt.quarantined += taken.quarantined
        receipt.findings += taken.findings
        receipt.late += taken.late
        for item in items:
            _settle(connection, item, "retried", "its day has come", now)


def _dated(content: bytes, at: datetime) -> bytes:
    """The record in a line, under another time."""
    fields = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    return msgspec.json.encode(fields | {"requestTime": msgspec.Raw(str(milliseconds(at)).encode())})


def _how(dated: datetime | None) -> str:
    return "it was read as a record after all" if dated is None else f"it was stated to be of {iso(dated)}"


def discard(engine: Engine, keys: Sequence[int], *, reason: str, now: datetime) -> int:
    """Put lines aside for a reason, which is kept with them; returns how many. Nothing is deleted."""
    if not reason.strip():
        raise BadCall("discarding a line needs a reason", hint="--reason 'torn by the power cut of 3 March'")
    with holding(engine), writing(engine) as connection:
        chosen = _chosen(connection, keys)
        for item in chosen:
            _settle(connection, item, "discarded", reason, now)
    return len(chosen)


def _chosen(connection: Connection, keys: Sequence[int] | None) -> list[QuarantinedLine]:
    found = list_quarantined(connection)
    if keys is None:
        return list(found)
    by_key = {item.key: item for item in found}
    if unknown := sorted(set(keys) - set(by_key)):
        raise BadCall(f"no line {unknown[0]} waits in quarantine", hint="azlic quarantine list")
    return [by_key[key] for key in sorted(set(keys))]


def _read_again(connection: Connection, item: QuarantinedLine) -> bytes | None:
    """A line as its file has it now, if it is the same; None where it is not, or is longer than any record."""
    query = select(SourceRow.path).join(QuarantineRow, QuarantineRow.source == SourceRow.key)
    path = connection.execute(query.where(QuarantineRow.key == item.key)).scalar_one()
    if item.length > SIZES.block:
        return None
    try:
        with OpenFile(Path(path)) as file:
            content = file.read(item.start, item.length)
    except (FileNotFoundError, UnreadableFile):
        return None
    return content if hashlib.sha256(content).digest() == item.digest else None


def _book_again(
    connection: Connection, items: Sequence[QuarantinedLine], content: bytes, *, now: datetime, site: str
) -> Receipt:
    """Offer lines of one source to the ledger once more, as a file of their own: their place was passed long ago."""
    item = items[0]
    receipt = Receipt()
    ledger = Ledger(connection, now=now, receipt=receipt, site=site)
    source = connection.execute(select(QuarantineRow.source).where(QuarantineRow.key == item.key)).scalar_one()
    cursor = Cursor(source, SourceKind.RETRIED.named(item.key), again=True)
    try:
        ledger.book(connection, cursor, Block(0, content + b"\n"))
        ledger.flush(connection)
    finally:
        ledger.close()
    return receipt


def _settle(connection: Connection, item: QuarantinedLine, outcome: str, why: str, now: datetime) -> None:
    connection.execute(
        update(QuarantineRow)
        .where(QuarantineRow.key == item.key)
        .values(settled_as=outcome, settled_why=why, settled_at=now)
    )
