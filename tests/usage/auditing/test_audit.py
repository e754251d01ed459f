"""Each attack on the ledger that facts/anchors §6 lists, made for real on a copy: it is found, and named."""

import gzip
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from licensing.core.errors import AzlicError
from licensing.db.database import reading, writing
from licensing.db.revision import OlderSchema
from tests.site import START
from tests.usage.attacks import Attack, attacked, audited, both, fill, recount, rehash, sql, taken
from tests.usage.edited import VECTORS
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import TODAY, Mount
from usage.auditing.compare import CheckpointStanding
from usage.auditing.faults import KEPT, AuditCheck
from usage.auditing.run import Audit, audit, open_readonly
from usage.auditing.walk import StretchSizes
from usage.intake.findings import list_findings, settle

EDIT = "UPDATE record SET quantity = 5000000 WHERE number = 10"
FILE = f"read/0123456789ab/{TODAY}"


@pytest.fixture
def filled(mount: Mount) -> Mount:
    """Five batches of four records: batch 3 has the records 9 to 12."""
    fill(mount)
    return mount


def first(found: Audit) -> str:
    return str(found.faults[0])


def checks(found: Audit) -> set[AuditCheck]:
    return set(found.counts)


def test_an_untouched_ledger_is_sound(filled: Mount) -> None:
    found = audited(filled.site.folder / "azlic.db", taken(filled), files=True)
    assert found.sound and not found.faults
    assert (found.batches, found.records, found.closed_months, found.files) == (6, 20, 0, 1)
    assert [compared.standing for compared in found.compared] == [CheckpointStanding.SAME]


def test_an_empty_ledger_is_sound(mount: Mount) -> None:
    assert audited(Path(str(mount.ledger.url.database)), taken(mount)).sound


def test_readings_bad_lines_and_second_series_are_sound_too(filled: Mount) -> None:
    filled.append([b"bad", a_line("other", meter={"name": "second", "quantity": 1}), *a_chain(2)])
    filled.ingest()
    filled.append([b"worse"])
    filled.ingest()
    found = audited(filled.site.folder / "azlic.db", files=True)
    assert found.sound and (found.batches, found.records) == (7, 21)


def test_an_edited_value_is_named_with_its_batch_file_range_and_row(filled: Mount) -> None:
    found = audited(attacked(filled, sql(EDIT)))
    assert first(found).startswith(f"batch 3 ({FILE}, ")
    assert "record 10 (0123456789ab-10) is 5 at 1772352000000, and in the file it is 1 at" in first(found)
    assert checks(found) == {AuditCheck.ROWS, AuditCheck.TOTALS}
    assert "2026-03-01, series 1: the total is 20 in 20 records" in str(found.faults[1])


def test_an_edited_value_is_found_without_its_file_and_with_its_total(filled: Mount) -> None:
    filled.path().unlink()
    found = audited(attacked(filled, both(sql(EDIT), recount)))
    assert first(found).startswith("batch 3 (") and checks(found) == {AuditCheck.ROWS}


