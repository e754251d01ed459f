"""The ways in which file tailers are known to lose or double records (docs: the issues of Vector, Filebeat, Fluent Bit
and the OpenTelemetry collector); each is a test in the words of its report."""

import gzip
import hashlib
import os
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from licensing.core.errors import AzlicError
from licensing.db.database import reading, writing
from tests.site import START
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import TODAY, Mount, rows
from usage.intake.findings import list_findings, settle
from usage.intake.matching import Memory
from usage.intake.run import ingest
from usage.ledger.tables.records import FindingRow, SourceRow
from usage.records.usage_files import OpenFile, ReadSizes

pytestmark = pytest.mark.databases("sqlite", "postgresql")

TOMORROW = "usage-2026-03-02.jsonl"
A_BLOCK_A_COMMIT = ReadSizes(block=2000, commit=1)


def names(*ids: str) -> list[bytes]:
    return [a_line(name) for name in ids]


def numbered(prefix: str, count: int) -> list[bytes]:
    return [a_line(f"{prefix}{number:05}") for number in range(count)]


def as_if_recycled(mount: Mount, path: Path) -> None:
    """Let the ledger believe that its newest source had the inode that a file has now."""
    status = path.stat()
    newest = max(row.key for row in rows(mount.ledger, SourceRow))
    with writing(mount.ledger) as connection:
        connection.execute(
            update(SourceRow).where(SourceRow.key == newest).values(inode=status.st_ino, device=status.st_dev)
        )


@pytest.mark.parametrize("count", [1, 20, 21, 40])
def test_a_new_file_on_a_recycled_inode_does_not_wait_to_outgrow_the_old_offset(mount: Mount, count: int) -> None:
    mount.write(numbered("old", 20))
    mount.ingest()
    mount.path().unlink()
    as_if_recycled(mount, mount.write(numbered("new", count), TOMORROW))
    assert mount.ingest().new == count


def test_a_file_that_vanished_while_nobody_looked_does_not_hold_its_inode_for_ever(mount: Mount) -> None:
    mount.write(names("a", "b"))
    mount.ingest()
    mount.path().unlink()
    mount.ingest()
    as_if_recycled(mount, mount.write(names("c", "d"), TOMORROW))
    assert (mount.ingest().new, mount.ids()) == (2, ["a", "b", "c", "d"])


def test_files_that_begin_alike_are_told_apart_by_their_rest(mount: Mount) -> None:
    head = numbered("head", 20)
    mount.write([*head, *names("a", "b")])
    mount.ingest()
    mount.write([*head, *names("c", "d", "e")], TOMORROW)
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (3, 20, True)


def test_a_file_that_begins_like_one_that_is_gone_does_not_inherit_its_offset(mount: Mount) -> None:
    head = numbered("head", 20)
    mount.write([*head, *names("a", "b")]).rename(mount.path("usage-0.jsonl"))
    mount.ingest()
    mount.path("usage-0.jsonl").unlink()
    mount.write([*head, *names("c", "d", "e")], TOMORROW)
    assert mount.ingest().new == 3
    assert mount.kinds() == Counter(vanished=1)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_a_truncated_file_that_is_written_again_is_read_from_its_first_character(mount: Mount, count: int) -> None:
    mount.write(names("a", "b", "c"))
    mount.ingest()
    mount.write(numbered("n", count))
    assert (mount.ingest().new, mount.quarantine()) == (count, [])
    assert sum(mount.kinds().values()) == 1


