"""A hand-over that is cut short at any statement: what was half done is not there, and done again it is whole."""

from itertools import count

import pytest

from tests.usage.handover.houses import HandingHouse, HeadOffice, export_rows
from tests.usage.ledgers import Killed, contents, die_at, open_fast
from tests.usage.mount import rows
from usage.ledger.tables.handover import AcceptedExportRow, HandingSiteRow

SOME = pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])


@SOME
def test_an_export_that_died_anywhere_is_made_when_it_is_asked_for_again(hall: HandingHouse, every: int) -> None:
    hall.use("c")
    snapshot = hall.snapshot()
    for number in count(0, every):
        hall.restore(snapshot)
        die_at(hall.ledger, number)
        try:
            hall.export()
            break
        except Killed:
            assert list(hall.folder.glob("*.azlic")) == [] and list(hall.folder.glob(".*.tmp")) == []
        hall.ledger.dispose()
        hall.ledger = open_fast(hall.folder / "azlic.db")
        given = hall.exported(hall.folder / "export.azlic")
        assert (given.manifest.number, given.manifest.records, len(export_rows(hall.ledger))) == (1, 3, 1)
        (hall.folder / "export.azlic").unlink()
    assert number > 8


@SOME
def test_an_accept_that_died_anywhere_left_nothing_and_can_be_done_again(
    hall: HandingHouse, office: HeadOffice, every: int
) -> None:
    hall.use("c")
    path = hall.export()
    office.ledger.dispose()
    empty = (office.folder / "azlic.db").read_bytes()
    office.ledger = open_fast(office.folder / "azlic.db")
    office.accept(path)
    expected = contents(office.ledger)
    for number in count(0, every):
        office.ledger.dispose()
        (office.folder / "azlic.db").write_bytes(empty)
        office.ledger = open_fast(office.folder / "azlic.db")
        die_at(office.ledger, number)
        try:
            office.accept(path)
            break
        except Killed:
            office.ledger.dispose()
            office.ledger = open_fast(office.folder / "azlic.db")
        assert office.ids() == [] and rows(office.ledger, AcceptedExportRow) == []
        assert rows(office.ledger, HandingSiteRow)[0].size == 0
        office.accept(path)
        assert contents(office.ledger) == expected
    assert number > 15
