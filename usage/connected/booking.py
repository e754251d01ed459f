"""Booking a report of a connected container: a usage record like any other, whose id is what makes it count once.

Each resource is a virtual source (``connected:RESOURCE``), and its reports are the lines of a file that exists nowhere.
The same name stands where a site's does: so reports tell the use of resources apart, and rules can name one. The digest
of a source runs from report to report: that of the one before and the report's line, and nothing is read again.
"""

import hashlib
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, text, update

from licensing.db.database import writing
from licensing.db.lock import holding
from licensing.db.schema import row_of
from licensing.delivery.usage_report import MeterReport
from licensing.issuer.billing import BadReport
from usage.ledger.receipt import Receipt
from usage.ledger.source_kinds import VIRTUAL, SourceKind
from usage.ledger.tables.records import SourceRow
from usage.ledger.writer import Cursor, Ledger
from usage.records.record import BadLine, MeteredQuantity, UsageRecord, encode, interpret
from usage.records.usage_files import Block


def book_report(engine: Engine, report: MeterReport, resource: str, *, now: datetime) -> bool:
    """Book a report of a resource's container; False where it is booked already.

    Raises ``BadReport`` for what is no usage record, and for an id that is another record's; ``AzlicError`` where the
    ledger cannot be used.
    """
    line = _line_of(report)
    source = SourceKind.CONNECTED.named(resource)
    with holding(engine), writing(engine) as connection:
        receipt = _append(connection, source, line + b"\n", now=now)
    if receipt.conflicts:
        raise BadReport(f"id: {report.id} is booked already, with other content")
    if receipt.quarantined:
        raise BadReport("meter.quantity: the total of its day cannot hold it")
    return bool(receipt.new)


def _line_of(report: MeterReport) -> bytes:
    line = encode(
        UsageRecord(
            id=report.id,
            container_type=report.container_type,
            container_version=report.container_version,
            container_id=report.container_id,
            meter=MeteredQuantity(report.meter.name, report.meter.quantity),
            request_time=report.request_time,
            api_type=report.api_type,
        )
    )
    try:
        interpret(line)
    except BadLine as error:
        raise BadReport(str(error)) from error
    return line


class _Books(Ledger):
    """The ledger as reports are booked into it: one that is dated ahead was dated elsewhere."""

    keeps_waiting = False


class _FromReportToReport:
    """The digest of a source whose lines are not read again."""

    def __init__(self, before: bytes) -> None:
        self._digest = before

    def update(self, data: bytes) -> None:
        """Go on over a report's line."""
        self._digest = hashlib.sha256(self._digest + data).digest()

    def digest(self) -> bytes:
        """The digest up to here."""
        return self._digest


def _append(connection: Connection, name: str, line: bytes, *, now: datetime) -> Receipt:
    source = row_of(connection, SourceRow, SourceRow.path == name, text(VIRTUAL))
    if source is None:
        connection.execute(insert(SourceRow).values(path=name))
        source = row_of(connection, SourceRow, SourceRow.path == name, text(VIRTUAL))
    assert source is not None  # noqa: S101 - it was just entered
    receipt = Receipt()
    digest = _FromReportToReport(source.consumed)
    cursor = Cursor(source.key, name, source.line, again=True, digest=digest)
    block = Block(source.offset, line)
    books = _Books(connection, now=now, receipt=receipt, site=name)
    try:
        books.book(connection, cursor, block)
        books.flush(connection)
    finally:
        books.close()
    if receipt.tells:
        values = {"offset": block.stop, "line": cursor.line, "consumed": digest.digest()}
        connection.execute(update(SourceRow).where(SourceRow.key == source.key).values(values))
    return receipt
