"""What stands against closing a month: every kind of blocker, for the month before, its own, and the one after."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from licensing.db.database import reading
from tests.site import CONTAINER_ID, NewDatabase
from tests.usage.commitments import day
from tests.usage.handover.houses import HandingHouse, HeadOffice
from tests.usage.lines import a_chain, a_line
from tests.usage.reports import body
from usage.closing.blockers import find_blockers
from usage.intake.backlog import read_backlog
from usage.intake.run import ingest
from usage.months import Month
from usage.readings.inbox import Arrival
from usage.readings.take import take_readings

AUGUST, NOVEMBER = day("2026-08-11T08:00"), day("2026-11-11T08:00")
PLAIN = "usage.jsonl"
OF_THE_DAY = "usage-2026-11-11.jsonl"


@dataclass
class Place:
    """A ledger with its own output folder: of a site, or of a head office that takes an export, too."""

    ledger: HandingHouse | HeadOffice
    folder: Path
    site: HandingHouse

    def write(self, *lines: bytes, name: str, end: bytes = b"\n", container: str = CONTAINER_ID) -> Path:
        path = self.folder / "output" / "read" / container / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\n".join(lines) + end)
        return path

    def ingest(self, at: datetime = NOVEMBER) -> None:
        ingest(self.ledger.ledger, [self.folder / "output"], now=at + timedelta(days=1))

    def use(self, name: str, file: str, at: datetime = NOVEMBER) -> Path:
        path = self.write(a_line(name, at=at), name=file)
        self.ingest(at)
        return path

    def read(self, quantity: float, month: Month, at: datetime) -> None:
        arrival = Arrival.of(body({"Words": quantity}), month=month, origin="a stick", taken_at=at, stated=True)
        take_readings(self.ledger.ledger, "translator", [arrival], now=at)

    def blockers(self, month: str) -> list[str]:
        with reading(self.ledger.ledger) as connection:
            return [
                item.kind
                for item in find_blockers(connection, Month.parse(month), read_backlog(connection), now=NOVEMBER)
            ]


@pytest.fixture(params=["site", "head office"])
def place(request: pytest.FixtureRequest, tmp_path: Path, new_database: NewDatabase) -> Iterator[Place]:
    """Something was used in August, too, here and at a site that hands over."""
    hall = HandingHouse(tmp_path, "hall-7")
    office = HeadOffice(tmp_path, "office")
    office.enrol(hall)
    hall.use("hall's", at=AUGUST)
    own: HandingHouse | HeadOffice = hall if request.param == "site" else office
    place = Place(own, own.folder, hall)
    if own is office:
        office.accept(hall.export("first.azlic"))
    place.use("august's", "usage-2026-08-11.jsonl", AUGUST)
    yield place
    hall.close()
    office.close()


def a_bad_line_with_its_time(place: Place) -> None:
    place.write(a_line("bad", -1, at=NOVEMBER), name=PLAIN)
    place.ingest()


def a_torn_line_in_a_file_of_its_day(place: Place) -> None:
    place.write(b"torn", name=OF_THE_DAY)
    place.ingest()


def a_torn_line_behind_a_record(place: Place) -> None:
    place.write(a_line("a", at=NOVEMBER), b"torn", name=PLAIN)
    place.ingest()


def a_conflict(place: Place) -> None:
    place.use("twice", OF_THE_DAY)
    place.write(a_line("twice", 2, at=NOVEMBER), name=OF_THE_DAY, container="ffffffffffff")
    place.ingest()


def a_conflict_in_an_export(place: Place) -> None:
    if isinstance(place.ledger, HandingHouse):
        pytest.skip("a site accepts no export")
    place.use("twice", OF_THE_DAY)
    place.site.use("twice", at=NOVEMBER, quantity=7)
    place.site.now = place.ledger.now = day("2026-12-02")
    place.ledger.accept(place.site.export())


def a_gap(place: Place) -> None:
    chain = a_chain(3, at=NOVEMBER, container="eeeeeeeeeeee")
    place.write(chain[0], chain[2], name=OF_THE_DAY, container="eeeeeeeeeeee")
    place.ingest()


def a_file_that_is_gone(place: Place) -> None:
    place.use("gone", PLAIN).unlink()
    place.ingest()


def a_file_of_its_day_that_is_gone(place: Place) -> None:
    place.use("gone", OF_THE_DAY).unlink()
    place.ingest()


def a_file_whose_beginning_changed(place: Place) -> None:
    path = place.use("first", PLAIN)
    path.write_bytes(a_line("other", at=NOVEMBER, quantity=3) + b"\n" + a_line("more", at=NOVEMBER) + b"\n")
    place.ingest()


def a_counter_that_fell(place: Place) -> None:
    place.read(5, Month.of(AUGUST), AUGUST)
    place.read(9, Month.of(NOVEMBER), NOVEMBER)
    place.read(4, Month.of(NOVEMBER), NOVEMBER + timedelta(days=1))


def a_meter_that_is_too_fine(place: Place) -> None:
    place.read(5, Month.of(AUGUST), AUGUST)
    place.read(4217.299999997811, Month.of(NOVEMBER), NOVEMBER)


def bytes_of_its_day(place: Place) -> None:
    place.use("some", OF_THE_DAY)
    place.write(a_line("some", at=NOVEMBER), b'{"id":"torn', name=OF_THE_DAY, end=b"")
    place.ingest()


KINDS: dict[Callable[[Place], None], str] = {
    a_bad_line_with_its_time: "bad-line",
    a_torn_line_in_a_file_of_its_day: "bad-line",
    a_torn_line_behind_a_record: "bad-line",
    a_conflict: "conflict",
    a_conflict_in_an_export: "conflict",
    a_gap: "gap",
    a_file_that_is_gone: "finding",
    a_file_of_its_day_that_is_gone: "finding",
    a_file_whose_beginning_changed: "finding",
    a_counter_that_fell: "finding",
    a_meter_that_is_too_fine: "finding",
    bytes_of_its_day: "pending",
}


@pytest.mark.parametrize("happens", KINDS, ids=lambda happens: happens.__name__)
def test_only_its_own_month_is_blocked(place: Place, happens: Callable[[Place], None]) -> None:
    happens(place)
    assert set(place.blockers("2026-11")) == {KINDS[happens]}
    others = ("2026-08", "2026-10", "2026-12", "2027-01")
    assert {month: found for month in others if (found := place.blockers(month))} == {}
