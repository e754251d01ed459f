"""`azlic verify --watch`, as a process of its own."""

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from azlic.commands.verify_watch import LOOK_SECONDS
from tests.azlic.conftest import Cli
from tests.site import Site, a_license

AZLIC = Path(sys.executable).with_name("azlic")
DAY = timedelta(days=1)


def install(site: Site, days: int, folder: Path | None = None) -> Path:
    """A license that ends so many days from now; it takes the old one's place in one step."""
    now = datetime.now(UTC).replace(microsecond=0)
    dates = {"issued_at": now - 90 * DAY, "not_before": now - 90 * DAY, "expires_at": now + days * DAY}
    made = site.install(a_license(**dates), site.folder / "new")
    target = (folder or site.license) / "license.dat"
    target.parent.mkdir(exist_ok=True, parents=True)
    return made.replace(target)


class Watching:
    """A watch, and what it says."""

    def __init__(self, site: Site, output: int, *words: object) -> None:
        self.process = subprocess.Popen(
            [AZLIC, "verify", *map(str, words), "--watch", "--trust", site.trust.folder],
            stdout=output,
            stderr=subprocess.PIPE,
            env=os.environ | {"AZLIC_CONFIG": os.devnull, "NO_COLOR": "1", "COLUMNS": "80", "LINES": "40"},
        )

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@contextlib.contextmanager
def watching(site: Site, output: int, *words: object) -> Iterator[Watching]:
    found = Watching(site, output, *words)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.communicate()


class Reader:
    """What comes out of a pipe or a terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.text = ""

    def until(self, words: str, seconds: float = 60) -> str:
        deadline = time.monotonic() + seconds
        while words not in self.text:
            ready, _, _ = select.select([self._descriptor], [], [], max(0, deadline - time.monotonic()))
            assert ready, (words, self.text)
            self.text += os.read(self._descriptor, 65536).decode()
        return self.text


@pytest.fixture
def pipe() -> Iterator[tuple[Reader, int]]:
    reader, writer = os.pipe()
    yield Reader(reader), writer
    for end in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(end)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_license_that_is_replaced_is_a_new_line(site: Site, pipe: tuple[Reader, int], number: int) -> None:
    reader, writer = pipe
    install(site, 200)
    with watching(site, writer, site.license) as watch:
        reader.until(f" valid {site.license}: the license runs until")
        install(site, -1)
        reader.until(f" expired {site.license}: the license ended at")
        assert watch.end(number) == 1
    lines = reader.text.splitlines()
    assert len(lines) == 2
    assert [datetime.fromisoformat(line.split()[0]).tzinfo for line in lines] == [UTC, UTC]


def test_the_exit_status_is_that_of_the_last_view(site: Site, pipe: tuple[Reader, int]) -> None:
    reader, writer = pipe
    with watching(site, writer, site.license) as watch:
        reader.until(" missing ")
        install(site, 200)
        reader.until(" valid ")
        assert watch.end() == 0


def test_of_many_only_the_one_that_changed_is_said_again(site: Site, pipe: tuple[Reader, int]) -> None:
    reader, writer = pipe
    for name in ("a", "b", "c"):
        install(site, 200, site.folder / "licenses" / name)
    with watching(site, writer, site.folder / "licenses", "--json") as watch:
        reader.until("licenses/c")
        install(site, 30, site.folder / "licenses/b")
        reader.until("expiring")
        assert watch.end() == 0
    told = [json.loads(line) for line in reader.text.splitlines()]
    assert {one["schema"] for one in told} == {"azlic.verdict/v1"}
    assert [(Path(one["path"]).name, one["status"]) for one in told] == [
        ("a", "valid"), ("b", "valid"), ("c", "valid"), ("b", "expiring"),
    ]  # fmt: skip


def test_a_terminal_gets_the_whole_view_anew(site: Site) -> None:
    ours, theirs = pty.openpty()
    reader = Reader(ours)
    install(site, 200, site.folder / "licenses/a")
    with watching(site, theirs, site.folder / "licenses") as watch:
        reader.until("Ctrl+C ends.")
        install(
            site, 30, site.folder / "prepared"
        )  # whole before it is seen: a folder without a license is a view, too
        (site.folder / "prepared").rename(site.folder / "licenses/b")
        reader.until("1 expiring, 1 valid")
        assert watch.end() == 0
    assert reader.text.count("\x1b[2J\x1b[HAs of ") == 2
    os.close(ours)
    os.close(theirs)


def test_a_trust_store_that_fails_is_said_once_and_tried_again(site: Site, pipe: tuple[Reader, int]) -> None:
    reader, writer = pipe
    install(site, 200)
    with watching(site, writer, site.license) as watch:
        assert watch.process.stderr is not None
        reader.until(" valid ")
        store = site.trust.folder.rename(site.folder / "aside")
        site.trust.folder.touch()
        complaints = Reader(watch.process.stderr.fileno())
        complaints.until("is not a folder; it is tried again")
        more, _, _ = select.select([watch.process.stderr], [], [], 1.5 * LOOK_SECONDS)
        assert watch.end() == 3
    assert store.is_dir() and complaints.text.count("tried again") == 1 and not more


def test_a_reader_that_goes_away_ends_the_watch_with_its_status(site: Site, pipe: tuple[Reader, int]) -> None:
    reader, writer = pipe
    install(site, 200)
    with watching(site, writer, site.license) as watch:
        os.close(writer)
        reader.until(" valid ")
        os.close(reader._descriptor)
        install(site, -1)
        assert watch.process.wait(60) == 1


def test_a_watch_is_about_now(cli: Cli) -> None:
    answer = cli("verify", "license", "--watch", "--at", "2026-06-01")
    assert answer.status == 2
    assert "--at asks for one instant" in answer.err
