"""A connected container killed in front of any step on the disk, or with a full disk: its use is booked, and once."""

import errno
import itertools
import json
import os
import resource
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engines.metering.connected import Billing
from licensing.delivery.billing import BillingAnswer
from licensing.delivery.usage_report import Reporter
from tests.licensing.sudden_death import die_at_every_step, fill_the_disk_at_every_step
from tests.site import METER, START
from usage.records.recorder import Recorder
from usage.records.usage_names import SPOOL_NAME

LABELS = {"container_type": "read", "container_version": "3.2.0"}
INTERVAL = timedelta(minutes=10)
METERS = (METER, "another meter")
SAME, OTHER = "000000000001", "000000000002"
ENDS = (die_at_every_step, fill_the_disk_at_every_step)
Ends = Callable[[Callable[[], object], Callable[[], object], int], Iterator[int]]


class Issuer:
    """Books on another machine, whose disk is well: a file of the reports as they came."""

    endpoint = "https://issuer.example/web-read"

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()

    def check(self, _container: Reporter) -> BillingAnswer:
        return BillingAnswer(None)

    def report(self, _identity: str, record: bytes) -> BillingAnswer:
        with self._path.open("ab") as file:
            file.write(record + b"\n")
        return BillingAnswer(None, booked=True)

    def booked(self) -> list[str]:
        """The labels and quantities of what was reported; one id has one content."""
        reports: dict[str, bytes] = {}
        for line in self._path.read_bytes().splitlines():
            assert reports.setdefault(json.loads(line)["id"], line) == line
        return uses(reports.values())


def uses(lines: Iterable[bytes]) -> list[str]:
    """What lines say was used of each meter."""
    found = dict.fromkeys(METERS, 0)
    for line in lines:
        meter = json.loads(line)["meter"]
        found[meter["name"]] += meter["quantity"]
    return [f"{name}: {quantity}" for name, quantity in found.items()]


class Life:
    """The folder of a mount, the issuer it reports to, and the records that were answered for."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "output"
        self.output.mkdir(parents=True)
        self.issuer = Issuer(folder / "booked")
        self.answered = folder / "answered"
        self.answered.touch()

    @contextmanager
    def container(self, identity: str, clock: Callable[[], datetime]) -> Iterator[tuple[Recorder, Billing]]:
        with closing(Recorder(self.output, service="read", container_id=identity, **LABELS)) as recorder:
            billing = Billing(
                recorder,
                endpoint=self.issuer,
                container=Reporter(container_id=identity, **LABELS),
                clock=clock,
                interval=INTERVAL,
            )
            yield recorder, billing
            billing.stop()

    def deliver(self, identity: str) -> None:
        """Start, deliver and report three times."""
        times = (START + number * INTERVAL for number in itertools.count())
        now = next(times)
        with self.container(identity, lambda: now) as (recorder, billing):
            billing.step()
            for quantity in (1, 2, 4):
                for meter in METERS:
                    record = recorder.append(meter, quantity, at=now, api_type="vision.read")
                    with self.answered.open("a") as told:
                        told.write(f"{record.id}\n")
                now = next(times)
                billing.step()

    def report_what_is_left(self, identity: str) -> None:
        """Start on a disk that is well, and report."""
        with self.container(identity, lambda: START + timedelta(hours=1)) as (_, billing):
            billing.step()
            assert billing.state.denial is None

    def assert_booked_once(self) -> None:
        lines = [line for file in self.output.rglob("*.jsonl") for line in file.read_bytes().splitlines()]
        assert set(self.answered.read_text().split()) <= {json.loads(line)["id"] for line in lines}
        assert self.issuer.booked() == uses(lines)


def end_everywhere(folder: Path, ends: Ends, *, every: int, successors: Sequence[str]) -> None:
    """End a container at steps of its work so far apart; each is followed by the next of some successors."""
    numbers, following = itertools.count(), itertools.cycle(successors)
    life = Life(folder / "first")

    def begin() -> None:
        nonlocal life
        life = Life(folder / f"{next(numbers)}")

    deaths = 0
    for _ in ends(begin, lambda: life.deliver(SAME), every):
        deaths += 1
        life.report_what_is_left(next(following))
        life.assert_booked_once()
    assert deaths > 30 / every
    assert life.issuer.booked() == [f"{meter}: 7" for meter in METERS]


@pytest.mark.parametrize("ends", ENDS)
def test_what_was_answered_for_is_booked_once(tmp_path: Path, ends: Ends) -> None:
    end_everywhere(tmp_path, ends, every=3, successors=(SAME, OTHER))


@pytest.mark.long
@pytest.mark.parametrize("successor", [SAME, OTHER])
@pytest.mark.parametrize("ends", ENDS)
def test_what_was_answered_for_is_booked_once_after_any_step(tmp_path: Path, ends: Ends, successor: str) -> None:
    end_everywhere(tmp_path, ends, every=1, successors=(successor,))


@pytest.mark.parametrize("room", [0, 1, 100, None])
def test_a_container_reports_once_the_disk_is_well_again(tmp_path: Path, room: int | None) -> None:
    life, now = Life(tmp_path / "life"), START
    with life.container(SAME, lambda: now) as (recorder, billing):
        billing.step()
        for quantity in (1, 2):
            for meter in METERS:
                recorder.append(meter, quantity, at=now, api_type="vision.read")
            now += INTERVAL
            size = (recorder.folder / SPOOL_NAME).stat().st_size
            with nothing_reaches_the_disk() if room is None else files_no_larger_than(size + room):
                billing.step()
            assert billing.state.denial is not None and "billing.spool cannot be written" in billing.state.message
            assert life.issuer.booked() == uses([])
        now += INTERVAL
        billing.step()
        assert billing.state.denial is None
    life.report_what_is_left(SAME)
    life.assert_booked_once()


@contextmanager
def nothing_reaches_the_disk() -> Iterator[None]:
    """A disk that takes what is written, and then cannot say that it has it."""

    def fsync(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """No file of this process grows beyond a size: what the system says is that it is too large."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
