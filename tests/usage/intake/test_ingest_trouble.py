"""Ingests that are disturbed: by another one, a full disk, a ledger or a file that may not be touched, the clock."""

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from licensing.core.errors import AzlicError
from licensing.db.database import DatabaseBusy, open_ledger
from licensing.db.lock import holding
from tests.site import START, Site
from tests.usage.forked import NONROOT, as_nonroot, begin, fork, in_child, only_root, public_folder
from tests.usage.ledgers import check_arithmetic, contents
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import TODAY, Mount, rows
from usage.intake.run import ingest
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.records import BatchRow, RecordRow, SourceRow
from usage.records.usage_files import ReadSizes

pytestmark = pytest.mark.databases("sqlite", "postgresql")

TOMORROW = "usage-2026-03-02.jsonl"


SMALL = ReadSizes(block=4000, commit=8000)
"""Blocks and commits of a few lines."""


def reopened(mount: Mount) -> Engine:
    """The ledger as another process opens it, one that waits however busy the machine is."""
    return open_ledger(mount.site.database, wait_seconds=120)


def as_undisturbed(mount: Mount) -> bool:
    """Whether the ledger holds what one would that took everything in one go."""
    whole = open_ledger(mount.site.new_database("whole"), create=True)
    ingest(whole, [mount.site.output], now=START, sizes=SMALL)
    try:
        return contents(whole) == contents(mount.ledger)
    finally:
        whole.dispose()


# ---- two at once


def test_two_processes_at_once_take_nothing_twice(mount: Mount) -> None:
    mount.write(a_chain(3000))
    assert mount.ledger
    mount.ledger.dispose()
    both = [begin(lambda: ingest(reopened(mount), [mount.site.output], now=START, sizes=SMALL).new) for _ in range(2)]
    assert sorted(end() for end in both) == [(0, "0"), (0, "3000")]
    assert as_undisturbed(mount)


def test_an_ingest_that_waits_too_long_says_who_holds_the_ledger(mount: Mount) -> None:
    mount.write([a_line("a")])
    assert mount.ledger
    impatient = open_ledger(mount.site.database, wait_seconds=0.2)
    reader, writer = os.pipe()
    holder = os.fork()
    if holder == 0:
        with holding(reopened(mount)):
            os.write(writer, b"held")
            signal.pause()
    assert os.read(reader, 4) == b"held"
    try:
        by = r"server process \d+" if "://" in mount.site.database else f"process {holder}"
        with pytest.raises(DatabaseBusy, match=f"in use by {by}$"):
            ingest(impatient, [mount.site.output], now=START)
    finally:
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
        os.close(reader)
        os.close(writer)
        impatient.dispose()
    assert mount.ingest().new == 1


# ---- the disk


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("room", [0, 3000, 20_000, 60_000])
def test_when_the_ledger_may_not_grow_the_next_ingest_goes_on_where_this_one_stopped(mount: Mount, room: int) -> None:
    mount.write(a_chain(1000))
    mount.write([a_line("a"), b"bad"], TOMORROW)
    database = Path(str(mount.ledger.url.database))
    mount.ledger.dispose()

    def fill() -> str:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = database.stat().st_size + room
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        with pytest.raises(AzlicError) as refused:
            ingest(reopened(mount), [mount.site.output], now=START, sizes=SMALL)
        return f"{refused.value.message}; {refused.value.hint}"

    said = in_child(fill)
    assert said.startswith(f"the database {database} cannot be used: d") and "free space" in said, said
    check_arithmetic(mount.ledger)
    taken = len(mount.ids())
    receipt = mount.ingest(SMALL)
    assert (taken + receipt.new, receipt.duplicates, mount.findings()) == (1001, 0, [])
    assert as_undisturbed(mount)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of its own with so much room, where this user may mount one."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=False)
    if mounted.returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@only_root
