import hashlib
from collections import Counter
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from licensing.core.errors import AzlicError
from tests.site import CONTAINER_ID, START, Site
from tests.usage.forked import as_nonroot, only_root, public_folder
from tests.usage.ledgers import check_arithmetic
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import TODAY, Mount, recount, rows, totals
from usage.intake.run import ingest
from usage.ledger.tables.records import BatchRow, RecordRow, SourceRow
from usage.records.usage_files import BEGINNING, SIZES

pytestmark = pytest.mark.databases("sqlite", "postgresql")

TOMORROW = "usage-2026-03-02.jsonl"


def names(*ids: str) -> list[bytes]:
    return [a_line(name) for name in ids]


def sources(mount: Mount) -> list[tuple[str, int, int]]:
    """Name, line and bytes still pending of every source that is there."""
    found = rows(mount.ledger, SourceRow)
    return [(Path(row.path).name, row.line, row.pending) for row in found if row.vanished_at is None]


def test_a_second_ingest_takes_nothing(mount: Mount) -> None:
    mount.write(a_chain(10))
    assert mount.ingest().new == 10
    second = mount.ingest()
    assert (second.files, second.new, second.duplicates, second.clean) == (1, 0, 0, True)
    assert len(rows(mount.ledger, BatchRow)) == 1


def test_an_empty_folder_is_nothing(mount: Mount) -> None:
    receipt = mount.ingest()
    assert (receipt.files, receipt.new, receipt.clean) == (0, 0, True)


def test_a_file_that_grew_is_read_on_from_where_it_was_left(mount: Mount) -> None:
    lines = a_chain(9)
    for stop in (3, 4, 9):
        mount.write(lines[:stop])
        assert mount.ingest().duplicates == 0
    assert mount.ids() == [f"{CONTAINER_ID}-{number}" for number in range(1, 10)]
    assert sources(mount) == [(TODAY, 9, 0)]


def test_a_file_that_was_empty_at_first_is_read_once_it_is_not(mount: Mount) -> None:
    mount.write([])
    assert mount.ingest().new == 0
    mount.write(names("a"))
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean) == (1, True)


def test_an_unfinished_line_waits_and_is_taken_once(mount: Mount) -> None:
    first, second = names("a", "b")
    for cut in range(1, len(second) + 1):
        mount.put(first + b"\n" + second[:cut])
        receipt = mount.ingest()
        assert (receipt.pending_bytes, receipt.clean, mount.ids()) == (cut, True, ["a"])
    assert sources(mount) == [(TODAY, 1, len(second))]
    mount.append([b""])
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.pending_bytes, mount.ids()) == (1, 0, 0, ["a", "b"])


def test_a_renamed_file_is_not_read_again_and_a_new_one_of_its_name_is(mount: Mount) -> None:
    mount.write(names("a", "b")).rename(mount.path("usage-2026-03-01.1.jsonl"))
    mount.ingest()
    mount.path("usage-2026-03-01.1.jsonl").rename(mount.path(TOMORROW))
    mount.write(names("c"))
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (1, 0, True)
    assert sources(mount) == [(TOMORROW, 2, 0), (TODAY, 1, 0)]


def test_a_file_renamed_while_it_grows_goes_on(mount: Mount) -> None:
    lines = a_chain(4)
    mount.write(lines[:2])
    mount.ingest()
    mount.path().rename(mount.path(TOMORROW))
    mount.append(lines[2:], TOMORROW)
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (2, 0, True)


def test_names_that_were_exchanged_are_followed(mount: Mount) -> None:
    one, other = mount.write(names("a")), mount.write(names("b"), TOMORROW)
    mount.ingest()
    one.rename(mount.path("aside"))
    other.rename(one)
    mount.path("aside").rename(other)
    mount.append(names("c"), TOMORROW)
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (1, 0, True)


def test_copy_and_truncate_loses_nothing_while_the_copy_is_there(mount: Mount) -> None:
    mount.write(names("a", "b"))
    mount.ingest()
    mount.put(mount.path().read_bytes(), TOMORROW)
    mount.write([])
    mount.append(names("c"))
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (1, 0, True)
    assert mount.ids() == ["a", "b", "c"]


