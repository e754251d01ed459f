"""Backup and restore: a copy that is whole, audited, and leads back to the same totals."""

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from licensing.core.errors import AzlicError, BadCall
from licensing.db.database import open_ledger, reading, writing
from licensing.db.lock import holding
from tests.licensing.sudden_death import die_at_every_step
from tests.site import START
from tests.usage.attacks import attacked, audited, fill, sql, taken
from tests.usage.lines import a_chain
from tests.usage.mount import Mount, rows, totals
from usage.auditing.backups import Restored, backup, restore
from usage.auditing.compare import CheckpointStanding
from usage.auditing.faults import AuditCheck
from usage.ledger.tables.records import BatchRow, RecordRow


@pytest.fixture
def filled(mount: Mount) -> Mount:
    fill(mount)
    return mount


@pytest.fixture
def ledger(filled: Mount) -> Path:
    return filled.site.folder / "azlic.db"


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if ".tmp" in path.name)


def test_a_backup_is_one_file_whole_and_sound(filled: Mount, ledger: Path, tmp_path: Path) -> None:
    file, told = tmp_path / "copies.db", []
    made = backup(str(ledger), file, progress=lambda done, total: told.append((done, total)))
    assert made.good and made.audit.batches == 5
    assert file.stat().st_mode & 0o777 == 0o640
    assert told[-1][0] == told[-1][1] > 0
    assert audited(file).sound
    assert not leftovers(tmp_path)


