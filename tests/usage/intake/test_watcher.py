import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from azlic.sd_notify import Supervisor
from licensing.core.errors import AzlicError
from licensing.db.database import open_ledger
from tests.usage.ledgers import check_arithmetic
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import TODAY, Mount, rows
from tests.waiting import eventually
from usage.intake.watcher import Watch
from usage.ledger.receipt import Receipt
from usage.ledger.tables.records import RecordRow, SourceRow
from usage.records.usage_files import SIZES, ReadSizes

OFTEN, NEVER = 0.2, 1000.0

# watchdog says so when a folder is made while it looks for new folders, and then goes on rightly
pytestmark = pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning")


class Watching:
    """A watch on a thread of its own, and what it said."""

    def __init__(self, mount: Mount, *, rescan: float, polling: bool = False, sizes: ReadSizes = SIZES) -> None:
        self.receipts: list[Receipt] = []
        self.failures: list[AzlicError] = []
        self.signs_of_life = 0
        self.watch = Watch(mount.ledger, [mount.site.output], clock=mount.site.clock, polling=polling, sizes=sizes)
        self._rescan = rescan
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.watch.run(
            rescan_seconds=self._rescan,
            alive_seconds=0.1,
            took=self.receipts.append,
            alive=self._alive,
            failed=self.failures.append,
        )

    def _alive(self) -> None:
        self.signs_of_life += 1


@contextlib.contextmanager
def watching(mount: Mount, *, rescan: float = NEVER, polling: bool = False) -> Iterator[Watching]:
    """A watch that has looked through everything once."""
    found = Watching(mount, rescan=rescan, polling=polling)
    found.thread.start()
    try:
        assert eventually(lambda: bool(found.receipts or found.failures))
        yield found
    finally:
        found.watch.stop()
        found.thread.join(60)
        assert not found.thread.is_alive()


@pytest.mark.parametrize("polling", [False, True])
def test_what_is_appended_is_taken_a_moment_later(mount: Mount, polling: bool) -> None:
    lines = a_chain(6)
    mount.write(lines[:1])
    with watching(mount, polling=polling):
        for line in lines[1:]:
            mount.append([line])
        assert eventually(lambda: len(mount.ids()) == 6)
    assert mount.findings() == []
    check_arithmetic(mount.ledger)


@pytest.mark.parametrize("polling", [False, True])
def test_the_folder_of_a_container_that_starts_later_is_watched_too(mount: Mount, polling: bool) -> None:
    with watching(mount, polling=polling):
        mount.write([a_line("a")], container="ba9876543210")
        assert eventually(lambda: mount.ids() == ["a"])
        mount.append([a_line("b")], container="ba9876543210")
        assert eventually(lambda: mount.ids() == ["a", "b"])


def test_a_file_rotated_while_it_is_watched_loses_nothing_and_raises_no_doubt(mount: Mount) -> None:
    lines = a_chain(60)
    mount.write(lines[:1])
    with watching(mount) as seen:
        for turn in range(1, 6):
            for number in range(10):
                mount.append([lines[turn * 10 - 9 + number]])
            mount.path().rename(mount.path(f"{TODAY}-{20260300 + turn}"))
        mount.append(lines[51:])
        assert eventually(lambda: len(mount.ids()) == 60)
    assert (mount.findings(), seen.failures) == ([], [])
    assert mount.ingest().clean


def sources(mount: Mount) -> dict[str, int]:
    """Up to where each file was read, by its name."""
    return {Path(row.path).name: row.offset for row in rows(mount.ledger, SourceRow)}


def test_a_file_copied_and_truncated_while_it_is_watched_raises_no_doubt(mount: Mount) -> None:
    lines = a_chain(20)
    mount.write(lines[:10])
    with watching(mount):
        mount.put(mount.path().read_bytes(), f"{TODAY}.1")
        assert eventually(lambda: f"{TODAY}.1" in sources(mount))
        os.truncate(mount.path(), 0)
        assert eventually(lambda: sources(mount)[TODAY] == 0)
        mount.append(lines[10:])
        assert eventually(lambda: len(mount.ids()) == 20)
    assert mount.findings() == []


def test_a_scan_of_everything_finds_what_no_event_told_of(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watch, "on_any_event", lambda *_: None)
    mount.write([a_line("a")])
    with watching(mount, rescan=OFTEN):
        mount.append([a_line("b")])
        assert eventually(lambda: mount.ids() == ["a", "b"])
        mount.path().unlink()
        assert eventually(lambda: mount.kinds() == {"vanished": 1})


