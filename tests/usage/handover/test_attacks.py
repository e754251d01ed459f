"""What somebody with the files in hand may try: each attack is made for real, and refused in words."""

import zipfile
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from sqlalchemy import update

from licensing.signing.envelope import seal
from tests.usage.handover.houses import HandingHouse, HeadOffice, later, used
from tests.usage.ledgers import unguarded
from tests.usage.mount import rows
from usage.handover.acknowledgement import ACKNOWLEDGEMENT_TYPE
from usage.handover.errors import HandoverRefused
from usage.handover.manifest import EXPORT_TYPE
from usage.ledger.checkpoints import Checkpoint, head_text
from usage.ledger.tables.records import BatchRow, RecordRow


def test_swap_two_exports(hall: HandingHouse, office: HeadOffice) -> None:
    first = hall.export("first.azlic")
    hall.use("c")
    second = hall.export("second.azlic")
    with pytest.raises(HandoverRefused, match=r"batches 1 to 1 are missing") as refused:
        office.accept(second)
    assert "the first export first, up to number 1" in refused.value.hint
    assert office.ids() == []
    office.accept(first)
    office.accept(second)
    with pytest.raises(HandoverRefused, match=r"this ledger never made export|it is of export 1") as refused:
        hall.acknowledge(office.receipt(second), office.key)
        hall.acknowledge(office.receipt(first), office.key)
    assert office.ids() == ["a", "b", "c"]


def test_swap_the_members_of_two_exports(hall: HandingHouse, office: HeadOffice) -> None:
    first = hall.export("first.azlic")
    hall.use("c", quantity=1000)
    second = hall.export("second.azlic")
    mixed = repacked(second, {"contents.jsonl": member(first, "contents.jsonl")}, hall.folder / "mixed.azlic")
    office.accept(first)
    with pytest.raises(HandoverRefused, match=r"contents\.jsonl (is not what was signed|has another size)"):
        office.accept(mixed)


def test_swap_the_acknowledgements_of_two_sites(hall: HandingHouse, yard: HandingHouse, office: HeadOffice) -> None:
    yard.use("y")
    office.enrol(yard)
    office.accept(hall.export())
    receipt = office.receipt(yard.export())
    with pytest.raises(HandoverRefused, match=r"it is of the ledger yard-1/.*, and this one is hall-7/"):
        hall.acknowledge(receipt, office.key)


def test_replay_an_old_acknowledgement(hall: HandingHouse, office: HeadOffice) -> None:
    old = office.receipt(hall.export(), "old.ack")
    hall.use("c")
    new = office.receipt(hall.export("new.azlic"), "new.ack")
    assert not hall.acknowledge(new, office.key).again
    with pytest.raises(
        HandoverRefused, match="it is of export 1, but that of export 2 was already taken: it is outdated"
    ):
        hall.acknowledge(old, office.key)
    assert hall.acknowledge(new, office.key).again


def test_replay_an_acknowledgement_into_a_ledger_that_was_set_back(hall: HandingHouse, office: HeadOffice) -> None:
    snapshot = hall.snapshot()
    receipt = office.receipt(hall.export())
    hall.restore(snapshot)
    hall.use("z", at=later(hours=1))
    hall.export("other.azlic")
    with pytest.raises(HandoverRefused, match=r"it is of the ledger|never made export 1, which it names"):
        hall.acknowledge(receipt, office.key)


def test_fork_after_an_export(hall: HandingHouse, office: HeadOffice) -> None:
    office.accept(hall.export())
    snapshot = hall.snapshot()
    hall.use("c")
    seen = office.accept(hall.export("seen.azlic")).manifest
    hall.restore(snapshot)
    hall.use("d")
    hall.use("e")
    forked = hall.exported(hall.folder / "forked.azlic").manifest
    with pytest.raises(HandoverRefused, match="the site's ledger forked") as refused:
        office.accept(hall.folder / "forked.azlic")
    assert head_text(bytes.fromhex(seen.head)) in refused.value.message
    assert forked.first_batch == 2 and forked.last_batch == 6
    assert office.ids() == ["a", "b", "c"]


def test_fork_after_an_export_that_ends_at_the_same_batch(hall: HandingHouse, office: HeadOffice) -> None:
    office.accept(hall.export())
    snapshot = hall.snapshot()
    hall.use("c")
    office.accept(hall.export("seen.azlic"))
    hall.restore(snapshot)
    hall.use("d")
    with pytest.raises(HandoverRefused, match="the site's ledger forked"):
        office.accept(hall.export("forked.azlic"))


def test_hand_over_a_smaller_ledger_than_the_one_seen(hall: HandingHouse, office: HeadOffice) -> None:
    hall.export("unsent.azlic")
    snapshot = hall.snapshot()
    for name in ("c", "d", "e"):
        hall.use(name)
    seen = office.accept(hall.export("seen.azlic", since=Checkpoint(hall.checkpoint().origin, 0, bytes(32)))).manifest
    hall.restore(snapshot)
    hall.use("f")
    small = hall.exported(hall.folder / "small.azlic").manifest
    with pytest.raises(HandoverRefused, match="was rolled back, or forked") as refused:
        office.accept(hall.folder / "small.azlic")
    assert all(head_text(bytes.fromhex(one.head)) in refused.value.message for one in (seen, small))