def test_a_backup_replaces_nothing_unasked_and_never_the_ledger(ledger: Path, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    file.write_text("precious")
    with pytest.raises(BadCall, match="exists already"):
        backup(str(ledger), file)
    assert file.read_text() == "precious"
    assert backup(str(ledger), file, replace=True).good
    (tmp_path / "link.db").hardlink_to(ledger)
    for same in (ledger, tmp_path / "link.db"):
        with pytest.raises(BadCall, match="is the ledger itself"):
            backup(str(ledger), same, replace=True)


def test_postgresql_is_sent_to_its_own_tools(tmp_path: Path) -> None:
    with pytest.raises(BadCall) as refused:
        backup("postgresql+psycopg://host/name", tmp_path / "x")
    assert "pg_dump" in refused.value.hint
    with pytest.raises(BadCall) as refused:
        restore("postgresql+psycopg://host/name", tmp_path / "x", now=START)
    assert "pg_restore" in refused.value.hint


def test_what_cannot_be_copied_is_told_and_leaves_nothing(ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match="there is no ledger"):
        backup(str(tmp_path / "none.db"), tmp_path / "copy.db")
    with pytest.raises(AzlicError, match="cannot be written"):
        backup(str(ledger), tmp_path / "none" / "copy.db")
    (tmp_path / "text.db").write_text("no database, but long enough to be taken for one" * 100)
    with pytest.raises(AzlicError):
        backup(str(tmp_path / "text.db"), tmp_path / "copy.db")
    assert not leftovers(tmp_path) and not (tmp_path / "copy.db").exists()


def test_a_ledger_that_is_not_sound_makes_no_backup(filled: Mount, tmp_path: Path) -> None:
    bad = attacked(filled, sql("UPDATE record SET quantity = 7 WHERE number = 10"))
    file = tmp_path / "copy.db"
    file.write_text("the last good one")
    made = backup(str(bad), file, replace=True)
    assert not made.good and str(made.audit.faults[0]).startswith("batch 3 (")
    assert file.read_text() == "the last good one"


def test_a_damaged_index_makes_no_backup(filled: Mount, tmp_path: Path) -> None:
    bad = attacked(filled, sql())
    connection = sqlite3.connect(bad)
    query = "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_record_1'"
    page = connection.execute(query).fetchone()[0]
    connection.close()
    empty_index = bytes([10, 0, 0, 0, 0, 0x10, 0, 0])
    with bad.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(empty_index + bytes(4096 - len(empty_index)))
    made = backup(str(bad), tmp_path / "copy.db")
    assert (
        made.audit.counts.keys() == {AuditCheck.PAGES}
        and made.damage is not None
        and "index" in made.damage
        and not made.good
    )


def test_a_backup_is_made_while_others_write(filled: Mount, ledger: Path, tmp_path: Path) -> None:
    lines = a_chain(60)
    stop = threading.Event()

    def write() -> None:
        engine = open_ledger(str(ledger))
        while not stop.wait(0.005):
            with writing(engine) as connection:
                connection.exec_driver_sql("UPDATE source SET line = line + 1")
        engine.dispose()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = backup(str(ledger), tmp_path / "copy.db", pages_a_step=4)
    finally:
        stop.set()
        writer.join()
    assert made.good
    filled.write(lines)
    filled.ingest()
    assert audited(ledger).sound


def test_an_old_backup_and_an_ingest_lead_to_the_same_totals(mount: Mount, tmp_path: Path) -> None:
    ledger, file = mount.site.folder / "azlic.db", tmp_path / "old.db"
    fill(mount, batches=2)
    older = taken(mount)
    assert backup(str(ledger), file).good
    lines = a_chain(20)
    for stop in (10, 15, 20):
        mount.write(lines[:stop])
        mount.ingest()
    newer, before, ids = taken(mount), totals(mount.ledger), mount.ids()
    refused = restore(str(ledger), file, now=mount.site.now)
    assert not refused.done and (refused.loss.first, refused.loss.last) == (4, 6)
    assert taken(mount) == newer and mount.ids() == ids
    done = restore(str(ledger), file, now=mount.site.now, agreed=True)
    assert done.done and done.kept == tmp_path / "azlic.db.replaced-20260301T080000Z"
    assert taken(mount) == older
    assert audited(done.kept, newer).sound
    assert mount.ingest().new == 12
    assert (totals(mount.ledger), mount.ids()) == (before, ids)
    found = audited(ledger, older, newer)
    assert [compared.standing for compared in found.compared] == [CheckpointStanding.SAME, CheckpointStanding.CUT]
    again = restore(str(ledger), file, now=mount.site.now, agreed=True)
    assert again.kept == tmp_path / "azlic.db.replaced-20260301T080000Z-2", "within the same second"
    assert audited(done.kept, newer).sound
    mount.ingest()
    mount.write(a_chain(21))
    mount.ingest()
    mount.write(a_chain(22))
    mount.ingest()
    found = audited(ledger, older, newer)
    assert [compared.standing for compared in found.compared] == [CheckpointStanding.SAME, CheckpointStanding.FORKED]
    assert not leftovers(tmp_path)


def test_who_has_the_ledger_open_goes_on_with_what_was_restored(mount: Mount, tmp_path: Path) -> None:
    ledger, file = mount.site.folder / "azlic.db", tmp_path / "old.db"
    fill(mount, batches=2)
    backup(str(ledger), file)
    fill(mount, batches=3)
    inode = ledger.stat().st_ino
    with reading(mount.ledger) as connection:
        connection.exec_driver_sql("SELECT 1 FROM record")
    assert restore(str(ledger), file, now=mount.site.now, agreed=True).done
    assert ledger.stat().st_ino == inode
    assert len(rows(mount.ledger, BatchRow)) == 2 and len(rows(mount.ledger, RecordRow)) == 8


def test_where_nothing_is_lost_nothing_is_asked(ledger: Path, tmp_path: Path, filled: Mount) -> None:
    file = tmp_path / "copy.db"
    backup(str(ledger), file)
    assert restore(str(ledger), file, now=filled.site.now).done
    again = restore(str(ledger), file, now=filled.site.now)
    assert again.done and list(ledger.parent.glob("*.replaced-*")) == [again.kept], "the same is kept once"
    new = tmp_path / "elsewhere" / "azlic.db"
    new.parent.mkdir()
    done = restore(str(new), file, now=filled.site.now)
    assert done.done and done.kept is None and audited(new).sound
    assert new.stat().st_mode & 0o777 == 0o640


def test_a_damaged_ledger_is_put_aside_once_that_is_agreed(filled: Mount, ledger: Path, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    backup(str(ledger), file)
    filled.ledger.dispose()
    ledger.write_bytes(b"not a database any more" * 1000)
    refused = restore(str(ledger), file, now=filled.site.now)
    assert not refused.done and refused.loss.unreadable
    done = restore(str(ledger), file, now=filled.site.now, agreed=True)
    assert done.done and done.kept is not None and done.kept.read_bytes().startswith(b"not a database")
    assert audited(ledger).sound


@pytest.mark.long
def test_killed_at_any_step_and_run_again_within_the_second_it_goes_on_and_what_was_there_is_kept(
    filled: Mount, ledger: Path, tmp_path: Path
) -> None:
    file, place = tmp_path / "copy.db", tmp_path / "place" / "azlic.db"
    backup(str(ledger), file)
    filled.write(a_chain(30))
    filled.ingest()
    filled.ledger.dispose()
    newer = ledger.read_bytes()
    damaged = {"": b"not a database any more" * 1000, "-journal": b"what a writer left", "-wal": b"another's"}

    def begin(there: dict[str, bytes]) -> None:
        shutil.rmtree(place.parent, ignore_errors=True)
        place.parent.mkdir()
        for part, content in there.items():
            Path(f"{place}{part}").write_bytes(content)

    def work() -> Restored:
        return restore(str(place), file, now=START, agreed=True)

    for there in ({"": newer}, damaged):
        steps = 0
        for step in die_at_every_step(lambda there=there: begin(there), work):  # type: ignore[misc]
            assert work().done, step
            assert audited(place).sound and not any(Path(f"{place}{part}").exists() for part in damaged if part)
            whole = [kept for kept in place.parent.glob("*.replaced-*") if was_there(kept, there)]
            assert len(whole) == 1, (step, sorted(place.parent.iterdir()))
            steps += 1
        assert steps > 10


def was_there(kept: Path, there: dict[str, bytes]) -> bool:
    """Whether this is the ledger that was there: as bytes where it was damaged, else its batches."""
    if len(there) == 1:
        return kept.suffix.startswith(".replaced-") and audited(kept).batches > 5
    files = [Path(f"{kept}{part}") for part in there]
    return all(path.exists() for path in files) and [path.read_bytes() for path in files] == list(there.values())


def test_a_backup_that_is_not_sound_is_not_restored(filled: Mount, ledger: Path) -> None:
    bad = attacked(filled, sql("DELETE FROM batch WHERE sequence = 3"))
    before = ledger.read_bytes()
    refused = restore(str(ledger), bad, now=filled.site.now, agreed=True)
    assert not refused.done and not refused.backup.good
    assert ledger.read_bytes() == before


def test_what_is_no_backup_is_told_in_words(filled: Mount, ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match="there is no backup"):
        restore(str(ledger), tmp_path / "none.db", now=filled.site.now)
    (tmp_path / "text.db").write_text("no database, but long enough to be taken for one" * 100)
    with pytest.raises(AzlicError, match="cannot be copied"):
        restore(str(ledger), tmp_path / "text.db", now=filled.site.now)
    with pytest.raises(BadCall, match="is the ledger itself"):
        restore(str(ledger), ledger, now=filled.site.now)


def test_a_ledger_that_is_held_is_not_replaced(filled: Mount, ledger: Path, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    backup(str(ledger), file)
    with holding(filled.ledger), pytest.raises(AzlicError, match="in use by process"):
        restore(str(ledger), file, now=filled.site.now, wait_seconds=0)
