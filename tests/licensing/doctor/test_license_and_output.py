"""What is told of the license itself, and of containers that share an output folder."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from licensing.adoption import OperatorStatement, adopt
from licensing.db.database import writing
from licensing.doctor.examination import Site, examine
from licensing.doctor.finding import DoctorFinding
from licensing.doctor.identity import Identity
from licensing.doctor.output_folder import sharing_findings
from licensing.doctor.tree import walk
from licensing.history.read import read_seen
from licensing.verdict.seen import Seen
from tests.licensing.another_user import root_only
from tests.licensing.doctor.patient import NONROOT, STRONG, Patient, a_patient


@pytest.fixture
def patient() -> Iterator[Patient]:
    with a_patient() as patient:
        yield patient


@root_only
def test_the_license_is_told_in_one_line(patient: Patient) -> None:
    assert patient.examine().facts["License"].startswith("valid: the license runs until 2027-01-01")


@root_only
def test_a_license_that_ends_soon_is_a_warning(patient: Patient) -> None:
    patient.site.now += timedelta(days=290)
    found = patient.examine()
    assert [finding.code for finding in found.findings] == ["license-ending"] and found.exit_status == 0


@root_only
@pytest.mark.parametrize("how", ["ended", "other container", "gone", "untrusted"])
def test_a_license_that_does_not_let_it_run_is_wrong(patient: Patient, how: str) -> None:
    if how == "ended":
        patient.let_the_license_end()
    if how == "gone":
        (patient.license / "license.dat").unlink()
    if how == "untrusted":
        shutil.rmtree(patient.site.trust.folder)
    found = patient.examine(container="speech-to-text" if how == "other container" else None)
    assert [finding.code for finding in found.findings] == ["license-refused"] and found.exit_status == 1
    asked = found.findings[0].do
    assert asked.startswith("azlic verify ") and ("--container speech-to-text" in asked) is (how == "other container")


@root_only
def test_a_license_of_microsofts_is_a_warning(patient: Patient) -> None:
    (patient.license / "license.dat").write_bytes(os.urandom(2000))
    found = patient.examine()
    (finding,) = found.findings
    assert finding.code == "license-opaque" and found.exit_status == 0
    assert "nobody has stated its end yet: azlic adopt" in finding.problem


def adopted(patient: Patient, content: bytes, days: int) -> Seen:
    """An opaque license whose end was stated to be so many days from now."""
    (patient.license / "license.dat").write_bytes(content)
    with writing(patient.site.ledger) as connection:
        stated = OperatorStatement("speech-to-text", patient.site.now + timedelta(days=days))
        adopt(connection, patient.license, stated, now=patient.site.now, stated_by="ada", yes=True)
        return read_seen(connection)


@root_only
@pytest.mark.parametrize(
    ("days", "codes", "said"),
    [(90, [], "valid"), (30, ["license-ending"], "expiring"), (0, ["license-refused"], "expired")],
)
def test_an_adopted_license_is_told_as_stated(patient: Patient, days: int, codes: list[str], said: str) -> None:
    patient.seen = adopted(patient, b"\x01opaque", days)
    found = patient.examine()
    assert [finding.code for finding in found.findings] == codes
    assert found.facts["License"].startswith(f"{said}: the license ")
    for told in (found.facts["License"], *(finding.problem for finding in found.findings)):
        assert "stated by the operator" in told
    assert "azlic download" not in str(found.findings)


@root_only
def test_an_adopted_license_that_was_changed_is_wrong(patient: Patient) -> None:
    patient.seen = adopted(patient, b"\x01opaque", 90)
    (patient.license / "license.dat").write_bytes(b"\x01other")
    (finding,) = patient.examine().findings
    assert (finding.code, finding.level) == ("license-changed", "error")
    assert "has changed since it was adopted" in finding.problem and "azlic adopt" in finding.do


@root_only
def test_where_the_ledger_cannot_be_read_it_is_not_said_that_nobody_stated_anything(patient: Patient) -> None:
    (patient.license / "license.dat").write_bytes(b"\x01opaque")
    patient.seen = Seen(unread="the ledger cannot be read")
    (finding,) = patient.examine().findings
    assert finding.problem.endswith("cannot tell whether it was adopted: the ledger cannot be read")


@root_only
def test_an_adopted_license_says_what_its_container_needs(patient: Patient) -> None:
    patient.machine = STRONG._replace(cores=2)
    patient.seen = adopted(patient, b"\x01opaque", 90)
    (finding,) = patient.examine().findings
    assert finding.code == "cores-too-few" and "speech-to-text needs 4 cores and 8 GB" in finding.problem


@root_only
def test_a_running_container_is_asked(patient: Patient) -> None:
    with patient.site.start_engine() as client:
        url = str(client.base_url)
        healthy = patient.examine(url=url)
        patient.site.sleep(days=400)
        ended = patient.examine(url=url)
    silent = patient.examine(url=url)
    assert healthy.facts["Container"] == f"{url}: NonMetered, read"
    assert "container-status" not in {finding.code for finding in healthy.findings}
    status = next(finding for finding in ended.findings if finding.code == "container-status")
    assert status.problem.startswith("its apiStatus is Invalid: the license ended")
    assert "container-silent" in {finding.code for finding in silent.findings}


@root_only
def test_a_trust_store_that_cannot_decide_is_status_3(patient: Patient) -> None:
    shutil.rmtree(patient.site.trust.folder)
    patient.site.trust.folder.write_text("no folder")
    found = patient.examine()
    assert [finding.code for finding in found.findings] == ["license-unexamined"] and found.exit_status == 3


@root_only
def test_two_misnamed_licenses_are_left_to_a_person(patient: Patient) -> None:
    file = patient.license / "license.dat"
    shutil.copy2(file, patient.license / "read.dat")
    file.rename(patient.license / "speech.dat")
    patient.hand_over()
    (finding,) = patient.examine().findings
    assert (finding.code, finding.command) == ("license-name", None) and finding.do


@root_only
def test_a_license_closed_by_a_folder_above_is_not_open_to_all(patient: Patient) -> None:
    patient.license.chmod(0o755)
    (patient.license / "license.dat").chmod(0o644)
    assert patient.codes() == ["key-world-readable"]
    patient.site.folder.chmod(0o700)
    assert patient.codes() == []


@root_only
def test_for_root_in_the_container_a_license_is_always_writable_and_not_told(patient: Patient) -> None:
    assert {finding.code for finding in patient.examine(Identity(0, 0)).findings} <= {"owner"}


def sharing(folder: Path) -> list[DoctorFinding]:
    return list(sharing_findings(walk(str(folder), NONROOT)))


def write(folder: Path, container: str, *days: int, name: str = "usage-2026-03-{:02}.jsonl") -> None:
    for day in days:
        file = folder / container / name.format(day)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        os.utime(file, (1_772_323_200 + 86_400 * (day - 1),) * 2)  # 1 March 2026 and on


def test_two_containers_of_the_same_days_share_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "read/aaaaaaaaaaaa", 1, 2, 3)
    write(tmp_path, "read/bbbbbbbbbbbb", 2, 3)
    (finding,) = sharing(tmp_path)
    assert finding.code == "output-shared" and finding.command is None
    assert finding.names == ("read/aaaaaaaaaaaa", "read/bbbbbbbbbbbb")


def test_containers_of_two_services_share_a_folder_too(tmp_path: Path) -> None:
    write(tmp_path, "layout/aaaaaaaaaaaa", 1, 2, name="opaque-{}.bin")
    write(tmp_path, "custom/bbbbbbbbbbbb", 1, 2)
    assert sharing(tmp_path)


def test_a_container_that_was_made_anew_shares_one_day_at_most(tmp_path: Path) -> None:
    for turn in range(10):
        write(tmp_path, f"read/{turn:012x}", turn + 1, turn + 2)
    assert sharing(tmp_path) == []


def test_files_that_lie_in_no_container_do_not_count(tmp_path: Path) -> None:
    write(tmp_path, "read", 1, 2, 3)
    write(tmp_path, ".", 1, 2, 3)
    write(tmp_path, "read/aaaaaaaaaaaa", 1, 2, 3, name="usage-2026-99-{:02}.jsonl")
    assert sharing(tmp_path) == []


@root_only
def test_several_output_folders_are_told_apart(patient: Patient) -> None:
    second = patient.site.folder / "second"
    second.mkdir()
    os.chown(second, *NONROOT[:2])
    who = Site(patient.license, (patient.output, second, patient.output), NONROOT)
    found = examine(who, trust=patient.site.trust, as_of=patient.site.now, root=patient.root, machine=patient.machine)
    assert found.findings == () and str(second) in found.seen_outputs
    assert {"Output folder 1", "Output folder 2"} <= set(found.facts) and "Output folder 3" not in found.facts
