"""Two sites and a head office that knows the first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site import NewDatabase
from tests.usage.handover.houses import HandingHouse, HeadOffice


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[HandingHouse]:
    """A site with two records on its first day."""
    house = HandingHouse(tmp_path, "hall-7")
    house.use("a", "b")
    yield house
    house.close()


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[HandingHouse]:
    """Another site, still empty."""
    house = HandingHouse(tmp_path, "yard-1")
    yield house
    house.close()


@pytest.fixture
def office(tmp_path: Path, hall: HandingHouse, new_database: NewDatabase) -> Iterator[HeadOffice]:
    """Head office, where hall-7 is enrolled; its ledger may lie on a server."""
    target = new_database("office")
    house = HeadOffice(tmp_path, "office", target if "://" in target else "")
    house.enrol(hall)
    yield house
    house.close()