ATTACKS: dict[str, tuple[Attack, str, AuditCheck]] = {
    "a value and the digest of its rows": (
        both(sql(EDIT), recount, rehash(3, heads=False)),
        "batch 3 (",
        AuditCheck.HEADS,
    ),
    "a record is deleted": (sql("DELETE FROM record WHERE number = 10"), "record 10 is missing", AuditCheck.ROWS),
    "records are deleted": (
        sql("DELETE FROM record WHERE number IN (10, 11)"),
        "10 to 11 are missing",
        AuditCheck.ROWS,
    ),
    "a batch is deleted": (sql("DELETE FROM batch WHERE sequence = 3"), "batch 3: missing", AuditCheck.NUMBERS),
    "batches are deleted": (
        sql("DELETE FROM batch WHERE sequence IN (2, 3)"),
        "batches 2 to 3: missing: after batch 1 comes batch 4",
        AuditCheck.NUMBERS,
    ),
    "the first batch is deleted": (sql("DELETE FROM batch WHERE sequence = 1"), "batch 1: missing", AuditCheck.NUMBERS),
    "a batch and its records, and the others move up": (
        sql(
            "DELETE FROM batch WHERE sequence = 3",
            "DELETE FROM record WHERE number BETWEEN 9 AND 12",
            "UPDATE batch SET sequence = sequence - 1, first_record = first_record - 4 WHERE sequence > 3",
            "UPDATE record SET number = number - 4 WHERE number > 12",
        ),
        "batch 3 (",
        AuditCheck.HEADS,
    ),
    "two batches change places": (
        sql(
            "UPDATE batch SET sequence = 99 WHERE sequence = 2",
            "UPDATE batch SET sequence = 2 WHERE sequence = 3",
            "UPDATE batch SET sequence = 3 WHERE sequence = 99",
        ),
        "batch 2 (",
        AuditCheck.HEADS,
    ),
    "two records change places": (
        sql(
            "UPDATE record SET number = 99 WHERE number = 6",
            "UPDATE record SET number = 6 WHERE number = 7",
            "UPDATE record SET number = 7 WHERE number = 99",
        ),
        "batch 2 (",
        AuditCheck.ROWS,
    ),
    "a record is put in": (
        sql("INSERT INTO record VALUES (21, 'x', 1, 1, 1772352000000, NULL, NULL)"),
        "record 21: 1 after the last batch",
        AuditCheck.OUTSIDE,
    ),
    "a record before the first": (
        sql("INSERT INTO record VALUES (0, 'x', 1, 1, 1772352000000, NULL, NULL)"),
        "record 0: 1 before the first batch",
        AuditCheck.OUTSIDE,
    ),
    "a series is renamed": (sql("UPDATE series SET meter = 'other'"), "batch 1 (", AuditCheck.ROWS),
    "a series is put in": (
        sql("INSERT INTO series VALUES (7, 'a', 'b', 'c', 'd', 'e', '', 99)"),
        "series 7: no batch introduced it",
        AuditCheck.OUTSIDE,
    ),
    "a record of no series": (sql("UPDATE record SET series = 7 WHERE number = 10"), "series 7", AuditCheck.OUTSIDE),
    "a total is raised": (
        sql("UPDATE total SET quantity = quantity + 1"),
        "the total is 20.000001 in 20 records up to 1772352000000, and its records are 20 in 20",
        AuditCheck.TOTALS,
    ),
    "a total is deleted": (sql("DELETE FROM total"), "there are records without a total", AuditCheck.TOTALS),
    "a total is put in": (
        sql("INSERT INTO total VALUES (1, 1, 1, 1, 86400000)"),
        "1970-01-02, series 1: there is a total without records",
        AuditCheck.TOTALS,
    ),
    "a batch is moved to another file": (
        sql("UPDATE batch SET file = 'x' WHERE sequence = 2"),
        "batch 2 (",
        AuditCheck.HEADS,
    ),
    "a batch's bytes": (
        sql("UPDATE batch SET consumed = zeroblob(32) WHERE sequence = 2"),
        "batch 2 (",
        AuditCheck.HEADS,
    ),
    "a head": (sql("UPDATE batch SET head = zeroblob(32) WHERE sequence = 2"), "batch 2 (", AuditCheck.HEADS),
    "a batch that claims no end of records": (
        sql("UPDATE batch SET records = 9000000000000 WHERE sequence = 2"),
        "batch 2 (",
        AuditCheck.HEADS,
    ),
    "a batch numbered 0": (sql("UPDATE batch SET sequence = 0 WHERE sequence = 5"), "batch 0", AuditCheck.NUMBERS),
    "a month closed by nobody": (
        sql("INSERT INTO closed_month VALUES (202602, 1, 5, zeroblob(32), '', 1)"),
        "2026-02: it is marked as closed by batch 5, which did not",
        AuditCheck.MONTHS,
    ),
    "a correction of no batch": (
        sql("INSERT INTO correction VALUES (1, 'late', 202603, 202602, 'x', 1, 1, 'why', 9, 1)"),
        "corrections: 1 of them belong to no batch",
        AuditCheck.OUTSIDE,
    ),
}


