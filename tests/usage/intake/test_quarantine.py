import hashlib

import pytest
from sqlalchemy import update

from licensing.core.errors import BadCall
from licensing.db.database import reading, writing
from tests.site import START
from tests.usage.ledgers import check_arithmetic
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import TODAY, Mount, rows
from usage.intake.quarantine import QuarantinedLine, discard, list_quarantined, retry
from usage.ledger.tables.records import QuarantineRow, RecordRow, TotalRow

pytestmark = pytest.mark.databases("sqlite", "postgresql")

LATER = START.replace(year=2027)


def waiting(mount: Mount) -> list[QuarantinedLine]:
    with reading(mount.ledger) as connection:
        return list(list_quarantined(connection))


def read_by_a_newer_version(mount: Mount, key: int, line: bytes) -> None:
    """Let a quarantined line be one that can be read now."""
    with writing(mount.ledger) as connection:
        connection.execute(update(QuarantineRow).where(QuarantineRow.key == key).values(content=line))


@pytest.fixture
def doubtful(mount: Mount) -> Mount:
    """A mount whose ledger holds three lines in quarantine: two bad ones and a conflict."""
    mount.write([a_line("a"), b"\xff\x00torn", a_line("a", 2), b'{"id":"c"}'])
    mount.ingest()
    return mount


def test_lines_wait_whole_with_their_place_and_reason(doubtful: Mount) -> None:
    torn, short, conflict = waiting(doubtful)
    assert (torn.kind, torn.line, torn.content) == ("bad-line", 2, b"\xff\x00torn")
    assert torn.file.endswith(TODAY) and torn.start == len(a_line("a")) + 1
    assert (conflict.kind, conflict.line, conflict.content) == ("conflict", 3, a_line("a", 2))
    assert conflict.reason == "this id is already in the ledger, with other content"
    assert (short.content, short.taken_at, short.settled_as) == (b'{"id":"c"}', START, None)


def test_retrying_what_cannot_be_read_changes_nothing(doubtful: Mount) -> None:
    before = waiting(doubtful)
    for keys in (None, [1], [1, 2, 3]):
        receipt = retry(doubtful.ledger, keys, now=LATER)
        assert (receipt.new, receipt.clean) == (0, False)
    assert (receipt.quarantined, receipt.conflicts) == (2, 1)
    assert waiting(doubtful) == before
    assert len(rows(doubtful.ledger, QuarantineRow)) == 3


def test_a_line_that_can_be_read_now_is_taken_once(doubtful: Mount) -> None:
    read_by_a_newer_version(doubtful, 1, a_line("b", 5))
    receipt = retry(doubtful.ledger, None, now=LATER)
    assert (receipt.new, receipt.quarantined, receipt.conflicts) == (1, 1, 1)
    assert doubtful.ids() == ["a", "b"]
    assert [item.key for item in waiting(doubtful)] == [2, 3]
    with reading(doubtful.ledger) as connection:
        settled = list_quarantined(connection, settled=True)[0]
    assert (settled.settled_as, settled.settled_why) == ("retried", "it was read as a record after all")
    check_arithmetic(doubtful.ledger)
    assert retry(doubtful.ledger, None, now=LATER).new == 0
    doubtful.append([a_line("b", 5)])
    assert doubtful.ingest().duplicates == 1


def test_a_line_whose_record_is_known_by_now_is_settled_as_a_duplicate(doubtful: Mount) -> None:
    read_by_a_newer_version(doubtful, 1, a_line("a"))
    receipt = retry(doubtful.ledger, [1], now=LATER)
    assert (receipt.new, receipt.duplicates, receipt.clean) == (0, 1, True)
    assert [item.key for item in waiting(doubtful)] == [2, 3]


def test_a_line_that_turns_out_to_be_a_conflict_stays_apart(doubtful: Mount) -> None:
    read_by_a_newer_version(doubtful, 1, a_line("a", 7))
    assert retry(doubtful.ledger, [1], now=LATER).conflicts == 1
    kept = waiting(doubtful)
    assert [(item.kind, item.content) for item in kept if item.key not in (2, 3)] == [("conflict", a_line("a", 7))]
    assert retry(doubtful.ledger, None, now=LATER).conflicts == 2
    assert len(waiting(doubtful)) == len(kept)


