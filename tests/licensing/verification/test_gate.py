from datetime import UTC, datetime, timedelta

import pytest

from licensing.verdict.seen import CLOCK_TOLERANCE, Seen
from licensing.verdict.verdict import Status, Verdict
from licensing.verification import verify
from licensing.verification.gate import Gate
from tests.site import START, Site, a_license

TICK = timedelta(microseconds=1)
END = datetime(2027, 1, 1, tzinfo=UTC)


class Watched:
    """A gate over a site's license folder, and the instants at which it examined the license."""

    def __init__(self, site: Site) -> None:
        self.examined: list[datetime] = []
        self.gate = Gate(site.license, self._examine)
        self._site = site

    def _examine(self, now: datetime, seen: Seen) -> Verdict:
        self.examined.append(now)
        return self._site.verify(now, seen=seen)

    def status(self, now: datetime) -> Status:
        return self.gate.verdict(now).status


@pytest.fixture
def watched(site: Site) -> Watched:
    return Watched(site)


def test_asked_again_within_a_minute_it_does_not_look_again(site: Site, watched: Watched) -> None:
    site.install()
    for seconds in (0, 0, 1, 30, 59.999999):
        assert watched.status(START + timedelta(seconds=seconds)) is Status.VALID
    assert watched.examined == [START]


def test_it_looks_once_a_minute(site: Site, watched: Watched) -> None:
    site.install()
    for minutes in range(3):
        watched.status(START + timedelta(minutes=minutes))
        watched.status(START + timedelta(minutes=minutes, seconds=59))
    assert watched.examined == [START + timedelta(minutes=minutes) for minutes in range(3)]


@pytest.mark.parametrize(
    ("boundary", "before", "after"),
    [
        (START, Status.NOT_YET_VALID, Status.VALID),
        (END - timedelta(days=60), Status.VALID, Status.EXPIRING),
        (END, Status.EXPIRING, Status.GRACE),
        (END + timedelta(days=7), Status.GRACE, Status.EXPIRED),
    ],
    ids=["begins", "warns", "ends", "grace ends"],
)
def test_it_looks_at_the_very_instant_a_date_passes(
    site: Site, watched: Watched, boundary: datetime, before: Status, after: Status
) -> None:
    site.install(a_license(issued_at=START - timedelta(days=1), grace_days=7))
    earlier = boundary - timedelta(seconds=10)
    assert [watched.status(at) for at in (earlier, boundary - TICK, boundary)] == [before, before, after]
    assert watched.examined == [earlier, boundary]


def test_it_looks_when_the_clock_was_turned_back(site: Site, watched: Watched) -> None:
    site.install()
    assert watched.status(START) is Status.VALID
    assert watched.status(START - TICK) is Status.NOT_YET_VALID
    assert watched.examined == [START, START - TICK]


def test_a_clock_that_was_turned_back_by_more_than_the_tolerance_is_suspect(site: Site, watched: Watched) -> None:
    site.install()
    later = START + timedelta(days=1)
    assert watched.status(later) is Status.VALID
    assert watched.status(later - CLOCK_TOLERANCE) is Status.VALID
    assert watched.status(later - CLOCK_TOLERANCE - TICK) is Status.CLOCK_SUSPECT
    assert watched.status(later) is Status.VALID


def test_it_looks_when_the_license_is_another_one(site: Site, watched: Watched) -> None:
    site.install(a_license(expires_at=START + timedelta(seconds=5)))
    assert watched.status(START + timedelta(seconds=6)) is Status.EXPIRED
    site.install()
    assert watched.status(START + timedelta(seconds=6)) is Status.VALID


def test_it_looks_when_the_license_is_gone_and_when_it_is_back(site: Site, watched: Watched) -> None:
    file = site.install()
    content = file.read_bytes()
    assert watched.status(START) is Status.VALID
    file.unlink()
    assert [watched.status(START), watched.status(START)] == [Status.MISSING, Status.MISSING]
    file.write_bytes(content)
    assert watched.status(START) is Status.VALID
    assert len(watched.examined) == 3


def test_a_gate_before_the_file_itself_notices_another_one_too(site: Site) -> None:
    file = site.install(a_license(expires_at=START + timedelta(days=90))).rename(site.license / "carried.bin")
    gate = Gate(file, lambda now, _seen: verify(file, trust=site.trust, as_of=now))
    assert gate.verdict(START).status is Status.VALID
    site.install(a_license(expires_at=START + timedelta(days=2))).replace(file)
    assert gate.verdict(START).status is Status.EXPIRING
    file.unlink()
    assert gate.verdict(START).status is Status.MISSING