def test_a_link_is_followed_and_a_file_under_any_name_is_taken_as_an_ingest_does(mount: Mount) -> None:
    outside = mount.site.folder / "outside.txt"
    outside.write_bytes(a_line("outside") + b"\n")
    mount.write([a_line("a")])
    with watching(mount):
        mount.path("link").symlink_to(outside)
        assert eventually(lambda: mount.ids() == ["a", "outside"])
        mount.write([a_line("b")], "records.txt")
        assert eventually(lambda: mount.ids() == ["a", "outside", "b"])


def test_a_file_that_cannot_be_read_now_does_not_end_the_watch(mount: Mount) -> None:
    with watching(mount, rescan=OFTEN) as seen:
        mount.put(b"\x1f\x8bno", f"{TODAY}.1.gz")
        assert eventually(lambda: bool(seen.failures))
        mount.write([a_line("a")])
        assert eventually(lambda: mount.ids() == ["a"])
        mount.path(f"{TODAY}.1.gz").unlink()
        told = len(seen.receipts)
        assert eventually(lambda: len(seen.receipts) > told)
    assert f"{TODAY}.1.gz cannot be read" in seen.failures[0].message


def test_stopping_waits_for_the_ingest_in_hand_and_leaves_nothing_half_done(mount: Mount) -> None:
    mount.write(a_chain(500))
    found = Watching(mount, rescan=NEVER, sizes=ReadSizes(block=4000, commit=8000))
    found.thread.start()
    assert eventually(lambda: len(mount.ids()) > 0)
    found.watch.stop()
    found.thread.join(60)
    assert [receipt.new for receipt in found.receipts] == [500]
    assert found.signs_of_life > 10
    check_arithmetic(mount.ledger)
    assert mount.ingest().new == 0


def test_a_folder_that_is_not_there_is_an_error_in_words(mount: Mount) -> None:
    watch = Watch(mount.ledger, [mount.site.folder / "none"], clock=mount.site.clock)
    with pytest.raises(AzlicError, match="cannot be watched: No such file"):
        watch.run(rescan_seconds=1, alive_seconds=1, took=lambda _: None, alive=lambda: None)


def test_without_a_listener_for_failures_they_end_the_watch(mount: Mount) -> None:
    mount.put(b"\x1f\x8bno", f"{TODAY}.1.gz")
    watch = Watch(mount.ledger, [mount.site.output], clock=mount.site.clock)
    with pytest.raises(AzlicError, match="cannot be read"):
        watch.run(rescan_seconds=1, alive_seconds=1, took=lambda _: None, alive=lambda: None)


# ---- as a service


@contextlib.contextmanager
def manager(path: Path) -> Iterator[socket.socket]:
    """A service manager that listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(60)
        yield listening


def test_a_service_is_ready_alive_and_stopping_in_the_words_of_its_manager(mount: Mount) -> None:
    mount.write([a_line("a")])
    azlic = Path(sys.executable).with_name("azlic")
    database = mount.site.folder / "service.db"
    database.touch()
    notify = mount.site.folder / "notify"
    environment = os.environ | {
        "NOTIFY_SOCKET": str(notify),
        "WATCHDOG_USEC": "200000",
        "AZLIC_DATABASE": str(database),
    }
    heard: list[bytes] = []

    def hear(state: bytes) -> None:
        """Listen until it is said; a service whose words nobody takes would wait, as it does on its real manager."""
        heard.append(listening.recv(100))
        while heard[-1] != state:
            heard.append(listening.recv(100))

    def has(*ids: str) -> bool:
        hear(b"WATCHDOG=1")
        return [row.id for row in rows(ledger, RecordRow)] == [*ids]

    with manager(notify) as listening:
        command = [str(azlic), "watch", str(mount.site.output)]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as service:
            try:
                hear(b"READY=1")
                ledger = open_ledger(str(database))
                mount.append([a_line("b")])
                assert eventually(lambda: has("a", "b"))
                mount.append([a_line("c")])
                service.send_signal(signal.SIGTERM)
                hear(b"STOPPING=1")
                _, said = service.communicate(timeout=60)
            finally:
                service.kill()
    assert (service.returncode, set(heard)) == (0, {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"})
    assert "watching" in said and "stopped; everything taken so far is in the ledger" in said
    check_arithmetic(ledger)
    ledger.dispose()


def test_nobody_is_told_where_there_is_no_manager(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "none"), "WATCHDOG_USEC": "soon"}):
        supervisor = Supervisor(environment)
        supervisor.ready()
        supervisor.alive()
        supervisor.stopping()
        assert supervisor.alive_every_seconds is None


def test_a_manager_may_listen_on_an_abstract_name(tmp_path: Path) -> None:
    name = f"azlic-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(60)
        Supervisor({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert listening.recv(100) == b"READY=1"