def test_a_truncated_file_that_outgrew_its_old_offset_is_read_from_its_beginning(mount: Mount) -> None:
    mount.write(names("a"))
    mount.ingest()
    mount.write(names("b", "c", "d"))
    assert mount.ingest().new == 3
    assert mount.findings() == [("rewritten", None, TODAY, 0)]
    assert mount.ids() == ["a", "b", "c", "d"]


def test_a_file_that_was_deleted_and_made_again_is_read_from_its_beginning(mount: Mount) -> None:
    mount.write(names("a", "b")).unlink()
    mount.write(names("a", "b"))
    mount.ingest()
    mount.path().unlink()
    mount.write(names("c", "d", "e"))
    assert mount.ingest().new == 3
    assert mount.ids() == ["a", "b", "c", "d", "e"]
    assert mount.kinds() in (Counter(rewritten=1), Counter(replaced=1))  # as the inode was used again or not


def test_a_restored_copy_of_a_file_counts_nothing_twice(mount: Mount) -> None:
    content = mount.write(a_chain(5)).read_bytes()
    mount.ingest()
    kept = mount.path().rename(mount.site.folder / "kept")
    mount.put(content)
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (0, 0, True)
    assert sources(mount) == [(TODAY, 5, 0)]
    assert kept.exists()


def test_a_file_of_the_same_length_with_another_end_is_read_again(mount: Mount) -> None:
    mount.write(names("a", "b"))
    mount.ingest()
    mount.write(names("a", "c"))
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.findings) == (1, 1, 1)
    assert mount.findings() == [("rewritten", None, TODAY, 0)]


def test_a_file_that_shrank_is_said_once(mount: Mount) -> None:
    lines = names("a", "b", "c")
    mount.write(lines)
    mount.ingest()
    mount.write(lines[:1])
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.findings) == (0, 1, 1)
    assert mount.findings() == [("shrunk", None, TODAY, 0)]
    assert (mount.ingest().findings, mount.ids()) == (0, ["a", "b", "c"])


def test_a_file_that_vanished_is_said_and_may_come_back(mount: Mount) -> None:
    lines = a_chain(3)
    away = mount.site.folder / "away"
    mount.write(lines[:2])
    mount.ingest()
    mount.path().rename(away)
    assert (mount.ingest().findings, mount.ingest().findings) == (1, 0)
    assert mount.findings() == [("vanished", None, TODAY, 0)]
    assert rows(mount.ledger, SourceRow)[0].vanished_at == START
    away.rename(mount.path())
    mount.append(lines[2:])
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (1, 0, True)
    assert rows(mount.ledger, SourceRow)[0].vanished_at is None


def test_a_file_outside_the_folders_named_this_time_has_not_vanished(mount: Mount) -> None:
    mount.write(names("a"))
    other = mount.write(names("b"), container="ba9876543210")
    mount.ingest()
    receipt = ingest(mount.ledger, [other.parent], now=START)
    assert (receipt.files, receipt.clean) == (1, True)


def test_a_line_in_two_files_counts_once(mount: Mount) -> None:
    lines = a_chain(6)
    mount.write(lines[:4])
    mount.write(lines[2:], TOMORROW)
    receipt = mount.ingest()
    assert (receipt.files, receipt.new, receipt.duplicates, receipt.clean) == (2, 6, 2, True)


def test_a_line_twice_in_one_file_counts_once(mount: Mount) -> None:
    lines = a_chain(3)
    mount.write([*lines, *lines])
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (3, 3, True)


def test_an_id_is_unique_for_ever_and_across_containers(mount: Mount) -> None:
    mount.write([a_line("a")])
    mount.ingest()
    mount.site.sleep(days=400)
    mount.write([a_line("a", containerId="ba9876543210"), a_line("b")], container="ba9876543210")
    receipt = mount.ingest()
    assert (receipt.new, receipt.conflicts, receipt.clean, mount.ids()) == (1, 1, False, ["a", "b"])


