"""Head office's books: what is accepted is what the site has, once, however often and in whichever shape it comes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from licensing.core.errors import AzlicError, BadCall
from licensing.db.database import writing
from tests.usage.handover.houses import HandingHouse, HeadOffice, export_rows, later, used
from tests.usage.mount import heads, recount, rows, totals
from usage.handover.errors import HandoverRefused
from usage.handover.sites import enrol
from usage.intake.quarantine import retry
from usage.intake.run import ingest
from usage.ledger.checkpoints import Checkpoint
from usage.ledger.tables.handover import AcceptedExportRow, HandingSiteRow
from usage.ledger.tables.months import ClosedMonthRow, CorrectionRow
from usage.ledger.tables.records import BatchRow, QuarantineRow, RecordRow, SeriesRow, SourceRow

pytestmark = pytest.mark.databases("sqlite", "postgresql")

DAY = 20513  # 2026-03-01


def test_what_is_accepted_is_what_the_site_has(hall: HandingHouse, office: HeadOffice) -> None:
    hall.use("c", quantity=5, at=later(days=1))
    accepted = office.accept(hall.export())
    assert (accepted.receipt.new, accepted.again) == (3, False)
    assert used(office.ledger) == {(DAY, "hall-7"): 2, (DAY + 1, "hall-7"): 5}
    assert [row[1:] for row in rows(office.ledger, RecordRow)] == [row[1:] for row in rows(hall.ledger, RecordRow)]
    assert totals(office.ledger) == recount(office.ledger)


def test_head_offices_chain_binds_the_sites_heads(hall: HandingHouse, office: HeadOffice) -> None:
    hall.use("c")
    office.accept(hall.export())
    theirs, every = rows(hall.ledger, BatchRow), rows(office.ledger, BatchRow)
    ours = [row for row in every if row.file != "change:"]
    assert [row.consumed for row in ours] == [row.head for row in theirs if row.file != "change:"]
    assert {row.file for row in ours} == {"export:hall-7"}
    assert heads(office.ledger) == [row.head for row in every]
    assert [(row.start, row.stop) for row in ours][1][0] == ours[0].stop


def test_the_same_export_twice_is_booked_once_and_acknowledged_alike(hall: HandingHouse, office: HeadOffice) -> None:
    path = hall.export()
    first = office.accept(path)
    office.now = later(days=9)
    again = office.accept(path)
    assert again.again and again.content == first.content and again.receipt.new == 0
    assert office.ids() == ["a", "b"] and len(rows(office.ledger, AcceptedExportRow)) == 1


def test_an_older_export_that_was_accepted_gets_its_own_acknowledgement(hall: HandingHouse, office: HeadOffice) -> None:
    path = hall.export()
    first = office.accept(path)
    hall.use("c")
    office.accept(hall.export("next.azlic"))
    assert office.accept(path).content == first.content


def test_a_walk_from_export_to_acknowledgement(hall: HandingHouse, office: HeadOffice) -> None:
    hall.export("lost.azlic")
    hall.use("c")
    hall.export("lost-too.azlic")
    kept = Checkpoint(hall.checkpoint().origin, 0, bytes(32))
    receipt = office.receipt(hall.export("both.azlic", since=kept))
    hall.now = later(hours=2)
    taken = hall.acknowledge(receipt, office.key)
    assert (taken.acknowledgement.number, taken.again, taken.key_id) == (3, False, office.key.keyid)
    assert [row.acknowledged_at for row in export_rows(hall.ledger)] == [hall.now] * 3
    assert hall.acknowledge(receipt, office.key).again


def test_what_overlaps_is_booked_from_where_it_is_new(hall: HandingHouse, office: HeadOffice) -> None:
    office.accept(hall.export())
    start = Checkpoint(hall.checkpoint().origin, 0, bytes(32))
    hall.use("c")
    accepted = office.accept(hall.export("all.azlic", since=start))
    assert (accepted.receipt.new, accepted.receipt.duplicates) == (1, 0)
    assert office.ids() == ["a", "b", "c"]


def test_the_same_batches_in_another_shape_bring_nothing_new(hall: HandingHouse, office: HeadOffice) -> None:
    office.accept(hall.export())
    accepted = office.accept(hall.export("totals.azlic", holds="totals"))
    assert accepted.receipt.new == 0 and used(office.ledger) == {(DAY, "hall-7"): 2}


def test_a_gap_names_what_is_missing(hall: HandingHouse, office: HeadOffice) -> None:
    office.accept(hall.export())
    for name in ("c", "d", "e"):
        hall.use(name)
        hall.export(f"{name}.azlic")
    with pytest.raises(HandoverRefused, match=r"export 4 of hall-7 .* batches 2 to 6 are missing") as refused:
        office.accept(hall.folder / "e.azlic")
    assert refused.value.hint == "accept the export that follows number 1 first, up to number 3"


def test_totals_alone_are_booked_as_totals(hall: HandingHouse, office: HeadOffice) -> None:
    hall.use("c", quantity=5, at=later(days=1))
    accepted = office.accept(hall.export(holds="totals"))
    assert accepted.receipt.new == 2
    assert used(office.ledger) == used_here(hall)
    assert [row.extra for row in rows(office.ledger, RecordRow)] == ['{"records":2}', '{"records":1}']
    assert heads(office.ledger) == [row.head for row in rows(office.ledger, BatchRow)]
    hall.use("d", quantity=7, at=later(days=1))
    office.accept(hall.export("next.azlic", holds="totals"))
    assert used(office.ledger) == used_here(hall)


def test_totals_that_overlap_cannot_be_told_apart(hall: HandingHouse, office: HeadOffice) -> None:
    office.accept(hall.export(holds="totals"))
    start = Checkpoint(hall.checkpoint().origin, 0, bytes(32))
    hall.use("c")
    with pytest.raises(HandoverRefused, match="those up to 1 are booked: they cannot be separated"):
        office.accept(hall.export("all.azlic", holds="totals", since=start))


def test_the_same_id_from_two_sites_is_a_conflict_kept_apart(
    hall: HandingHouse, yard: HandingHouse, office: HeadOffice
) -> None:
    office.accept(hall.export())
    office.enrol(yard)
    yard.use("y", "a", quantity=3)
    accepted = office.accept(yard.export())
    assert (accepted.receipt.new, accepted.receipt.conflicts) == (1, 1)
    (kept,) = rows(office.ledger, QuarantineRow)
    assert (kept.kind, kept.record_id, kept.file, kept.line) == ("conflict", "a", "export:yard-1", 2)
    assert json.loads(kept.content)[:3] == ["a", 1, 3 * 10**6]
    retry(office.ledger, None, now=office.now)
    assert rows(office.ledger, QuarantineRow)[0].settled_at is None  # it is no line of a file, and stays where it is
    assert used(office.ledger) == {(DAY, "hall-7"): 2, (DAY, "yard-1"): 3}
    assert {row.path for row in rows(office.ledger, SourceRow)} == {"change:", "export:hall-7", "export:yard-1"}


def test_a_record_that_head_office_took_itself_is_not_counted_twice(hall: HandingHouse, office: HeadOffice) -> None:
    ingest(office.ledger, [hall.folder / "output"], now=office.now, site="hall-7")
    accepted = office.accept(hall.export())
    assert (accepted.receipt.new, accepted.receipt.duplicates) == (0, 2)
    assert used(office.ledger) == {(DAY, "hall-7"): 2}


def test_what_is_late_at_the_site_is_late_at_head_office(hall: HandingHouse, office: HeadOffice) -> None:
    hall.now = datetime(2026, 4, 2, tzinfo=UTC)
    hall.shut("2026-03")
    hall.come_late("late", at=later(days=1), booked="2026-04", quantity=4)
    hall.correct("a", at=later(), booked="2026-04", was=1, becomes=3)
    accepted = office.accept(hall.export())
    assert (accepted.receipt.new, accepted.late, accepted.corrections) == (3, 1, 1)
    assert used(office.ledger) == {(DAY, "hall-7"): 2}
    assert [(row.kind, row.booked_month, row.month, row.quantity) for row in rows(office.ledger, CorrectionRow)] == [
        ("late", 202604, 202603, 4 * 10**6),
        ("reversal", 202604, 202603, -(10**6)),
        ("replacement", 202604, 202603, 3 * 10**6),
    ]
    assert [close.month for close in accepted.manifest.closes] == ["2026-03"]


def test_totals_bring_closes_and_corrections_too(hall: HandingHouse, office: HeadOffice) -> None:
    hall.now = datetime(2026, 4, 2, tzinfo=UTC)
    hall.shut("2026-03")
    hall.come_late("late", at=later(days=1), booked="2026-04", quantity=4)
    accepted = office.accept(hall.export(holds="totals"))
    assert (accepted.late, accepted.corrections) == (1, 0) and used(office.ledger) == {(DAY, "hall-7"): 2}


def test_what_comes_for_a_month_that_head_office_closed_is_booked_in_an_open_one(
    hall: HandingHouse, office: HeadOffice
) -> None:
    office.now = datetime(2026, 4, 2, tzinfo=UTC)
    office.accept(hall.export())
    closed(office)
    hall.use("c", quantity=5, at=later(days=2))
    accepted = office.accept(hall.export("next.azlic"))
    assert (accepted.receipt.new, accepted.late, accepted.corrections) == (1, 1, 0)
    assert used(office.ledger) == {(DAY, "hall-7"): 2}
    (late,) = rows(office.ledger, CorrectionRow)
    assert (late.kind, late.month, late.booked_month, late.record_id) == ("late", 202603, 202604, "c")
    assert rows(office.ledger, SeriesRow)[late.series - 1].site == "hall-7"


def closed(office: HeadOffice) -> None:
    with writing(office.ledger) as connection:
        values = {"month": 202603, "closed_at": office.now, "batch": 1, "totals": bytes(32), "reason": ""}
        connection.execute(insert(ClosedMonthRow).values(values))


def used_here(hall: HandingHouse) -> dict[tuple[int, str], int]:
    return {(day, "hall-7"): quantity for (day, _), quantity in used(hall.ledger).items()}


def test_a_total_of_almost_64_bits_arrives_whole(hall: HandingHouse, office: HeadOffice) -> None:
    hall.use("huge-1", "huge-2", quantity=10**12)
    hall.use("tiny", quantity=0.000001)
    office.accept(hall.export(holds="totals"))
    assert [row.quantity for row in rows(office.ledger, RecordRow)] == [2 * 10**18 + 2 * 10**6 + 1]


def test_nobody_is_enrolled(hall: HandingHouse, yard: HandingHouse, tmp_path: Path) -> None:
    empty = HeadOffice(tmp_path, "empty")
    with pytest.raises(AzlicError, match="no site is enrolled at this head office"):
        empty.accept(hall.export())
    empty.close()


def test_a_file_that_is_not_there_is_named(office: HeadOffice) -> None:
    with pytest.raises(AzlicError, match=r"none\.azlic cannot be read") as failed:
        office.accept(Path("none.azlic"))
    assert failed.value.exit_status == 3


def test_a_site_may_get_a_new_key_when_it_is_meant(hall: HandingHouse, yard: HandingHouse, office: HeadOffice) -> None:
    office.accept(hall.export())
    with pytest.raises(BadCall, match="site hall-7 has another key"):
        enrol(office.ledger, "hall-7", yard.pem)
    enrol(office.ledger, "hall-7", yard.pem, replace=True)
    (known,) = rows(office.ledger, HandingSiteRow)
    assert known.size == 1
    hall.use("c")
    office.accept(hall.export("next.azlic", signer=yard.signer))
    assert office.ids() == ["a", "b", "c"]


def test_one_key_is_one_site(hall: HandingHouse, office: HeadOffice) -> None:
    with pytest.raises(BadCall, match="this is already the key of site hall-7"):
        enrol(office.ledger, "hall-8", hall.pem)
    with pytest.raises(BadCall, match="is not a valid name for a site"):
        enrol(office.ledger, " ", hall.pem)


def test_head_office_hands_over_to_another_one(hall: HandingHouse, office: HeadOffice, tmp_path: Path) -> None:
    office.accept(hall.export())
    region = HandingHouse(tmp_path, "region")
    region.ledger.dispose()
    region.ledger = office.ledger
    above = HeadOffice(tmp_path, "above")
    above.enrol(region)
    above.accept(region.export())
    assert used(above.ledger) == {(DAY, "region/hall-7"): 2}
    above.close()
