"""Every name and form that a usage file may have: taken once, or listed. None is passed over in silence."""

import bz2
import gzip
import io
import lzma
import os
import socket
import tarfile
import zipfile
from collections.abc import Callable
from itertools import cycle, product
from pathlib import Path

import pytest
from backports import zstd

from licensing.db.database import reading
from tests.site import METER
from tests.usage.forked import NONROOT, only_root
from tests.usage.ledgers import check_arithmetic
from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.intake.backlog import read_backlog
from usage.intake.findings import list_findings, settle
from usage.intake.run import NotAllRead
from usage.records.compression import Damaged, Decompressed, decoder_of
from usage.records.output_mount import MountReport
from usage.records.output_scan import scan_folders
from usage.records.usage_files import BEGINNING

DAY = "usage-2026-03-01"
NAMES = (
    f"{DAY}.jsonl",
    f"{DAY}.JSONL",
    f"{DAY}.ndjson",
    f"{DAY}.json",
    f"{DAY}.txt",
    f"{DAY}.log",
    DAY,
    f"{DAY}.jsonl.1",
    f"{DAY}.1.jsonl",
    f"{DAY}.jsonl-20260302",
    f"{DAY}-20260302.jsonl",
    f"{DAY}.jsonl-2026-03-02",
    f"{DAY}.jsonl.2026-03-02_03",
    f"{DAY}.jsonl-1772409600",
    f"{DAY}.jsonl.old",
    f"{DAY}.jsonl.bak",
    f"{DAY}.jsonl~",
    f".{DAY}.jsonl.swp",
    f"copy of {DAY} (2).jsonl",
    "\udcff.jsonl",
    "Ünïcode\n.jsonl",
)
ENDINGS = ("", ".gz", ".GZ", ".gz.1", "-20260303.gz", ".bz2", ".xz", ".lzma", ".zst", ".z", ".part")
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "two members": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]) + bytes(512),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "zstd": zstd.compress,
    "two frames": lambda data: zstd.compress(data[:100]) + zstd.compress(data[100:]),
}


