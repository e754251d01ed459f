"""Closed months under an audit. Close batches and corrections are written by hand, from their description alone."""

import hashlib
import json
import sqlite3
from dataclasses import asdict, replace

import pytest

from tests.usage.attacks import Attack, attacked, audited, both, sql
from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.auditing.faults import AuditCheck
from usage.ledger.canonical import NO_ENTRIES, SealedBatch, batch_head

NONE = bytes(32)
CLOSED_AT = 1_775_001_600_000
CLOSED_AT_TEXT = "2026-04-01T00:00:00Z"
MARCH, APRIL = 202603, 202604


def digest(value: object) -> bytes:
    return hashlib.sha256(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()).digest()


def seal(connection: sqlite3.Connection, file: str, rows: bytes, taken_at: int = 0) -> None:
    """Chain a batch without records to the last one."""
    *fields, head = connection.execute(
        "SELECT sequence, file, start, stop, consumed, first_record, records, rows, source, taken_at, entries, head"
        " FROM batch ORDER BY sequence DESC"
    ).fetchone()
    last = SealedBatch(*fields)
    batch = replace(
        last,
        sequence=last.sequence + 1,
        file=file,
        start=0,
        stop=0,
        consumed=NONE,
        first_record=last.first_record + last.records,
        records=0,
        rows=rows,
        source=1,
        taken_at=taken_at,
        entries=NO_ENTRIES,
    )
    values = asdict(batch) | {"head": batch_head(head, batch)}
    connection.execute(
        f"INSERT INTO batch ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
        list(values.values()),
    )


def close(month: int, totals: list[list[int]], reason: str = "") -> Attack:
    def attack(connection: sqlite3.Connection) -> None:
        name = f"{month // 100}-{month % 100:02}"
        rows = digest(["azlic.close/v1", name, reason, CLOSED_AT_TEXT, totals])
        seal(connection, f"close:{name}", rows, CLOSED_AT)
        sequence = connection.execute("SELECT max(sequence) FROM batch").fetchone()[0]
        connection.execute(
            "INSERT INTO closed_month VALUES (?, ?, ?, ?, ?, 1)", [month, CLOSED_AT, sequence, rows, reason]
        )
        connection.executemany("INSERT INTO closed_total VALUES (?, ?, ?, ?)", [[month, *total] for total in totals])

    return attack


def correct(*corrections: tuple[int, str, int, int, str, int, int, str]) -> Attack:
    def attack(connection: sqlite3.Connection) -> None:
        seal(connection, "correct:", digest([[], [], corrections]))
        sequence = connection.execute("SELECT max(sequence) FROM batch").fetchone()[0]
        connection.executemany(
            "INSERT INTO correction VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            [[*correction, sequence] for correction in corrections],
        )

    return attack


REVERSED = (1, "reversal", APRIL, MARCH, "a", 1, -3_000_000, "scanned twice")
REPLACED = (2, "replacement", APRIL, MARCH, "a", 1, 1_000_000, "scanned twice")
CLOSED_MARCH = close(MARCH, [[1, 5_000_000, 2]])
BOOKED = both(CLOSED_MARCH, correct(REVERSED, REPLACED))


@pytest.fixture
def march(mount: Mount) -> Mount:
    mount.write([a_line("a", 3), a_line("b", 2)])
    mount.ingest()
    return mount


def test_a_closed_month_and_what_is_booked_about_it_are_sound(march: Mount) -> None:
    found = audited(attacked(march, both(BOOKED, close(APRIL, [[1, -2_000_000, 0]], "the courier is late"))))
    assert found.sound and (found.batches, found.closed_months) == (4, 2)


