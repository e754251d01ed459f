"""Exports: what they hold, that the same is the same bytes, and what cannot be exported."""

import json
from datetime import UTC, datetime

import pytest

from licensing.core.errors import AzlicError, BadCall
from licensing.db.database import reading
from tests.usage.handover.houses import HandingHouse, export_rows, later
from tests.usage.handover.test_attacks import member
from tests.usage.ledgers import unguarded
from tests.usage.mount import rows
from usage.handover.contents import links
from usage.handover.errors import HandoverRefused
from usage.handover.manifest import MEMBERS
from usage.ledger.checkpoints import Checkpoint
from usage.ledger.tables.records import BatchRow
from usage.months import Month


def test_an_export_says_what_it_holds(hall: HandingHouse) -> None:
    given = hall.exported(hall.folder / "export.azlic")
    manifest = given.manifest
    assert (manifest.site, manifest.number, manifest.holds, manifest.records) == ("hall-7", 1, "records", 2)
    assert (manifest.first_batch, manifest.last_batch, manifest.previous.size) == (1, 1, 0)
    assert (manifest.previous.head, manifest.follows, manifest.tool) == ("00" * 32, None, "azlic 1.2.3")
    assert Checkpoint.parse(manifest.checkpoint) == hall.checkpoint()
    assert given.key_id == hall.key.keyid and not given.again


def test_each_line_of_the_contents_is_what_was_digested(hall: HandingHouse) -> None:
    series, records = json.loads(member(hall.export(), "contents.jsonl"))
    assert [row[:4] for row in records] == [[1, "a", 1, 10**6], [2, "b", 1, 10**6]]
    assert series[0][0] == 1


def test_the_same_export_is_the_same_bytes_on_any_day(hall: HandingHouse) -> None:
    first = hall.export("first.azlic").read_bytes()
    hall.now = later(days=3)
    again = hall.exported(hall.folder / "again.azlic", tool="azlic 9.9.9")
    assert again.again and again.manifest.number == 1
    assert (hall.folder / "again.azlic").read_bytes() == first
    assert len(export_rows(hall.ledger)) == 1


def test_two_ledgers_with_the_same_past_give_the_same_bytes(hall: HandingHouse) -> None:
    hall.export("first.azlic")
    with unguarded(hall.ledger) as connection:
        connection.exec_driver_sql("DELETE FROM export")
    assert hall.export("again.azlic").read_bytes() == hall.export("first.azlic").read_bytes()


def test_the_next_export_begins_where_the_last_one_ended(hall: HandingHouse) -> None:
    first = hall.exported(hall.folder / "first.azlic").manifest
    hall.use("c")
    hall.use("d")
    second = hall.exported(hall.folder / "second.azlic").manifest
    assert (second.first_batch, second.last_batch, second.follows) == (2, 5, 1)
    assert second.previous.head == first.head
    assert member(hall.folder / "second.azlic", "contents.jsonl").count(b"\n") == 4, "two: its name, the export"


def test_an_export_since_a_checkpoint_holds_what_came_behind_it(hall: HandingHouse) -> None:
    hall.export()
    kept = hall.checkpoint()
    for name in ("c", "d"):
        hall.use(name)
        hall.export(f"{name}.azlic")
    given = hall.exported(hall.folder / "both.azlic", since=kept).manifest
    assert (given.first_batch, given.last_batch, given.number, given.follows) == (2, 6, 4, 1)
    assert hall.exported(hall.folder / "again.azlic", since=kept).again


def test_an_export_of_a_month_ends_at_its_close(hall: HandingHouse) -> None:
    hall.now = datetime(2026, 4, 1, tzinfo=UTC)
    hall.shut("2026-03", reason="counted by hand")
    hall.use("april", at=hall.now)
    given = hall.exported(hall.folder / "march.azlic", month=Month(2026, 3)).manifest
    assert (given.month, given.last_batch, given.records) == ("2026-03", 2, 2)
    (close,) = given.closes
    assert (close.month, close.reason, close.batch) == ("2026-03", "counted by hand", 2)
    assert hall.exported(hall.folder / "again.azlic", month=Month(2026, 3)).again
    assert hall.exported(hall.folder / "april.azlic").manifest.first_batch == 3
    assert hall.exported(hall.folder / "again.azlic", month=Month(2026, 3)).again


def test_totals_stand_in_for_the_records(hall: HandingHouse) -> None:
    path = hall.export(holds="totals")
    assert json.loads(member(path, "totals.json"))["totals"][0][2:4] == [2 * 10**6, 2]
    assert b'"a"' not in path.read_bytes()
    assert not hall.exported(hall.folder / "records.azlic").again
    assert hall.exported(path, holds="totals").again


def test_the_members_come_in_their_order_and_the_manifest_last(hall: HandingHouse) -> None:
    import zipfile

    with zipfile.ZipFile(hall.export()) as archive:
        assert archive.namelist() == [*MEMBERS["records"], "manifest.json"]
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
    assert (hall.folder / "export.azlic").stat().st_mode & 0o777 == 0o640


def test_many_small_batches_are_read_in_groups(hall: HandingHouse) -> None:
    for number in range(7):
        hall.use(f"small-{number}")
    with reading(hall.ledger) as connection:
        last = max(row.sequence for row in rows(hall.ledger, BatchRow))
        whole = list(links(connection, 1, last))
        assert list(links(connection, 1, last, batches_a_query=3, records_a_query=2)) == whole
    assert len(whole) == last >= 7


def test_an_empty_ledger_has_nothing_to_hand_over(yard: HandingHouse) -> None:
    with pytest.raises(BadCall, match="the ledger holds nothing to hand over"):
        yard.export()


def test_a_site_without_a_name_is_told_how_to_set_it(hall: HandingHouse) -> None:
    with pytest.raises(BadCall) as refused:
        hall.export(site="")
    assert "AZLIC_SITE" in refused.value.hint


def test_a_month_that_is_open_is_not_exported(hall: HandingHouse) -> None:
    with pytest.raises(BadCall, match="2026-03 is not closed") as refused:
        hall.export(month=Month(2026, 3))
    assert "azlic close 2026-03" in refused.value.hint


def test_nothing_new_behind_a_checkpoint_is_said(hall: HandingHouse) -> None:
    hall.export()
    with pytest.raises(BadCall, match="nothing new after that checkpoint"):
        hall.export(since=hall.checkpoint())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"origin": "other"}, "the checkpoint is of the ledger other"),
        ({"size": 9}, "this ledger has 3 batches"),
        ({"head": bytes(32)}, "this ledger has the head"),
    ],
)
def test_a_checkpoint_that_is_not_of_this_ledger_is_refused(
    hall: HandingHouse, changes: dict[str, object], said: str
) -> None:
    hall.export()
    kept = hall.checkpoint()
    fields = {"origin": kept.origin, "size": kept.size, "head": kept.head} | changes
    with pytest.raises(HandoverRefused, match=said):
        hall.export(since=Checkpoint(**fields))  # type: ignore[arg-type]


def test_an_export_that_the_ledger_cannot_make_again_is_not_written(hall: HandingHouse) -> None:
    hall.export()
    with unguarded(hall.ledger) as connection:
        connection.exec_driver_sql("UPDATE series SET site = 'other'")
    with pytest.raises(AzlicError, match="changed outside azlic"):
        hall.export("again.azlic")


def test_a_file_that_cannot_be_written_leaves_no_export_behind(hall: HandingHouse) -> None:
    with pytest.raises(AzlicError, match="could not be written"):
        hall.exported(hall.folder / "none" / "export.azlic")
    assert export_rows(hall.ledger) == []