def test_a_conflict_is_kept_with_its_line_and_place(mount: Mount) -> None:
    lines = [a_line("a"), a_line("b"), a_line("a", 2)]
    mount.write(lines)
    receipt = mount.ingest()
    assert (receipt.new, receipt.conflicts) == (2, 1)
    (kept,) = mount.quarantine()
    assert (kept.kind, kept.record_id, kept.content, kept.line) == ("conflict", "a", lines[2], 3)
    assert kept.start == len(lines[0]) + len(lines[1]) + 2
    assert "this id is already in the ledger, with other content" in kept.reason
    assert [row.quantity for row in rows(mount.ledger, RecordRow)] == [1_000_000, 1_000_000]


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 1.000001},
        {"at": START + timedelta(milliseconds=1)},
        {"containerVersion": "3.2.1"},
        {"apiType": "other"},
        {"extra": None},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_same_id_with_any_other_content_is_a_conflict(mount: Mount, changes: dict[str, Any]) -> None:
    mount.write([a_line("a")])
    mount.write([a_line("a", **changes)], TOMORROW)
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.conflicts) == (1, 0, 1)


def test_bad_lines_are_kept_whole_and_cost_no_good_one(mount: Mount) -> None:
    bad = [
        b'{"id":"torn',
        b"\xff\xfe\x00",
        b"[" * 50_000,
        b'{"id":1e999999999999999999999}',
        a_line("n", -1),
    ]
    lines = [line for pair in zip(names(*"abcde"), bad, strict=True) for line in pair]
    mount.write(lines)
    receipt = mount.ingest()
    assert (receipt.new, receipt.quarantined, receipt.findings) == (5, 5, 0)
    kept = mount.quarantine()
    assert [(row.kind, row.line, row.content) for row in kept] == [
        ("bad-line", number, line) for number, line in zip(range(2, 11, 2), bad, strict=True)
    ]
    assert all(mount.path().read_bytes()[row.start :].startswith(row.content + b"\n") for row in kept)
    assert [row.digest for row in kept] == [hashlib.sha256(line).digest() for line in bad]
    assert kept[4].reason == "quantity is negative"


def test_a_bad_line_is_kept_once_however_often_it_is_read(mount: Mount) -> None:
    mount.write([b"bad", *names("a", "b")])
    mount.ingest()
    mount.write([b"bad", *names("a", "c")])
    receipt = mount.ingest()
    assert (receipt.quarantined, receipt.duplicates, len(mount.quarantine())) == (0, 1, 1)


@pytest.mark.parametrize("name", ["", "x" * 201, "two\nlines", "\x1b[31m"])
def test_a_meter_whose_name_cannot_be_shown_is_a_bad_line(mount: Mount, name: str) -> None:
    mount.write([a_line("a", meter={"name": name, "quantity": 1}), a_line("b")])
    receipt = mount.ingest()
    assert (receipt.new, receipt.quarantined) == (1, 1)
    assert mount.quarantine()[0].reason == "a name in it is empty, too long or cannot be printed"


def test_a_character_that_one_database_cannot_hold_is_no_trouble_wherever_it_stands(mount: Mount) -> None:
    nul: list[dict[str, Any]] = [
        {"containerId": "\0"},
        {"containerType": "\0"},
        {"containerVersion": "\0"},
        {"apiType": "\0"},
    ]
    nul += [{"id": "\0"}, {"meter": {"name": "\0", "quantity": 1}}, {"\0": 1}, {"more": "\0"}, {"previous": "\0"}]
    mount.write([a_line("first"), *(a_line(str(n), **changes) for n, changes in enumerate(nul)), b"\0", a_line("last")])
    receipt = mount.ingest()
    assert (receipt.new, receipt.quarantined, receipt.findings) == (4, 7, 1)
    assert {"first", "6", "7", "last"} == set(mount.ids())
    assert mount.ingest().new == 0


@pytest.mark.parametrize("beside", [b"b", "ü".encode()])
def test_an_id_that_cannot_be_shown_is_a_bad_line_whatever_stands_beside_it(mount: Mount, beside: bytes) -> None:
    mount.write([a_line("x").replace(b'"x"', b'"\x7f"'), a_line("x").replace(b"x", beside)])
    receipt = mount.ingest()
    assert (receipt.new, receipt.quarantined) == (1, 1)


def test_of_a_line_that_is_too_long_the_beginning_is_kept_with_the_length_and_digest_of_all(mount: Mount) -> None:
    long = b"x" * (5 * SIZES.block + 3)
    mount.write([*names("a"), long, *names("b")])
    receipt = mount.ingest()
    assert (receipt.new, receipt.pending_bytes, mount.ids()) == (2, 0, ["a", "b"])
    (row,) = mount.quarantine()
    assert (row.content, row.length, row.line) == (long[:BEGINNING], len(long), 2)
    assert row.digest == hashlib.sha256(long).digest()
    assert mount.ingest().new == 0