def tarred(data: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo(f"{DAY}.jsonl")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return target.getvalue()


def zipped(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(f"{DAY}.jsonl", data)
    return target.getvalue()


NOT_TAKEN: dict[str, Callable[[bytes], bytes]] = {
    "zip": zipped,
    "tar": tarred,
    "7z": lambda data: b"7z\xbc\xaf\x27\x1c" + data,
    "lz4": lambda data: b"\x04\x22\x4d\x18" + data,
    "age": lambda data: b"age-encryption.org/v1\n" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "UTF-16 without a mark": lambda data: data.decode().encode("utf-16-le"),
    "half a gzip": lambda data: gzip.compress(data)[:-9],
    "half an xz": lambda data: lzma.compress(data)[:-9],
    "half a zstd": lambda data: zstd.compress(data)[:-3],
    "half a bzip2": lambda data: bz2.compress(data)[:-3],
    "gzip and something else": lambda data: gzip.compress(data) + b"something else",
}


def lay(mount: Mount, folder: str, name: str, content: bytes) -> Path:
    path = mount.site.output / "read" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def try_ingest(mount: Mount) -> list[str]:
    """Ingest, and give what was passed over."""
    try:
        receipt = mount.ingest()
    except NotAllRead as error:
        receipt = error.receipt
    return [item.text for item in receipt.passed_over]


@pytest.mark.parametrize("way", ["plain", "link", "folder link"])
def test_whatever_a_file_is_called_however_it_is_packed_and_whatever_leads_to_it_its_record_counts_once(
    mount: Mount, way: str
) -> None:
    expected = []
    forms = cycle(FORMS)  # whose number the endings' is prime to: each ending comes in each form
    for number, (name, ending) in enumerate(product(NAMES, ENDINGS)):
        record, form = f"{number:05}", next(forms)
        expected.append(record)
        packed = FORMS[form](a_line(record) + b"\n")
        if way == "plain":
            lay(mount, f"c{number:05}", name + ending, packed)
            continue
        elsewhere = mount.site.folder / "elsewhere" / f"c{number:05}" / (name + ending)
        elsewhere.parent.mkdir(parents=True)
        elsewhere.write_bytes(packed)
        link = mount.site.output / "read" / f"c{number:05}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(elsewhere if way == "link" else elsewhere.parent)
    receipt = mount.ingest()
    assert (receipt.passed_over, sorted(mount.ids()), receipt.duplicates) == ([], expected, 0)
    assert mount.ingest().new == 0
    with reading(mount.ledger) as connection:
        assert read_backlog(connection, [mount.site.output]).untaken == ()
    assert MountReport(mount.site.output, service="read").body()["meters"] == [
        {"name": METER, "quantity": len(expected)}
    ]
    check_arithmetic(mount.ledger)


def test_what_cannot_be_taken_is_listed_and_stands_against_closing_until_it_is_put_aside(mount: Mount) -> None:
    paths = [
        str(lay(mount, "c", name + f"{ending}.{number}", make(b"".join(a_line(f"{i}") + b"\n" for i in range(9)))))
        for number, make in enumerate(NOT_TAKEN.values())
        for name, ending in ((f"{DAY}.jsonl", ""), (f"{DAY}.jsonl", ".gz"), ("other", ".dat"))
    ]
    paths += [str(lay(mount, "c", "secret.jsonl.gpg", b"\x85\x02\x0c")), str(lay(mount, "c", "notes", b"hello\n"))]
    assert try_ingest(mount) == try_ingest(mount) == sorted(paths)
    with reading(mount.ledger) as connection:
        found = list_findings(connection)
        look = read_backlog(connection, [mount.site.output])
    assert {item.kind for item in found} == {"passed-over"} and len(found) == len(paths)
    assert (look.passed_over, look.untaken, mount.ids()) == ((), (), [])
    settle(mount.ledger, [item.key for item in found], reason="known", now=mount.site.now)
    assert mount.ingest().clean
    lay(mount, "c", "notes", b"other notes\n")
    assert try_ingest(mount) == [str(mount.site.output / "read/c/notes")]


def test_what_was_passed_over_and_is_whole_by_now_is_taken_and_its_finding_settled(mount: Mount) -> None:
    packed = gzip.compress(a_line("a") + b"\n")
    for content in (packed[:10], packed[:20], packed):
        lay(mount, "c", f"{DAY}.jsonl.gz", content)
        passed = try_ingest(mount)
    with reading(mount.ledger) as connection:
        assert (passed, mount.ids(), list_findings(connection)) == ([], ["a"], [])
    lay(mount, "c", f"{DAY}.jsonl.gz", packed[:20])
    try_ingest(mount)
    with reading(mount.ledger) as connection:
        assert "passed-over" in [item.kind for item in list_findings(connection)]


def test_links_and_sockets_that_hold_nothing_are_listed_until_they_are_gone(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay(mount, "c", f"{DAY}.jsonl", a_line("a") + b"\n").parent
    (folder / "dangling").symlink_to("nowhere")
    (folder / "round").symlink_to("round")
    (folder / "up").symlink_to("..")  # what is above is looked at anyway
    (folder / "same.jsonl").symlink_to(f"{DAY}.jsonl")
    (folder / "null").symlink_to("/dev/null")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(folder)  # the whole path may be longer than a socket's may be
        listening.bind("s")
    told = {item.text.rpartition("/")[2]: item.reason for item in scan_folders([mount.site.output]).passed_over}
    assert told == {
        "dangling": "it is a link to something that is not there",
        "round": "it is a link that leads to itself",
        "null": "it is a link to something that is no file",
        "pipe": "it is a pipe",
        "s": "it is a socket",
    }
    assert (len(try_ingest(mount)), mount.ids()) == (5, ["a"])
    for name in told:
        (folder / name).unlink()
    assert mount.ingest().clean
    with reading(mount.ledger) as connection:
        assert list_findings(connection) == []


@only_root
def test_a_container_cannot_lead_us_to_a_file_of_somebody_else(mount: Mount) -> None:
    secret = mount.site.folder / "secret.jsonl"
    secret.write_bytes(a_line("secret") + b"\n")
    folder = lay(mount, "c", f"{DAY}.jsonl", a_line("a") + b"\n").parent
    (folder / "link.jsonl").symlink_to(secret)
    os.chown(folder / "link.jsonl", NONROOT, NONROOT, follow_symlinks=False)
    assert (try_ingest(mount), mount.ids()) == ([str(folder / "link.jsonl")], ["a"])
    os.chown(secret, NONROOT, NONROOT)
    assert (try_ingest(mount), mount.ids()) == ([], ["a", "secret"])


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_rotated_and_compressed_after_it_was_taken_counts_nothing_twice(mount: Mount, form: str) -> None:
    content = b"".join(a_line(f"{number}") + b"\n" for number in range(9))
    path = lay(mount, "c", f"{DAY}.jsonl", content)
    mount.ingest()
    for name in ("1", "2026-03-02", "old"):
        packed = path.parent / f"{DAY}.jsonl.{name}.x"
        packed.write_bytes(FORMS[form](content))
        path.unlink()
        path = packed
        receipt = mount.ingest()
        assert (receipt.new, receipt.duplicates, receipt.clean) == (0, 0, True)


def test_what_is_something_else_is_no_matter(mount: Mount) -> None:
    lay(mount, "c", "empty", b"")
    lay(mount, "c", "container.log", b"started\n")
    lay(mount, "c", "azlic.db", b"SQLite format 3\0" + bytes(99))
    lay(mount, "c", "azlic.db-journal", b"\xd9\xd5\x05\xf9")
    assert mount.ingest().clean


def test_a_long_log_is_listed_once_whether_or_not_it_grows(mount: Mount) -> None:
    line = b"2026-03-01 08:00:00 started, and nothing else\n"
    whole = line * (BEGINNING // len(line) + 1)
    packed = gzip.compress(whole)
    for name, content in (("short.log", whole[: BEGINNING - 1]), ("app.log", whole), ("old.log.1.gz", packed)):
        lay(mount, "c", name, content)
    for _ in range(2):
        assert [item.path.name for item in mount.ingest().passed_over] == ["app.log", "old.log.1.gz"]
        lay(mount, "c", "app.log", whole * 2)
    with reading(mount.site.ledger) as connection:
        told = [one.detail for one in list_findings(connection)]
    assert len(told) == 2 and all("no usage record" in detail for detail in told), "one may grow"
    lay(mount, "c", "app.log", a_line("a") + b"\n" + whole)
    assert mount.ingest().new == 1


def test_a_file_that_grows_without_bound_when_it_is_decompressed_is_not_read_on(tmp_path: Path) -> None:
    for compress in (bz2.compress, lzma.compress, zstd.compress, gzip.compress):
        (tmp_path / "bomb").write_bytes(compress(bytes(30_000_000)))
        descriptor = os.open(tmp_path / "bomb", os.O_RDONLY)
        decoder = decoder_of((tmp_path / "bomb").read_bytes()[:9])
        assert decoder is not None
        bomb = Decompressed(descriptor, decoder, free=1_000_000)
        with pytest.raises(Damaged, match="more than 500 times its size"):
            bomb.read(25_000_000, 1)
        os.close(descriptor)