@pytest.mark.parametrize(("attack", "told", "check"), ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_found_and_named(filled: Mount, attack: Attack, told: str, check: AuditCheck) -> None:
    filled.path().unlink()
    found = audited(attacked(filled, attack))
    assert not found.sound
    assert told in "\n".join(map(str, found.faults))
    assert check in found.counts


def test_values_of_other_types_than_were_written_are_found_not_stumbled_over(filled: Mount) -> None:
    for change in (
        "UPDATE record SET id = CAST('AAAA' AS BLOB) WHERE number = 10",
        "UPDATE record SET quantity = 'much' WHERE number = 10",
        "UPDATE record SET requested_at = x'00' WHERE number = 10",
        "UPDATE record SET id = CAST(x'ff' AS TEXT) WHERE number = 10",
        "UPDATE batch SET head = 'none' WHERE sequence = 3",
        "UPDATE batch SET first_record = 'none' WHERE sequence = 3",
        "UPDATE total SET quantity = 1.5",
        "UPDATE total SET day = 'never'",
        "UPDATE series SET meter = x'00'",
        "UPDATE batch SET file = char(27) || '[2J' WHERE sequence = 3",
    ):
        found = audited(attacked(filled, sql(change)))
        assert not found.sound, change
        assert "\x1b" not in first(found)


def test_an_id_kept_as_the_bytes_whose_base64_it_is_has_the_same_digest_and_is_found(mount: Mount) -> None:
    mount.write([a_line("AAAA")])
    mount.ingest()
    found = audited(attacked(mount, sql("UPDATE record SET id = x'000000'")))
    assert [fault.what for fault in found.faults] == [
        "the fields of a record are not of the types that it has",
        "id is blob, and text belongs there",
    ]


def test_a_tail_that_was_cut_with_its_totals_is_found_by_a_checkpoint_alone(filled: Mount) -> None:
    kept = taken(filled)
    cut = attacked(
        filled,
        both(
            sql(
                *("DELETE FROM batch WHERE sequence > 3", "DELETE FROM record WHERE number > 12"),
                *("DELETE FROM entry WHERE batch > 3", "DELETE FROM origin"),
                "UPDATE chain SET sequence = 12",
            ),
            recount,
        ),
    )
    assert audited(cut).sound
    found = audited(cut, kept)
    assert first(found) == (
        "checkpoint 1: the ledger's tail was cut off, or it is an older copy: batches 4 to 6 are missing"
    )
    assert [compared.standing for compared in found.compared] == [CheckpointStanding.CUT]


def test_a_ledger_that_was_emptied_is_found(filled: Mount) -> None:
    kept = taken(filled)
    emptied = attacked(
        filled,
        sql(*(f"DELETE FROM {table}" for table in ("record", "batch", "series", "total", "entry", "chain"))),  # noqa: S608
    )
    assert audited(emptied).sound
    assert "batches 1 to 6 are missing" in first(audited(emptied, kept))


def test_a_ledger_that_was_rewritten_from_its_first_batch_is_found(filled: Mount) -> None:
    kept = taken(filled)
    rewritten = attacked(filled, both(sql("UPDATE record SET quantity = 1"), recount, rehash(1)))
    assert audited(rewritten).sound
    found = audited(rewritten, kept)
    assert [compared.standing for compared in found.compared] == [CheckpointStanding.REWRITTEN]
    assert "the ledger was rewritten: its batches 1 to 6 are not those that it had then" in first(found)


def test_a_fork_is_told_from_a_rewrite_by_an_older_checkpoint(mount: Mount) -> None:
    fill(mount, batches=2)
    older = taken(mount)
    lines = a_chain(20)
    for stop in (12, 16):
        mount.write(lines[:stop])
        mount.ingest()
    newer = taken(mount)
    forked = attacked(mount, both(sql(EDIT), recount, rehash(3)))
    assert audited(forked).sound
    found = audited(forked, newer, older)
    assert [compared.standing for compared in found.compared] == [CheckpointStanding.SAME, CheckpointStanding.FORKED]
    assert "the ledger forked: it is the same up to batch 3, and another one before it reaches batch 5" in first(found)


def test_the_checkpoint_of_another_ledger_does_not_pass(filled: Mount) -> None:
    found = audited(filled.site.folder / "azlic.db", replace(taken(filled), origin="elsewhere/1"))
    assert [compared.standing for compared in found.compared] == [CheckpointStanding.OTHER_LEDGER]
    assert "it is of the ledger elsewhere/1, and this one is plant/" in first(found)


def test_an_edit_before_a_rehashed_tail_is_named_at_the_batch_where_it_begins(filled: Mount) -> None:
    found = audited(attacked(filled, both(sql(EDIT), recount, rehash(4))))
    assert first(found).startswith("batch 3 (")


def test_triggers_that_are_gone_or_do_nothing_are_found(filled: Mount) -> None:
    for statements in (
        ["DROP TRIGGER record_no_update"],
        ["DROP TRIGGER batch_no_delete", "CREATE TRIGGER batch_no_delete BEFORE DELETE ON batch BEGIN SELECT 1; END"],
    ):
        with writing(filled.ledger) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    found = audited(filled.site.folder / "azlic.db")
    assert [fault.where for fault in found.faults] == ["trigger batch_no_delete", "trigger record_no_update"]
    assert found.counts == {AuditCheck.SCHEMA: 2}


@pytest.mark.parametrize(
    "change", ["UPDATE record SET quantity = 1", "DELETE FROM batch", "UPDATE series SET meter = ''"]
)
def test_the_database_refuses_changes_by_whoever_leaves_its_triggers_there(filled: Mount, change: str) -> None:
    with pytest.raises(AzlicError, match="the ledger only grows"), writing(filled.ledger) as connection:
        connection.exec_driver_sql(change)


def test_source_files_are_held_against_what_was_taken_from_them(filled: Mount) -> None:
    path, ledger = filled.path(), filled.site.folder / "azlic.db"
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"quantity":1', b'"quantity":9', 1))
    assert "what batch 1 took, up to byte" in first(audited(ledger, files=True))
    path.write_bytes(content[:-10])
    assert "batch 5 took it up to byte" in first(audited(ledger, files=True))
    path.unlink()
    found = audited(ledger, files=True)
    assert found.sound and (found.files, found.files_gone) == (0, 1)


def test_a_file_that_was_changed_stays_a_fault_after_the_next_ingest_until_it_is_settled(mount: Mount) -> None:
    names = ("same", "edited", "in-place", "cut", "emptied", "gone", "edited-then-gone", "renamed")
    paths = {name: mount.append(a_chain(3, container=name), container=name) for name in names}
    mount.ingest()
    ledger = mount.site.folder / "azlic.db"

    def change(name: str) -> None:
        new = paths[name].with_name("new")
        new.write_bytes(paths[name].read_bytes().replace(b'"quantity":1', b'"quantity":9', 1))
        new.replace(paths[name])

    for name in ("edited", "edited-then-gone"):
        change(name)
    paths["in-place"].write_bytes(paths["in-place"].read_bytes().replace(b'"quantity":1', b'"quantity":9', 1))
    os.truncate(paths["cut"], 40)
    os.truncate(paths["emptied"], 0)
    paths["gone"].unlink()
    paths["renamed"].rename(paths["renamed"].with_suffix(".1.jsonl"))
    for _ in range(2):
        mount.ingest()
        paths["edited-then-gone"].unlink(missing_ok=True)
        found = audited(ledger, files=True)
        faulty = {name for name, path in paths.items() for fault in found.faults if fault.where == str(path)}
        assert faulty == {"edited", "in-place", "cut", "emptied", "edited-then-gone"}
        assert found.counts == {AuditCheck.FILES: 5}
        assert found.files_gone >= 1
        assert all("finding" in fault.what and "is open" in fault.what for fault in found.faults)
    with reading(mount.ledger) as connection:
        keys = [one.key for one in list_findings(connection)]
    settle(mount.ledger, keys, reason="looked into", now=START)
    assert audited(ledger, files=True).sound


def test_a_ledger_that_is_bad_all_through_is_counted_and_told_in_part(mount: Mount) -> None:
    fill(mount, batches=30, records=1)
    found = audited(attacked(mount, sql("UPDATE record SET quantity = 7")))
    assert len(found.faults) == KEPT
    assert found.counts == {AuditCheck.ROWS: 30, AuditCheck.TOTALS: 1}


def test_what_is_ingested_while_an_audit_runs_belongs_to_it(filled: Mount) -> None:
    lines, told = a_chain(23), [0]

    def meanwhile(_done: int, total: int) -> None:
        told.append(total)
        filled.write(lines[: min(20 + len(told), 23)])
        filled.ingest()

    engine = open_readonly(str(filled.site.folder / "azlic.db"))
    found = audit(engine, progress=meanwhile, stretch=StretchSizes(records=4, batches_a_page=1))
    engine.dispose()
    assert found.sound and found.records == 23 and told[1] == 20


def test_a_damaged_database_is_no_traceback(filled: Mount) -> None:
    path = attacked(filled, sql())
    content = bytearray(path.read_bytes())
    root = sqlite3.connect(path).execute("SELECT rootpage FROM sqlite_master WHERE name = 'record'").fetchone()[0]
    content[(root - 1) * 4096 : root * 4096] = bytes(4096)
    path.write_bytes(content)
    found = audited(path)
    assert "its records cannot be read, the database is damaged" in first(found)


def test_only_a_ledger_of_this_schema_is_read_and_nothing_is_written(tmp_path: Path, filled: Mount) -> None:
    with pytest.raises(AzlicError, match="there is no ledger"):
        open_readonly(str(tmp_path / "none.db"))
    (tmp_path / "text.db").write_text("no database, but long enough to be taken for one" * 100)
    with pytest.raises(AzlicError):
        open_readonly(str(tmp_path / "text.db"))
    sqlite3.connect(tmp_path / "empty.db").execute("CREATE TABLE x (y)").connection.close()
    with pytest.raises(AzlicError, match="is not an azlic database"):
        open_readonly(str(tmp_path / "empty.db"))
    engine = open_readonly(str(filled.site.folder / "azlic.db"))
    with pytest.raises(DBAPIError, match="readonly"), engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO origin VALUES ('x', 1)")
    with writing(filled.ledger) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
    with pytest.raises(AzlicError, match="says 0002, and its other tables contradict that"):
        open_readonly(str(filled.site.folder / "azlic.db"))
    (tmp_path / "older.db").write_bytes(gzip.decompress((VECTORS / "ledger-0003.db.gz").read_bytes()))
    with pytest.raises(OlderSchema, match="has the older schema 0003"):
        open_readonly(str(tmp_path / "older.db"))