def test_a_folder_of_many_small_files_is_taken_in_few_transactions_and_a_batch_for_each(mount: Mount) -> None:
    for container in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        chain = a_chain(120, container=container)
        for number in range(60):
            mount.write(chain[2 * number : 2 * number + 2], f"usage-{number:03}.jsonl", container)
    statements, commits = count(), count()
    event.listen(mount.ledger, "before_cursor_execute", lambda *_: next(statements))
    event.listen(mount.ledger, "commit", lambda *_: next(commits))
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean, next(commits) <= 3, next(statements) < 5 * 120) == (240, True, True, True)
    assert [(row.file, row.records) for row in rows(mount.ledger, BatchRow)] == [
        (f"read/{container}/usage-{number:03}.jsonl", 2)
        for container in ("aaaaaaaaaaaa", "bbbbbbbbbbbb")
        for number in range(60)
    ]
    check_arithmetic(mount.ledger)


def test_unknown_fields_are_kept(mount: Mount) -> None:
    mount.write([a_line("a", site="plant 4", batch={"of": [1, 2.50]}), a_line("b")])
    assert mount.ingest().clean
    assert [row.extra for row in rows(mount.ledger, RecordRow)] == ['{"site":"plant 4","batch":{"of":[1,2.5]}}', None]


def test_records_without_a_chain_are_taken_without_findings(mount: Mount) -> None:
    chained = a_chain(3)
    mount.write([a_line("a"), chained[0], a_line("b"), chained[1], chained[2], a_line("c")])
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean) == (6, True)
    assert [row.sequence for row in rows(mount.ledger, RecordRow)] == [None, 1, None, 2, 3, None]


def test_a_blank_line_is_nothing(mount: Mount) -> None:
    lines = a_chain(2)
    mount.write([b"", lines[0], b"", b"  \t\r", lines[1], b""])
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean) == (2, True)
    assert sources(mount) == [(TODAY, 6, 0)]


def test_lines_may_end_as_on_windows(mount: Mount) -> None:
    mount.put(b"".join(line + b"\r\n" for line in names("a", "b")))
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean) == (2, True)


def test_containers_may_share_a_file(mount: Mount) -> None:
    one, other = a_chain(3), a_chain(3, container="ba9876543210")
    mount.write([one[0], other[0], other[1], one[1], one[2], other[2]])
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean) == (6, True)


def test_progress_is_told_in_bytes_up_to_the_whole(site: Site, mount: Mount) -> None:
    size = mount.write(a_chain(5)).stat().st_size
    told: list[tuple[int, int]] = []
    ingest(site.ledger, [site.output], now=site.now, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (size, size)


def test_the_totals_are_those_of_the_records(mount: Mount) -> None:
    for day in range(5):
        for container in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
            at = START + timedelta(days=day * 11)
            lines = [a_line(f"{container}-{day}-{n}", n / 8, at=at, containerId=container) for n in range(50)]
            mount.write([*lines, b"bad", *lines[:3]], f"usage-{day}.jsonl", container)
        mount.ingest()
    assert len(rows(mount.ledger, RecordRow)) == 500
    assert totals(mount.ledger) == recount(mount.ledger)


def test_a_missing_folder_is_an_error_and_changes_nothing(mount: Mount) -> None:
    mount.write(names("a"))
    with pytest.raises(AzlicError, match="there is no output folder"):
        ingest(mount.ledger, [mount.site.output, mount.site.folder / "none"], now=START)
    assert mount.ids() == []


@only_root
def test_a_folder_that_may_not_be_read_is_an_error_and_nothing_has_vanished() -> None:
    def attempt() -> str:
        with pytest.raises(AzlicError) as refused:
            site.ingest()
        return refused.value.message

    with public_folder() as folder:
        site = Site(folder)
        mount = Mount(site)
        mount.write(names("a"))
        site.ingest()
        for path in (folder, folder / "azlic.db", folder / "azlic.db.lock"):
            path.chmod(0o777)
        mount.path().parent.chmod(0o700)
        assert "cannot be read: Permission denied" in as_nonroot(attempt)
        assert (mount.kinds(), site.ingest().clean) == ({"passed-over": 1}, True)
        site.close()