def test_a_file_truncated_and_written_again_between_two_looks_is_read_from_its_beginning(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look is the one that reads; when it comes, the offset of the first may lie within a line."""
    mount.write(names("a", "b", "c"))
    mount.ingest()
    mount.append(names("d"))
    opened: list[Path] = []
    look = OpenFile.__init__

    def looking(self: OpenFile, path: Path) -> None:
        opened.append(path)
        if len(opened) == 2:
            mount.write(numbered("new", 30))
        look(self, path)

    monkeypatch.setattr(OpenFile, "__init__", looking)
    receipt = mount.ingest()
    assert (receipt.new, receipt.unsteady, mount.quarantine()) == (30, 0, [])
    assert mount.kinds() == Counter(rewritten=1)


def test_a_file_truncated_and_written_again_while_it_is_read_is_noticed_by_the_next_ingest(mount: Mount) -> None:
    mount.write(numbered("old", 50))
    done: list[int] = []

    def progress(bytes_done: int, _total: int) -> None:
        done.append(bytes_done)
        if len(done) == 3:
            mount.write(numbered("new", 90))

    ingest(mount.ledger, [mount.site.output], now=START, progress=progress, sizes=A_BLOCK_A_COMMIT)
    mount.ingest()
    assert {f"new{number:05}" for number in range(90)} <= set(mount.ids())
    assert mount.kinds() == Counter(rewritten=1)


def test_after_a_rotation_reading_does_not_begin_within_a_line(mount: Mount) -> None:
    lines = a_chain(6)
    mount.put(b"\n".join(lines[:3]))
    mount.ingest()
    mount.path().rename(mount.path(f"{TODAY}.1"))
    mount.put(b"\n", f"{TODAY}.1", mode="ab")
    mount.write(lines[3:])
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean, mount.quarantine()) == (4, True, [])


@pytest.mark.parametrize("turns", [(".2", ".1"), ("-20260228", "-20260301"), (".2.gz", ".1.gz")])
def test_rotated_files_are_read_oldest_first_so_that_no_record_seems_to_be_missing(
    mount: Mount, turns: tuple[str, str]
) -> None:
    lines = a_chain(9)
    for part, name in enumerate((*(TODAY + turn for turn in turns), TODAY)):
        path = mount.write(lines[part * 3 : part * 3 + 3], name)
        if path.suffix == ".gz":
            path.write_bytes(gzip.compress(path.read_bytes()))
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean) == (9, True)


def test_the_offset_never_passes_what_is_committed(mount: Mount) -> None:
    lines = mount.write(numbered("n", 50)).read_bytes()

    def progress(_done: int, _total: int) -> None:
        (source,) = rows(mount.ledger, SourceRow)
        assert lines[: source.offset].count(b"\n") == len(mount.ids()) == source.line

    ingest(mount.ledger, [mount.site.output], now=START, progress=progress, sizes=A_BLOCK_A_COMMIT)
    assert len(mount.ids()) == 50


def test_a_file_of_bad_lines_alone_is_read_once(mount: Mount) -> None:
    mount.write([b"bad", b"worse"])
    assert mount.ingest().quarantined == 2
    (source,) = rows(mount.ledger, SourceRow)
    assert (source.offset, source.line) == (10, 2)
    mount.append(names("a"))
    receipt = mount.ingest()
    assert (receipt.new, receipt.quarantined) == (1, 0)


def test_a_rotated_file_that_is_compressed_is_not_counted_again(mount: Mount) -> None:
    rotated = mount.write([*a_chain(5), b"bad"]).rename(mount.path(f"{TODAY}.1"))
    mount.ingest()
    rotated.with_name(f"{TODAY}.1.gz").write_bytes(gzip.compress(rotated.read_bytes()))
    rotated.unlink()
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (0, 0, True)


def test_what_a_file_gained_before_it_was_compressed_is_taken(mount: Mount) -> None:
    lines = a_chain(9)
    mount.write(lines[:5])
    mount.ingest()
    mount.append(lines[5:])
    mount.path(f"{TODAY}.1.gz").write_bytes(gzip.compress(mount.path().read_bytes()))
    mount.path().unlink()
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (4, 0, True)


def test_a_compressed_file_that_is_still_written_costs_nothing_but_patience(mount: Mount) -> None:
    rotated = mount.write(a_chain(40)).rename(mount.path(f"{TODAY}.1"))
    packed = gzip.compress(rotated.read_bytes())
    mount.write(names("a"))
    for part in (0, 5, len(packed) // 2, len(packed) - 1):
        mount.path(f"{TODAY}.1.gz").write_bytes(packed[:part])
        if part:
            with pytest.raises(AzlicError, match=r"\.1\.gz cannot be read") as refused:
                mount.ingest()
            assert "all other files were taken" in refused.value.hint
        else:
            mount.ingest()
        assert len(mount.ids()) == 41
    mount.path(f"{TODAY}.1.gz").write_bytes(packed)
    rotated.unlink()
    assert (mount.ingest().new, len(mount.ids()), mount.kinds()) == (0, 41, Counter({"passed-over": 3}))
    with reading(mount.ledger) as connection:
        assert list_findings(connection) == []


@pytest.mark.parametrize("watched", [False, True])
def test_an_edit_far_before_the_offset_is_noticed(mount: Mount, watched: bool) -> None:
    """Though head and marker are the same, and though a watcher that remembers took an append since."""
    lines = numbered("n", 200)
    memory = Memory()
    mount.write(lines)
    ingest(mount.ledger, [mount.site.output], now=START, memory=memory)
    with mount.path().open("r+b") as file:
        file.seek(len(lines[0]) * 100)
        file.write(b"#")
    if watched:
        mount.append(names("a"))
        assert ingest(mount.ledger, [mount.path()], now=START, memory=memory).new == 1
    assert mount.ingest().conflicts == 1
    assert mount.kinds() == Counter(rewritten=1)


def test_a_source_known_by_a_head_of_another_length_is_not_read_again(mount: Mount) -> None:
    """As an older or a newer version may have kept it."""
    content = mount.write(a_chain(9)).read_bytes()
    mount.ingest()
    with writing(mount.ledger) as connection:
        connection.execute(
            update(SourceRow).values(
                inode=1,
                path="/elsewhere",
                head_length=100,
                head=hashlib.sha256(content[:100]).digest(),
                marker_length=7,
                marker=hashlib.sha256(content[-7:]).digest(),
            )
        )
    mount.append(names("a"))
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (1, 0, True)


@pytest.mark.databases("sqlite")
def test_more_files_and_findings_than_a_statement_has_variables_are_none_too_many(mount: Mount) -> None:
    many = range(1, 33_001)
    gone = {"device": 1, "vanished_at": START}
    found = {"kind": "vanished", "source": 1, "file": "f", "line": 0, "found_at": START}
    with writing(mount.ledger) as connection:
        connection.execute(insert(SourceRow), [gone | {"path": f"/{number}", "inode": number} for number in many])
        connection.execute(insert(FindingRow), [found | {"detail": f"{number}"} for number in many])
    mount.write(names("a"))
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean) == (1, True)
    assert settle(mount.ledger, list(many), reason="a test", now=START) == len(many)


# ---- what the model found, or would have


def test_a_file_that_vanishes_a_second_time_is_said_again(mount: Mount) -> None:
    away = mount.site.folder / "away"
    mount.write(names("a"))
    mount.ingest()
    for times in (1, 2, 3):
        mount.path().rename(away)
        assert (mount.ingest().findings, mount.kinds()) == (1, Counter(vanished=times))
        away.rename(mount.path())
        assert mount.ingest().findings == 0


def test_a_single_file_looked_at_after_a_rotation_is_no_loss(mount: Mount) -> None:
    mount.write(names("a"))
    mount.ingest()
    mount.path().rename(mount.path(f"{TODAY}.1"))
    mount.write(names("b"))
    assert ingest(mount.ledger, [mount.path()], now=START).clean
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean, mount.findings()) == (0, 0, True, [])


def test_a_single_file_looked_at_after_a_copy_and_truncation_is_no_loss(mount: Mount) -> None:
    mount.write(names("a", "b"))
    mount.ingest()
    mount.put(mount.path().read_bytes(), f"{TODAY}.1")
    mount.write([])
    assert ingest(mount.ledger, [mount.path()], now=START).clean
    assert (mount.ingest().clean, mount.findings()) == (True, [])


def test_two_names_of_one_file_count_once(mount: Mount) -> None:
    mount.put(a_line("a"))
    os.link(mount.path(), mount.path("a-link.jsonl"))
    for _ in range(3):
        assert mount.ingest().clean
    mount.append([b""])
    receipt = mount.ingest()
    assert (receipt.new, receipt.duplicates, receipt.clean) == (1, 0, True)


def test_what_a_truncation_destroyed_before_anybody_read_it_is_said(mount: Mount) -> None:
    mount.write(names("a"))
    mount.ingest()
    mount.append(names("lost"))
    mount.write([])
    assert mount.ingest().findings == 1
    assert mount.findings() == [("shrunk", None, TODAY, 0)]


def test_an_unfinished_line_that_a_copy_does_not_hold_is_said(mount: Mount) -> None:
    mount.put(a_line("a") + b"\n" + a_line("b"))
    mount.ingest()
    mount.write(names("a"), f"{TODAY}.1")
    mount.ingest()
    mount.write([])
    mount.ingest()
    assert mount.kinds() == Counter(shrunk=1)


def test_a_container_that_counts_anew_is_said_once_for_each_file(mount: Mount) -> None:
    mount.write(a_chain(5))
    mount.ingest()
    anew = [line.replace(b'"id":"', b'"id":"anew-') for line in a_chain(3)]
    mount.write(anew, TOMORROW)
    assert mount.ingest().new == 3
    assert mount.kinds()["reused"] == 1


@pytest.mark.parametrize("name", [b"usage-\xff.jsonl", b"usage-\x1b[31m.jsonl", "usage-ü.jsonl".encode()])
def test_a_file_of_any_name_is_taken_and_shown_without_harm(mount: Mount, name: bytes) -> None:
    mount.write(names("a"))
    path = Path(os.fsdecode(os.fsencode(mount.path().parent) + b"/" + name))
    path.write_bytes(a_line("b") + b"\nbad\n")
    receipt = mount.ingest()
    assert (receipt.new, receipt.quarantined) == (2, 1)
    assert mount.quarantine()[0].file.isprintable()
    path.unlink()
    assert (mount.ingest().findings, mount.kinds()) == (1, Counter(vanished=1))
