"""`azlic audit`, `checkpoint`, `backup` and `restore`, as a user runs them."""

import json

from tests.azlic.conftest import Cli
from tests.site import Site
from tests.usage.attacks import fill
from tests.usage.ledgers import unguarded
from tests.usage.mount import Mount


def edit(site: Site) -> None:
    with unguarded(site.ledger) as connection:
        connection.exec_driver_sql("UPDATE record SET quantity = 5000000 WHERE number = 10")


def test_a_checkpoint_is_kept_and_held_against_the_ledger(cli: Cli, site: Site) -> None:
    fill(Mount(site))
    printed = cli("checkpoint")
    assert printed.status == 0 and printed.out.count("\n") == 3
    (site.folder / "checkpoint.txt").write_text(printed.out)
    found = cli("audit", "--against", "checkpoint.txt", "--files")
    assert found.status == 0 and found.out.startswith("sound: everything is as it was written\n6 batches, 20 records")
    assert "checkpoint.txt: nothing up to batch 6 was changed" in found.out
    fields = json.loads(cli("audit", "--against", "checkpoint.txt", "--json").out)
    assert (fields["schema"], fields["sound"], fields["batches"]) == ("azlic.audit/v1", True, 6)
    assert fields["against"][0]["standing"] == "same"
    kept = json.loads(cli("checkpoint", "--json").out)
    assert (kept["schema"], kept["text"]) == ("azlic.checkpoint/v1", printed.out)


def test_the_first_fault_is_told_first_and_the_exit_status_is_1(cli: Cli, site: Site) -> None:
    fill(Mount(site))
    edit(site)
    found = cli("audit")
    assert found.status == 1 and found.out.startswith("NOT SOUND: batch 3 (read/0123456789ab/usage-2026-03-01.jsonl, ")
    assert "also:\n  2026-03-01, series 1: the total is 20 in 20 records" in found.out
    fields = json.loads(cli("audit", "--json").out)
    assert [fault["check"] for fault in fields["faults"]] == [3, 4] and fields["counts"] == {"3": 1, "4": 1}


def test_a_bad_checkpoint_and_a_missing_ledger_are_told(cli: Cli, site: Site) -> None:
    assert cli("audit").status == 3
    (site.folder / "checkpoint.txt").write_text("no")
    answer = cli("audit", "--against", "checkpoint.txt")
    assert answer.status == 3 and "checkpoint.txt is not a checkpoint" in answer.err


def test_a_backup_is_made_once_and_restored_when_that_is_meant(cli: Cli, site: Site) -> None:
    mount = Mount(site)
    fill(mount, batches=2)
    assert "2 batches, 8 records; complete and sound" in cli("backup", "copy.db").out
    assert cli("backup", "copy.db").status == 2
    made = json.loads(cli("backup", "copy.db", "--yes", "--json").out)
    assert (made["schema"], made["good"]) == ("azlic.backup/v1", True)
    fill(mount, batches=4)
    refused = cli("restore", "copy.db")
    assert refused.status == 1
    assert "batches 3 to 5 of the present ledger are not in the backup" in refused.out
    done = cli("restore", "copy.db", "--yes")
    assert done.status == 0 and "restored: 2 batches, 8 records" in done.out
    assert json.loads(cli("ingest", "output", "--json").out)["new"] == 8
    again = json.loads(cli("restore", "copy.db", "--json").out)
    assert (again["schema"], again["done"], again["lost"]["first_batch"]) == ("azlic.restore/v1", False, 3)


def test_a_ledger_that_is_not_sound_is_not_backed_up(cli: Cli, site: Site) -> None:
    fill(Mount(site))
    edit(site)
    answer = cli("backup", "copy.db")
    assert answer.status == 1 and answer.out.startswith("no backup was made: batch 3 (")
    assert not (site.folder / "copy.db").exists()