def test_a_site_whose_ledger_was_set_back_hands_over_nothing_more(hall: HandingHouse) -> None:
    hall.use("c")
    hall.export()
    with unguarded(hall.ledger) as connection:
        connection.exec_driver_sql("DELETE FROM batch WHERE sequence > 1")
    with pytest.raises(HandoverRefused, match=r"export 1 ended at batch 2 with head .* has only 1 batches"):
        hall.export("again.azlic")
    assert not (hall.folder / "again.azlic").exists()


def test_hand_over_another_ledger_than_before(hall: HandingHouse, office: HeadOffice) -> None:
    snapshot = hall.snapshot()  # before the ledger had its name
    office.accept(hall.export())
    hall.restore(snapshot)
    hall.use("z")
    with pytest.raises(
        HandoverRefused, match=r"site hall-7 handed over the ledger hall-7/.* until now, but this is another"
    ):
        office.accept(hall.export("new.azlic"))


def test_hand_over_the_same_ledger_as_two_sites(hall: HandingHouse, yard: HandingHouse, office: HeadOffice) -> None:
    path = hall.export()
    office.accept(path)
    office.enrol(yard)
    copy = HandingHouse.__new__(HandingHouse)  # a cloned machine: the ledger of hall-7, the name and key of yard-1
    copy.__dict__ = hall.__dict__ | {"name": yard.name, "folder": yard.folder}
    copy.use("y")
    with pytest.raises(
        HandoverRefused, match=r"sites yard-1 and hall-7 hand over the same ledger, .*: one is a copy of the"
    ):
        office.accept(copy.export("clone.azlic"))


def test_hand_over_in_the_name_of_another_site(hall: HandingHouse, yard: HandingHouse, office: HeadOffice) -> None:
    yard.use("y")
    office.enrol(yard)
    path = yard.export(site="hall-7")
    with pytest.raises(HandoverRefused, match="from site hall-7, but the key that signed it is enrolled for yard-1"):
        office.accept(path)


def test_records_that_name_another_site_are_booked_under_the_one_that_hands_over(
    hall: HandingHouse, office: HeadOffice
) -> None:
    hall.label = "yard-1"
    hall.use("c")
    office.accept(hall.export())
    assert {site for _, site in used(office.ledger)} == {"hall-7", "hall-7/yard-1"}


def test_an_export_that_no_enrolled_site_has_signed(hall: HandingHouse, yard: HandingHouse, office: HeadOffice) -> None:
    yard.use("y")
    with pytest.raises(HandoverRefused, match="is not signed by any known key"):
        office.accept(yard.export())


def test_an_acknowledgement_that_somebody_else_has_signed(hall: HandingHouse, office: HeadOffice) -> None:
    accepted = office.accept(hall.export())
    path = hall.folder / "forged.ack"
    path.write_bytes(accepted.acknowledgement.sign(CryptoSigner.generate_ed25519()))
    with pytest.raises(HandoverRefused, match=r"head office's key .* has not signed it"):
        hall.acknowledge(path, office.key)


@pytest.mark.parametrize("kind", [EXPORT_TYPE, "application/vnd.azlic.license.v1+json"])
def test_a_document_of_another_type_is_no_acknowledgement(hall: HandingHouse, office: HeadOffice, kind: str) -> None:
    accepted = office.accept(hall.export())
    path = hall.folder / "other.ack"
    path.write_bytes(seal(accepted.acknowledgement.model_dump_json().encode(), kind, office.signer))
    with pytest.raises(HandoverRefused, match="signed document of another type"):
        hall.acknowledge(path, office.key)
    path.write_bytes(seal(b"{}", ACKNOWLEDGEMENT_TYPE, office.signer))
    with pytest.raises(HandoverRefused, match="site: "):
        hall.acknowledge(path, office.key)


def test_a_record_that_was_changed_in_the_ledger_is_not_handed_over(hall: HandingHouse) -> None:
    with unguarded(hall.ledger) as connection:
        connection.exec_driver_sql("UPDATE record SET quantity = 1 WHERE id = 'b'")
    with pytest.raises(Exception, match="batch 1 of the ledger is not what was chained"):
        hall.export()
    assert list(hall.folder.glob("*.azlic")) == [] and list(hall.folder.glob(".*.tmp")) == []


def test_a_ledger_that_was_rewritten_from_the_start_is_found_by_its_last_export(hall: HandingHouse) -> None:
    hall.export()
    with unguarded(hall.ledger) as connection:
        connection.execute(update(BatchRow).values(head=b"\xab" * 32))
    with pytest.raises(HandoverRefused, match="does not continue from there: its head there is q6urq6"):
        hall.export("again.azlic")


def test_what_is_refused_leaves_no_trace(hall: HandingHouse, office: HeadOffice) -> None:
    office.accept(hall.export())
    before = [len(rows(office.ledger, table)) for table in (BatchRow, RecordRow)]
    hall.use("c")
    path = hall.export("next.azlic")
    contents = member(path, "contents.jsonl").replace(b'"c"', b'"x"')
    with pytest.raises(HandoverRefused):
        office.accept(repacked(path, {"contents.jsonl": contents}, hall.folder / "changed.azlic"))
    assert [len(rows(office.ledger, table)) for table in (BatchRow, RecordRow)] == before


def member(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def repacked(path: Path, changes: dict[str, bytes], target: Path) -> Path:
    """The same export with other members, packed as it was."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(target, "w") as changed:
        for info in archive.infolist():
            changed.writestr(info, changes.get(info.filename, archive.read(info.filename)))
    return target