def test_a_record_that_came_late_counts_where_it_is_booked(march: Mount) -> None:
    late = (1, "late", APRIL, MARCH, "c", 1, 4_000_000, "it came after 2026-03 was closed")
    march.append([a_line("c", 4)])
    path = march.path()

    def ingest_late(connection: sqlite3.Connection) -> None:
        record = (3, "c", 1, 4_000_000, 1_772_352_000_000, None, None)
        connection.execute("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", record)
        connection.execute("INSERT INTO correction VALUES (?, ?, ?, ?, ?, ?, ?, ?, 3, 0)", late)
        seal(connection, f"read/{path.name}", digest([[], [record], [late]]))
        head = connection.execute("SELECT head FROM batch WHERE sequence = 2").fetchone()[0]
        fields = connection.execute(
            "SELECT sequence, file, start, stop, consumed, first_record, 1, rows, source, taken_at, entries FROM batch"
            " WHERE sequence = 3"
        ).fetchone()
        batch = SealedBatch(*fields)
        connection.execute("UPDATE batch SET records = 1, head = ? WHERE sequence = 3", [batch_head(head, batch)])

    found = audited(attacked(march, both(CLOSED_MARCH, ingest_late, close(APRIL, [[1, 4_000_000, 1]]))))
    assert found.sound, found.faults
    found = audited(attacked(march, both(CLOSED_MARCH, ingest_late, sql("UPDATE correction SET quantity = 1"))))
    assert "correction 1 is not the late record c that it stands for" in str(found.faults[0])
    assert set(found.counts) == {AuditCheck.MONTHS, AuditCheck.ROWS}


CHANGES: dict[str, tuple[Attack, str]] = {
    "a closed total is edited": (
        sql("UPDATE closed_total SET quantity = 1"),
        "2026-03: its closed totals are not those that batch 2 closed it with",
    ),
    "a closed total is deleted": (sql("DELETE FROM closed_total"), "2026-03: its closed totals are not those"),
    "a closed total is put in": (
        sql("INSERT INTO closed_total VALUES (202603, 9, 1, 1)"),
        "2026-03: its closed totals are not those",
    ),
    "the reason is edited": (sql("UPDATE closed_month SET reason = 'x'"), "2026-03: its closed totals are not those"),
    "the time is edited": (sql("UPDATE closed_month SET closed_at = 1"), "2026-03: its closed totals are not those"),
    "its digest is edited": (
        sql("UPDATE closed_month SET totals = zeroblob(32)"),
        "2026-03: its closed totals are not those",
    ),
    "it is opened again": (
        sql("DELETE FROM closed_total", "DELETE FROM closed_month"),
        "2026-03: batch 2 closed it, but it is not marked as closed",
    ),
    "it was closed with other numbers": (close(APRIL, [[1, 7, 1]]), "2026-04: the closed total of series 1 is not"),
    "it is closed twice": (
        sql("UPDATE batch SET file = 'close:2026-03' WHERE sequence = 3"),
        "2026-03 was closed before, by batch 2",
    ),
    "months are closed out of order": (close(202602, []), "2026-03 was closed before it, by batch 2"),
    "totals of another month": (
        sql("INSERT INTO closed_total VALUES (202601, 1, 1, 1)"),
        "2026-01: it has closed totals, and no batch closed it",
    ),
    "a correction is edited": (sql("UPDATE correction SET quantity = 7 WHERE number = 2"), "batch 3 (correct:)"),
    "a correction is deleted": (sql("DELETE FROM correction WHERE number = 2"), "batch 3 (correct:)"),
    "a correction of the wrong type": (
        sql("UPDATE correction SET quantity = x'00' WHERE number = 2"),
        "the fields of correction 2 are not of the types",
    ),
    "booked in a closed month": (
        correct((3, "reversal", MARCH, MARCH, "a", 1, -1, "why")),
        "correction 3 is booked in 2026-03, which was closed then",
    ),
    "about a month that was open": (
        correct((3, "late", 202605, APRIL, "a", 1, 1, "why")),
        "correction 3 is about 2026-04, which was open then",
    ),
}


@pytest.mark.parametrize(("change", "told"), CHANGES.values(), ids=CHANGES)
def test_what_was_changed_about_a_closed_month_is_named(march: Mount, change: Attack, told: str) -> None:
    found = audited(attacked(march, both(BOOKED, change)))
    assert not found.sound
    assert told in "\n".join(map(str, found.faults))