def test_a_record_the_ledger_cannot_take_stays_as_it_is(mount: Mount) -> None:
    """A name that cannot be shown, a day that is full: the line reads well, and is still refused."""
    mount.write([a_line("a", meter={"name": "\x1b", "quantity": 1}), *(a_line(f"{n}", 10**12) for n in range(5))])
    assert mount.ingest().quarantined == 2
    before, totals = waiting(mount), rows(mount.ledger, TotalRow)
    for _ in range(2):
        assert retry(mount.ledger, None, now=LATER).quarantined == 2
    assert (waiting(mount), rows(mount.ledger, TotalRow)) == (before, totals)
    assert len(rows(mount.ledger, QuarantineRow)) == 2
    check_arithmetic(mount.ledger)


def test_a_long_line_is_read_from_its_file_again_or_it_is_said_why_not(mount: Mount) -> None:
    """As a later version might take it: the ledger holds only its beginning."""
    record = a_line("long", more="x" * 100_000)
    mount.write([record, a_line("long", 2, more="x" * 100_000), b"x" * 100_000])
    mount.ingest()
    bad, conflict = waiting(mount)
    assert (len(conflict.content), conflict.length, bad.is_whole) == (65536, len(record), False)
    receipt = retry(mount.ledger, None, now=LATER)
    assert (receipt.new, receipt.quarantined, receipt.conflicts) == (0, 1, 1)
    with writing(mount.ledger) as connection:
        digest = hashlib.sha256(record).digest()
        row = {"start": 0, "length": len(record), "digest": digest}
        connection.execute(update(QuarantineRow).where(QuarantineRow.key == bad.key).values(row))
    assert retry(mount.ledger, [bad.key], now=LATER).duplicates == 1
    with writing(mount.ledger) as connection:
        connection.execute(update(QuarantineRow).values(settled_at=None))
    mount.path().unlink()
    with pytest.raises(BadCall, match="is no longer in its file"):
        retry(mount.ledger, [bad.key], now=LATER)
    assert retry(mount.ledger, None, now=LATER).quarantined == 1


def test_a_chained_line_that_is_taken_after_all_closes_its_gap(mount: Mount) -> None:
    lines = a_chain(3)
    mount.write([lines[0], b"bad", lines[2]])
    assert mount.ingest().findings == 1
    read_by_a_newer_version(mount, 1, lines[1])
    receipt = retry(mount.ledger, None, now=LATER)
    assert (receipt.new, receipt.clean) == (1, True)
    assert [row.sequence for row in rows(mount.ledger, RecordRow)] == [1, 3, 2]


def test_a_discarded_line_is_kept_with_its_reason_and_does_not_come_back(doubtful: Mount) -> None:
    assert discard(doubtful.ledger, [1, 1, 2], reason="torn by a power cut", now=LATER) == 2
    assert [item.key for item in waiting(doubtful)] == [3]
    row = rows(doubtful.ledger, QuarantineRow)[0]
    assert (row.content, row.settled_as, row.settled_at) == (b"\xff\x00torn", "discarded", LATER)
    assert row.settled_why == "torn by a power cut"
    doubtful.put(doubtful.path().read_bytes() + b"another end")
    doubtful.ingest()
    assert [item.key for item in waiting(doubtful)] == [3]


@pytest.mark.parametrize("reason", ["", "  "])
def test_nothing_is_discarded_without_a_reason(doubtful: Mount, reason: str) -> None:
    with pytest.raises(BadCall, match="needs a reason"):
        discard(doubtful.ledger, [1], reason=reason, now=LATER)
    assert len(waiting(doubtful)) == 3


def test_an_unknown_number_is_a_bad_call_and_changes_nothing(doubtful: Mount) -> None:
    discard(doubtful.ledger, [3], reason="known", now=LATER)
    for number in (3, 99):
        with pytest.raises(BadCall, match=f"no line {number} waits in quarantine"):
            discard(doubtful.ledger, [1, number], reason="unknown", now=LATER)
        with pytest.raises(BadCall, match=f"no line {number} waits in quarantine"):
            retry(doubtful.ledger, [1, number], now=LATER)
    assert [item.key for item in waiting(doubtful)] == [1, 2]
