"""Bytes that are no line: skipped and reported, and every record around them counted."""

import hashlib
import os
import random
import resource
from pathlib import Path

import pytest

from licensing.db.database import open_ledger, reading
from tests.site import START
from tests.usage.forked import in_child
from tests.usage.ledgers import check_arithmetic
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import TODAY, Mount, rows
from usage.auditing.run import audit
from usage.intake.quarantine import list_quarantined
from usage.intake.run import ingest
from usage.ledger.tables.records import BatchRow, FindingRow, QuarantineRow
from usage.records.output_mount import MountReport

MARK = "\ufeff".encode()
A, B, C = a_chain(3)
MOST_KIB = 60_000


def in_little_memory(mount: Mount) -> str:
    """Ingest in a process of its own, which may not grow much."""
    database = mount.site.database
    mount.ledger.dispose()

    def work() -> str:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        receipt = ingest(open_ledger(database), [mount.site.output], now=START)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_KIB
        return f"{receipt.new} new, {receipt.quarantined} in quarantine, {receipt.pending_bytes} pending"

    return in_child(work)


@pytest.mark.parametrize(
    "content",
    [
        MARK + A + b"\n" + B + b"\n" + C + b"\n",
        A + b"\n" + MARK + B + b"\n" + MARK + MARK + C + b"\n",
        A + b"\r\n" + B + b"\r\n" + C + b"\r\n",
        MARK + A + b"\r\n\r\n" + B + b"\r" + C + b"\r\n",
        A + b"\r" + B + b"\r" + C + b"\r\n",
        b"\r" + A + b"\n \t\r\n" + B + b"\n" + C + b"\n",
    ],
    ids=["a mark", "marks within", "CRLF", "all of them", "only CR", "blank lines"],
)
def test_marks_and_line_ends_of_other_systems_are_no_content(mount: Mount, content: bytes) -> None:
    mount.put(content)
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean, mount.findings()) == (3, True, [])
    assert mount.ingest().new == 0


@pytest.mark.parametrize("length", [1, 7, 4096, 5_000_000])
@pytest.mark.parametrize("before", [b"", b'{"id":"torn'])
def test_records_around_a_hole_are_counted_and_the_hole_is_told_with_its_place(
    mount: Mount, length: int, before: bytes
) -> None:
    mount.put(A + b"\n" + before + bytes(length) + B + b"\n" + C + b"\n")
    receipt = mount.ingest()
    assert (receipt.new, receipt.quarantined, receipt.findings) == (3, bool(before), 1)
    (found,) = rows(mount.ledger, FindingRow)
    place = len(A) + 1 + len(before)
    assert (found.kind, found.line, found.detail) == ("hole", 2, f"{length:,} NUL bytes were skipped at byte {place}")
    assert [row.content for row in mount.quarantine()] == ([before] if before else [])
    again = mount.ingest()
    assert (again.new, again.findings, again.quarantined) == (0, 0, 0)
    check_arithmetic(mount.ledger)


def test_a_hole_at_the_end_waits_for_it_may_be_written_yet(mount: Mount) -> None:
    path = mount.put(A + b"\n" + bytes(9000))
    assert (mount.ingest().new, mount.ingest().pending_bytes) == (1, 9000)
    with path.open("r+b") as file:
        file.seek(len(A) + 1)
        file.write(B + b"\n")
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean) == (1, True)


def test_a_hole_of_a_gibibyte_costs_neither_ledger_nor_memory_nor_the_records_behind_it(mount: Mount) -> None:
    path = mount.put(A + b"\n" + b"torn")
    with path.open("r+b") as file:
        file.seek(1 << 30)
        file.write(B + b"\n")
    mount.write([C], f"{TODAY}.1")
    assert in_little_memory(mount) == "3 new, 1 in quarantine, 0 pending"
    database = Path(str(mount.ledger.url.database))
    assert database.stat().st_size < 1_000_000
    details = [row.detail for row in rows(mount.ledger, FindingRow) if row.kind == "hole"]
    assert details == [f"{(1 << 30) - len(A) - 5:,} NUL bytes were skipped at byte {len(A) + 5}"]
    assert {row.stop for row in rows(mount.ledger, BatchRow)} >= {1 << 30}
    with reading(mount.ledger) as connection:
        assert [item.content for item in list_quarantined(connection)] == [b"torn"]
    assert audit(mount.ledger, files=True).faults == ()
    assert mount.ingest().new == 0
    check_arithmetic(mount.ledger)


def test_a_line_of_a_hundred_megabytes_is_kept_as_its_beginning_length_and_digest(mount: Mount) -> None:
    line = random.Random(1).randbytes(1_000_000).replace(b"\n", b" ").replace(b"\0", b" ") * 100
    path = mount.put(line)
    assert (mount.ingest().pending_bytes, mount.quarantine()) == (len(line), [])
    with path.open("ab") as file:
        file.write(b"\n" + A + b"\n")
    assert in_little_memory(mount) == "1 new, 1 in quarantine, 0 pending"
    database = Path(str(mount.ledger.url.database))
    (row,) = rows(mount.ledger, QuarantineRow)
    assert (row.content, row.length, row.digest) == (line[:65536], len(line), hashlib.sha256(line).digest())
    assert database.stat().st_size < 2_000_000
    assert MountReport(mount.site.output, service="read").body()["meters"]
    os.truncate(path, len(line))  # of what was taken, the end is gone
    assert audit(mount.ledger, files=True).faults


def test_trash_costs_no_record(mount: Mount) -> None:
    trash = random.Random(2).randbytes(100_000)
    mount.put(trash + b"\n" + A + b"\n" + trash + b"\n" + B + b"\n")
    assert mount.ingest().new == 2
    assert a_line("x") not in trash
    kept = sum(row.length for row in mount.quarantine())
    assert kept > 190_000


@pytest.mark.parametrize("line", [b"x", b"{}", b'{"id": "a line of JSON that is no record", "number": 1}'], ids=len)
def test_lines_that_are_no_records_fill_no_ledger(mount: Mount, line: bytes) -> None:
    """A few KiB of a compressed file may hold millions of them; records around them count."""
    mount.put(A + b"\n" + (line + b"\n") * 5_000 + B + b"\n" + (line + b"\n") * 5_000)
    receipt = mount.ingest()
    assert receipt.new == 2 and receipt.quarantined <= 1_002
    kept = rows(mount.ledger, QuarantineRow)
    assert sum(row.length + 1 for row in kept) == 10_000 * (len(line) + 1)
    assert mount.ingest().quarantined == 0 and len(rows(mount.ledger, QuarantineRow)) == len(kept)
    check_arithmetic(mount.ledger)
    assert audit(mount.ledger).sound