@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount command")
def test_on_a_disk_that_is_full_for_real_the_error_says_so_and_nothing_is_lost(tmp_path: Path) -> None:
    site = Site(tmp_path)
    mount = Mount(site)
    mount.write(a_chain(6000))
    disk = tmp_path / "disk"
    with small_disk(disk, "1m"):
        ledger = open_ledger(str(disk / "azlic.db"), create=True)
        with holding(ledger):
            pass
        (disk / "ballast").write_bytes(bytes(300_000))
        with pytest.raises(AzlicError, match=r"azlic\.db cannot be used: database or disk is full"):
            ingest(ledger, [site.output], now=START, sizes=SMALL)
        check_arithmetic(ledger)
        taken = len(rows(ledger, RecordRow))
        assert 0 < taken < 6000
        (disk / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        receipt = ingest(ledger, [site.output], now=START, sizes=SMALL)
        assert (taken + receipt.new, receipt.duplicates) == (6000, 0)
        check_arithmetic(ledger)
        ledger.dispose()
    site.close()


# ---- permissions


@only_root
@pytest.mark.parametrize("closed", ["azlic.db", "azlic.db.lock", "."])
def test_a_ledger_that_may_not_be_written_is_an_error_with_a_hint(closed: str) -> None:
    def attempt() -> str:
        with pytest.raises(AzlicError) as refused:
            ingest(open_ledger(str(folder / "azlic.db"), create=True), [site.output], now=START)
        return f"{refused.value.message}\n{refused.value.hint}"

    with public_folder() as folder:
        site = Site(folder)
        mount = Mount(site)
        mount.write([a_line("a")])
        with holding(site.ledger):
            pass
        site.close()
        for path in (folder, folder / "azlic.db", folder / "azlic.db.lock"):
            os.chown(path, NONROOT, NONROOT)
        (folder / closed).chmod(0o555)
        os.chown(folder / closed, 0, 0)
        message, hint = as_nonroot(attempt).splitlines()
        assert "cannot be" in message and "who may write" in hint
        site.close()


@only_root
def test_a_file_whose_permission_is_lost_half_way_costs_no_other_file_and_goes_on_later() -> None:
    """And neither its rotation meanwhile nor its return is a finding."""

    def attempt() -> str:
        ledger = open_ledger(str(folder / "azlic.db"))
        with pytest.raises(AzlicError) as refused:
            ingest(ledger, [site.output], now=START, sizes=SMALL)
        ledger.dispose()
        return f"{refused.value.message}\n{refused.value.hint}"

    with public_folder() as folder:
        site = Site(folder)
        mount = Mount(site)
        lines = a_chain(200)
        mount.write(lines[:100])
        site.ingest()
        mount.append(lines[100:])
        mount.write([a_line("a")], TOMORROW)
        for path in (folder, folder / "azlic.db", folder / "azlic.db.lock"):
            os.chown(path, NONROOT, NONROOT)
        mount.path().chmod(0o600)
        for name in (TODAY, f"{TODAY}.1"):
            message, hint = as_nonroot(attempt).splitlines()
            assert message.endswith(f"{name} cannot be read: Permission denied") and "all other files" in hint
            assert (len(mount.ids()), set(mount.kinds())) == (101, {"passed-over"})
            mount.path(name).rename(mount.path(f"{TODAY}.1"))
        mount.path(f"{TODAY}.1").chmod(0o644)
        receipt = site.ingest()
        assert (receipt.new, receipt.duplicates, receipt.clean) == (100, 0, True)
        assert [SourceKind.CHANGE.is_of(row.path) for row in rows(mount.ledger, SourceRow)].count(False) == 2
        site.close()


@only_root
def test_a_folder_that_may_be_listed_but_not_entered_is_an_error_in_words() -> None:
    def attempt() -> str:
        with pytest.raises(AzlicError) as refused:
            ingest(open_ledger(str(folder / "azlic.db")), [path], now=START)
        return refused.value.message

    with public_folder() as folder:
        site = Site(folder)
        mount = Mount(site)
        inside = mount.write([a_line("a")])
        site.ingest()
        for name in (folder, folder / "azlic.db", folder / "azlic.db.lock"):
            os.chown(name, NONROOT, NONROOT)
        inside.parent.chmod(0o744)
        for path in (site.output, inside):  # noqa: B007
            assert "cannot be examined: Permission denied" in as_nonroot(attempt)
        assert mount.kinds() == {"passed-over": 1}
        site.close()


# ---- death and time


def test_a_process_killed_while_it_holds_the_ledger_leaves_it_free(mount: Mount) -> None:
    mount.write(a_chain(300))
    assert mount.ledger
    mount.ledger.dispose()

    def die() -> None:
        def progress(_done: int, _total: int) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        ingest(reopened(mount), [mount.site.output], now=START, progress=progress, sizes=SMALL)

    status, _ = fork(die)
    assert status == signal.SIGKILL
    taken = len(mount.ids())
    assert 0 < taken < 300
    assert mount.ingest(SMALL).new == 300 - taken
    assert as_undisturbed(mount)


def test_a_clock_that_was_set_back_changes_nothing_but_what_it_says(mount: Mount) -> None:
    lines = a_chain(9)
    for days in (0, 40, -80, 1):
        mount.site.now += timedelta(days=days)
        mount.write(lines[: len(mount.ids()) + 2])
        assert mount.ingest().clean
    assert len(mount.ids()) == 8
    taken = [row.taken_at for row in rows(mount.ledger, BatchRow)]
    assert taken != sorted(taken)
    check_arithmetic(mount.ledger)
