from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Delete, Engine, Update, delete, update

from licensing.db.database import open_ledger
from tests.site import CONTAINER_ID, METER, START
from tests.usage.ledgers import unguarded
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import TODAY, Mount, heads, recount, rows, totals
from usage.intake.run import ingest
from usage.ledger.tables.records import BatchRow, ChainRow, FindingRow, GapRow, RecordRow, SeriesRow
from usage.months import Month
from usage.records.usage_files import ReadSizes

pytestmark = pytest.mark.databases("sqlite", "postgresql")

TOMORROW = "usage-2026-03-02.jsonl"


def stored_heads(ledger: Engine) -> list[bytes]:
    return [row.head for row in rows(ledger, BatchRow)]


# ---- the chain of a container


def test_a_chain_that_goes_on_in_the_next_file_is_whole(mount: Mount) -> None:
    lines = a_chain(6)
    mount.write(lines[:3])
    mount.write(lines[3:], TOMORROW)
    assert mount.ingest().clean
    assert [tuple(row)[:2] for row in rows(mount.ledger, ChainRow)] == [(CONTAINER_ID, 6)]


def test_a_removed_line_is_a_gap_at_the_line_behind_it(mount: Mount) -> None:
    lines = a_chain(5)
    mount.write([*lines[:2], *lines[3:]])
    receipt = mount.ingest()
    assert (receipt.new, receipt.findings) == (4, 1)
    assert mount.findings() == [("gap", CONTAINER_ID, TODAY, 3)]
    assert rows(mount.ledger, FindingRow)[0].detail == f"records 3 to 3 of {CONTAINER_ID} are missing"


def test_removed_first_lines_are_a_gap(mount: Mount) -> None:
    mount.write(a_chain(5)[2:])
    mount.ingest()
    assert mount.findings() == [("gap", CONTAINER_ID, TODAY, 1)]


def test_a_missing_file_is_a_gap_in_the_next_one(mount: Mount) -> None:
    lines = a_chain(9)
    mount.write(lines[:3])
    mount.ingest()
    mount.write(lines[6:], "usage-2026-03-03.jsonl")
    mount.ingest()
    assert mount.findings() == [("gap", CONTAINER_ID, "usage-2026-03-03.jsonl", 1)]
    assert rows(mount.ledger, FindingRow)[0].detail == f"records 4 to 6 of {CONTAINER_ID} are missing"


@pytest.mark.parametrize("edited", [0, 1, 3])
def test_an_edited_line_is_found_at_the_line_behind_it(mount: Mount, edited: int) -> None:
    lines = a_chain(5)
    lines[edited] = lines[edited].replace(b'"quantity":1', b'"quantity":0')
    mount.write(lines)
    receipt = mount.ingest()
    assert (receipt.new, receipt.findings) == (5, 1)
    assert mount.findings() == [("edited", CONTAINER_ID, TODAY, edited + 2)]


def test_an_edited_last_line_is_found_in_the_next_file(mount: Mount) -> None:
    lines = a_chain(4)
    mount.write([lines[0], lines[1].replace(b'"quantity":1', b'"quantity":0')])
    mount.ingest()
    mount.write(lines[2:], TOMORROW)
    mount.ingest()
    assert mount.findings() == [("edited", CONTAINER_ID, TOMORROW, 1)]


def test_a_line_that_was_edited_after_it_was_taken_is_a_conflict(mount: Mount) -> None:
    lines = a_chain(3)
    mount.write(lines)
    mount.ingest()
    mount.write([*lines[:2], lines[2].replace(b'"quantity":1', b'"quantity":0')])
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.conflicts, receipt.findings) == (0, 2, 1, 1)


def test_records_out_of_order_are_said_and_taken(mount: Mount) -> None:
    lines = a_chain(5)
    mount.write([lines[0], lines[2], lines[1], lines[3], lines[4]])
    assert mount.ingest().new == 5
    assert ("disorder", CONTAINER_ID, TODAY, 3) in mount.findings()


def test_a_finding_names_the_container_it_is_about(mount: Mount) -> None:
    one, other = a_chain(3), a_chain(3, container="ba9876543210")
    mount.write([one[0], other[0], other[2], one[1], one[2]])
    mount.ingest()
    assert mount.findings() == [("gap", "ba9876543210", TODAY, 3)]


def test_a_finding_is_said_once_however_often_the_file_is_read(mount: Mount) -> None:
    lines = a_chain(5)
    mount.write([*lines[:2], *lines[3:]])
    mount.ingest()
    mount.write([*lines[:2], *lines[3:], b"another end"])
    mount.path().rename(mount.path(TOMORROW))
    receipt = mount.ingest()
    assert (receipt.findings, mount.kinds()) == (0, Counter(gap=1))


def test_a_gap_closes_when_the_missing_records_arrive(mount: Mount) -> None:
    lines = a_chain(9)
    mount.write([*lines[:2], *lines[6:]])
    mount.ingest()
    assert [(row.first, row.last) for row in rows(mount.ledger, GapRow)] == [(3, 6)]
    mount.write([lines[3]], TOMORROW)
    mount.ingest()
    assert [(row.first, row.last) for row in rows(mount.ledger, GapRow)] == [(3, 3), (5, 6)]
    mount.write([lines[2], *lines[4:6]], "late.jsonl")
    assert (mount.ingest().findings, rows(mount.ledger, GapRow)) == (0, [])


def test_two_lines_that_changed_places_are_disorder_and_leave_no_gap(mount: Mount) -> None:
    one, two, three, four, five = a_chain(5)
    mount.write([one, two, four, three, five])
    mount.ingest()
    assert mount.kinds() == Counter(gap=1, disorder=1)
    assert not rows(mount.ledger, GapRow)


