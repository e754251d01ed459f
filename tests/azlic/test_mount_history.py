"""What the ledger remembers of output folders."""

import shutil
import subprocess
from pathlib import Path

import pytest

from azlic.mount_history import history_findings
from licensing.db.database import reading
from licensing.doctor.finding import DoctorFinding
from tests.site import Site


@pytest.fixture
def used(site: Site) -> Site:
    """A site whose ledger took records."""
    site.install()
    with site.start_engine() as client:
        client.post("/count/3")
    assert site.ingest().new
    return site


def told(site: Site, *outputs: Path, in_use: tuple[str, ...] = ()) -> list[DoctorFinding]:
    with reading(site.ledger) as connection:
        return list(history_findings(connection, [str(output) for output in outputs], in_use=in_use))


def test_a_fresh_folder_beside_one_the_ledger_knows_is_told_and_the_command_fills_it(used: Site) -> None:
    fresh = used.folder / "fresh 'output'"
    fresh.mkdir()
    (finding,) = told(used, fresh)
    assert finding.code == "output-fresh" and finding.names == (str(used.output),)
    assert finding.command is not None
    subprocess.run(["sh", "-c", finding.command], check=True)
    before = {path.relative_to(used.output) for path in used.output.rglob("*")}
    assert {path.relative_to(fresh) for path in fresh.rglob("*")} == before


def test_a_folder_that_was_emptied_is_told(used: Site) -> None:
    shutil.rmtree(used.output / "read")
    (finding,) = told(used, used.output)
    assert (finding.code, finding.affected, finding.command) == ("output-emptied", 1, None)


def test_a_fresh_folder_of_a_ledger_that_knows_none_is_fine(site: Site) -> None:
    assert told(site, site.output) == []


def test_an_old_folder_that_is_gone_cannot_be_copied_from(used: Site) -> None:
    fresh = used.folder / "fresh"
    fresh.mkdir()
    shutil.rmtree(used.output)
    assert told(used, fresh) == []


def test_of_several_old_folders_a_person_has_to_choose(used: Site) -> None:
    second = used.folder / "second"
    shutil.copytree(used.output, second)
    used.output = second
    used.ingest()
    fresh = used.folder / "fresh"
    fresh.mkdir()
    (finding,) = told(used, fresh)
    assert finding.command is None and finding.affected == 2 and "cp -a" in finding.do


def test_the_folder_of_another_container_that_is_in_use_has_no_successor(used: Site) -> None:
    fresh = used.folder / "fresh"
    fresh.mkdir()
    assert told(used, fresh, in_use=(str(used.output), str(fresh))) == []