def test_a_line_that_was_taken_and_then_removed_from_its_file_is_said(mount: Mount) -> None:
    lines = a_chain(5)
    mount.write(lines)
    mount.ingest()
    mount.write([*lines[:2], *lines[3:], b""])
    mount.ingest()
    assert mount.kinds()["removed"] == 1
    assert not rows(mount.ledger, GapRow)


def test_bad_lines_do_not_break_a_chain(mount: Mount) -> None:
    lines = a_chain(4)
    mount.write([lines[0], b"bad", lines[1], a_line("x", sequence=9), lines[2], lines[3]])
    receipt = mount.ingest()
    assert (receipt.new, receipt.quarantined, receipt.findings) == (4, 2, 0)


def test_changed_line_ends_are_no_edit_of_a_chained_file(mount: Mount) -> None:
    mount.put(b"".join(line + b"\r\n" for line in a_chain(3)))
    assert mount.ingest().new == 3
    assert mount.kinds() == Counter()


# ---- days and months


def test_a_day_ends_before_midnight_in_utc(mount: Mount) -> None:
    midnight = datetime(2026, 4, 1, tzinfo=UTC)
    mount.write([a_line("a", at=midnight - timedelta(milliseconds=1)), a_line("b", 2, at=midnight)])
    mount.ingest()
    assert sorted(quantity for quantity, *_ in totals(mount.ledger).values()) == [1_000_000, 2_000_000]
    assert [mount.site.report(month).unmapped[0].month for month in ("2026-03", "2026-04")] == [1_000_000, 2_000_000]


def test_one_block_may_hold_records_of_many_months(mount: Mount) -> None:
    months = [Month(2025, 12), Month(2026, 3), Month(2026, 1), Month(2024, 2), Month(1974, 1), Month(9998, 12)]
    lines = [a_line(str(month), index, at=month.next.starts_at - timedelta(1)) for index, month in enumerate(months)]
    mount.write(lines)
    assert mount.ingest().new == 6
    assert len(rows(mount.ledger, BatchRow)) == 1
    assert totals(mount.ledger) == recount(mount.ledger)
    for index, month in enumerate(months):
        assert mount.site.report(str(month)).unmapped[0].month == index * 1_000_000


# ---- the chain of the batches


def test_heads_recompute_from_the_database_alone(mount: Mount) -> None:
    for container in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        mount.write([*a_chain(20, container=container), b"bad", a_line("x", 0.5, site="ü")], container=container)
        mount.ingest(ReadSizes(block=1500))
    mount.write([a_line("x", 0.5, site="ü", containerId="aaaaaaaaaaaa")])
    mount.ingest()
    assert len(stored_heads(mount.ledger)) > 10
    assert heads(mount.ledger) == stored_heads(mount.ledger)


def test_records_are_numbered_without_a_gap(mount: Mount) -> None:
    lines = a_chain(9)
    mount.write([*lines[:3], b"bad", *lines[:3]])
    mount.ingest()
    mount.write(lines[2:], TOMORROW)
    mount.ingest()
    assert [row.number for row in rows(mount.ledger, RecordRow)] == list(range(1, 10))
    assert [(row.first_record, row.records) for row in rows(mount.ledger, BatchRow)] == [(1, 3), (4, 6)]


@pytest.mark.parametrize(
    "change",
    [
        update(RecordRow).where(RecordRow.number == 4).values(quantity=2_000_000),
        update(RecordRow).where(RecordRow.number == 4).values(requested_at=1),
        update(RecordRow).where(RecordRow.number == 4).values(id="other"),
        update(RecordRow).where(RecordRow.number == 4).values(series=2),
        update(RecordRow).where(RecordRow.number == 4).values(extra="{}"),
        update(SeriesRow).where(SeriesRow.key == 1).values(meter="other"),
        update(SeriesRow).where(SeriesRow.key == 1).values(container_version="9"),
        update(SeriesRow).where(SeriesRow.key == 1).values(batch=2),
        update(BatchRow).where(BatchRow.sequence == 1).values(file="other"),
        update(BatchRow).where(BatchRow.sequence == 1).values(consumed=bytes(32)),
        delete(RecordRow).where(RecordRow.number == 8),
    ],
    ids=str,
)
def test_a_value_changed_in_the_database_changes_a_head(mount: Mount, change: Update | Delete) -> None:
    lines = a_chain(8)
    for stop in (2, 5, 8):
        mount.write(lines[:stop])
        mount.ingest()
    with unguarded(mount.ledger) as connection:
        connection.execute(change)
    assert heads(mount.ledger) != stored_heads(mount.ledger)


def test_a_series_is_bound_by_the_batch_that_introduced_it(mount: Mount) -> None:
    mount.write([a_line("a"), a_line("b", apiType="other"), a_line("c")])
    mount.ingest()
    mount.append([a_line("d", meter={"name": "second", "quantity": 1})])
    mount.ingest()
    assert [(row.key, row.meter, row.api_type, row.batch) for row in rows(mount.ledger, SeriesRow)] == [
        (1, METER, "vision.read", 1),
        (2, METER, "other", 1),
        (3, "second", "vision.read", 2),
    ]
    assert heads(mount.ledger) == stored_heads(mount.ledger)


def test_the_order_of_the_files_does_not_change_the_totals(mount: Mount) -> None:
    paths = [mount.write([*a_chain(5)[number:], a_line(f"own-{number}")], f"{number}.jsonl") for number in range(4)]
    mount.ingest()
    backwards = open_ledger(mount.site.new_database("backwards"), create=True)
    for path in reversed(paths):
        ingest(backwards, [path], now=START)
    assert totals(backwards) == totals(mount.ledger)
    backwards.dispose()
