"""Every command that is printed, run as it stands, makes its finding go away."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from licensing.doctor.finding import KINDS, FindingLevel
from licensing.doctor.mending import mend, safe_ones
from tests.licensing.another_user import UID, as_another_user, root_only
from tests.licensing.doctor.acls import an_acl, set_acl
from tests.licensing.doctor.patient import NONROOT, Patient, a_patient, run

pytestmark = root_only


@pytest.fixture
def patient() -> Iterator[Patient]:
    with a_patient() as patient:
        yield patient


def owned_by_root(patient: Patient) -> None:
    for path in (patient.output, *patient.output.rglob("*")):
        os.chown(path, 0, 0)


def one_file_of_root(patient: Patient) -> None:
    file = next(patient.output.rglob("*.jsonl"))
    os.chown(file, 0, 0)
    file.chmod(0o644)


def closed_to_everybody(patient: Patient) -> None:
    for path in (patient.output, *patient.output.rglob("*")):
        path.chmod(0)


def license_of_root(patient: Patient) -> None:
    os.chown(patient.license / "license.dat", 0, 0)
    (patient.license / "license.dat").chmod(0o600)


def acl_against_it(patient: Patient) -> None:
    os.chown(patient.license / "license.dat", 0, 0)
    set_acl(patient.license / "license.dat", an_acl(0o640, users={UID: 0}))


def no_output(patient: Patient) -> None:
    shutil.rmtree(patient.output)


def a_file_for_a_folder(patient: Patient) -> None:
    shutil.rmtree(patient.output)
    patient.output.write_text("not a folder")


def a_link_to_nowhere(patient: Patient) -> None:
    shutil.rmtree(patient.output)
    patient.output.symlink_to("gone")


def another_owner(patient: Patient) -> None:
    os.chown(patient.output, 1000, 1000)
    patient.output.chmod(0o777)


def a_license_of_another(patient: Patient) -> None:
    os.chown(patient.license / "license.dat", 1000, UID)


def a_wrong_name(patient: Patient) -> None:
    (patient.license / "license.dat").rename(patient.license / "License (1).dat")


def a_name_of_control_characters(patient: Patient) -> None:
    (patient.license / "license.dat").rename(patient.license / "license\x1b[2J'\"$(reboot)\udcff\n.dat\n")


def two_licenses(patient: Patient) -> None:
    shutil.copy2(patient.license / "license.dat", patient.license / "speech license.dat")
    patient.hand_over()


def a_writable_license(patient: Patient) -> None:
    os.chown(patient.license, UID, UID)
    os.chown(patient.license / "license.dat", UID, UID)


def readable_by_all(patient: Patient) -> None:
    patient.license.chmod(0o755)
    (patient.license / "license.dat").chmod(0o644)


def readable_by_all_only(patient: Patient) -> None:
    patient.license.chmod(0o755)
    os.chown(patient.license / "license.dat", 0, 0)
    (patient.license / "license.dat").chmod(0o644)


def many_readable_by_all(patient: Patient) -> None:
    patient.license.chmod(0o755)
    (patient.license / "below").mkdir(mode=0o755)
    (patient.license / "below" / "api.key").write_text("secret")
    patient.hand_over()
    for path in (patient.license, *patient.license.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def a_link_out(patient: Patient) -> None:
    (patient.output / "read" / "a[b]*\\?'\n").symlink_to("/etc/passwd")
    (patient.output / "up").symlink_to("../license")


def a_license_linked_by_root(patient: Patient) -> None:
    (patient.license / "license.dat").rename(patient.site.folder / "the license")
    (patient.license / "license.dat").symlink_to("../the license")


def no_range(patient: Patient) -> None:
    docker = patient.root / "etc/docker"
    docker.mkdir(parents=True)
    (docker / "daemon.json").write_text('{"userns-remap": "default"}')
    (patient.root / "etc/subuid").write_text("op:100000:65536\n")


def a_short_range(patient: Patient) -> None:
    no_range(patient)
    for name in ("subuid", "subgid"):
        (patient.root / "etc" / name).write_text("dockremap:100000:1000\n")


BROKEN: dict[str, tuple[Callable[[Patient], None], str]] = {
    "output folder of root": (owned_by_root, "access"),
    "one usage file of root": (one_file_of_root, "access"),
    "output closed to everybody": (closed_to_everybody, "access"),
    "license of root": (license_of_root, "access"),
    "an ACL against nonroot": (acl_against_it, "access"),
    "no output folder": (no_output, "folder-missing"),
    "a file for a folder": (a_file_for_a_folder, "folder-is-none"),
    "a link to nowhere": (a_link_to_nowhere, "folder-is-none"),
    "another owner": (another_owner, "owner"),
    "a license of another": (a_license_of_another, "owner"),
    "a wrong name": (a_wrong_name, "license-name"),
    "a name of control characters": (a_name_of_control_characters, "license-name"),
    "two licenses": (two_licenses, "license-two"),
    "a writable license": (a_writable_license, "license-writable"),
    "a license readable by all": (readable_by_all, "key-world-readable"),
    "a license readable as one of all": (readable_by_all_only, "key-world-readable"),
    "many keys readable by all": (many_readable_by_all, "key-world-readable"),
    "links out": (a_link_out, "link-outside"),
    "a license linked by root": (a_license_linked_by_root, "link-outside"),
    "no range for userns-remap": (no_range, "subids-missing"),
    "a short range for userns-remap": (a_short_range, "subids-missing"),
}
ELSEWHERE = {"mount-read-only", "output-fresh"}
"""Commands that are run by tests of their own: test_mounts, tests/usage/test_mount_history."""


def test_a_healthy_site_has_no_findings(patient: Patient) -> None:
    found = patient.examine()
    assert found.findings == ()
    assert found.exit_status == 0 and found.tried


@pytest.mark.parametrize(("break_it", "code"), BROKEN.values(), ids=BROKEN)
def test_the_command_makes_the_finding_go_away(
    patient: Patient, break_it: Callable[[Patient], None], code: str
) -> None:
    break_it(patient)
    finding = patient.finding(code)
    run(finding.command)
    assert code not in patient.codes()


@pytest.mark.parametrize(("break_it", "code"), BROKEN.values(), ids=BROKEN)
def test_all_commands_one_after_the_other_make_the_site_healthy(
    patient: Patient, break_it: Callable[[Patient], None], code: str
) -> None:
    break_it(patient)
    for _ in range(5):
        command = next((finding.command for finding in patient.examine().findings if finding.command), None)
        if command is None:
            break
        run(command)
    assert set(patient.codes()) <= {"license-refused"}  # where the folder is healthy, and its license was moved away


def test_every_kind_with_a_command_is_broken_and_mended_here_or_there() -> None:
    without = {
        *("folder-closed", "folder-not-mounted", "space-out", "space-low", "access-refused", "license-refused"),
        *("license-ending", "license-opaque", "license-unexamined", "output-shared", "output-emptied"),
        "output-passed-over",
        *("ledger-unexamined", "nonroot-elsewhere", "no-avx2", "cores-too-few", "cores-few", "memory-too-little"),
        *("memory-little", "clock-loose", "license-changed", "container-status", "container-silent"),
    }
    assert {code for _, code in BROKEN.values()} | ELSEWHERE | without == set(KINDS)


def test_only_owners_modes_and_missing_folders_are_mended_unasked(patient: Patient) -> None:
    assert {code for code, kind in KINDS.items() if kind.safe} == {
        *("folder-missing", "owner", "access", "license-writable", "key-world-readable"),
    }
    a_link_out(patient)
    a_wrong_name(patient)
    assert {finding.code for finding in safe_ones(patient.examine().findings)} <= {"owner"}


def test_mending_tells_what_failed(patient: Patient) -> None:
    owned_by_root(patient)
    finding = patient.finding("access")._replace(command="echo no such luck >&2; false")
    assert [done.failure for done in mend([finding])] == ["no such luck"]
    assert mend([finding._replace(command=None)]) == []


def test_mended_access_is_real_access(patient: Patient) -> None:
    closed_to_everybody(patient)
    license_of_root(patient)
    mend(safe_ones(patient.examine().findings))
    file = next(patient.output.rglob("*.jsonl"))

    def use() -> str:
        (patient.license / "license.dat").read_bytes()
        with file.open("a") as records:
            records.write("{}\n")
        (patient.output / "read" / "ffffffffffff").mkdir()
        return "ok"

    assert as_another_user(use) == "ok"


def test_what_a_container_linked_to_is_never_copied_into_the_mount(patient: Patient) -> None:
    (patient.output / "passwords").symlink_to("/etc/shadow")
    (patient.license / "license.dat").unlink()
    (patient.license / "license.dat").symlink_to("/etc/shadow")
    os.chown(patient.license / "license.dat", UID, UID, follow_symlinks=False)
    run(patient.finding("link-outside").command or "true")
    run(patient.finding("link-outside").command if "link-outside" in patient.codes() else "true")
    assert not os.path.lexists(patient.output / "passwords")
    assert not os.path.lexists(patient.license / "license.dat")
    assert Path("/etc/shadow").stat().st_uid == 0


def test_links_within_the_mount_are_fine(patient: Patient) -> None:
    """As Kubernetes mounts a Secret: ``license.dat -> ..data/license.dat``, ``..data -> ..2026_03_01``."""
    (patient.license / "..2026_03_01").mkdir(mode=0o750)
    (patient.license / "license.dat").rename(patient.license / "..2026_03_01/license.dat")
    (patient.license / "..data").symlink_to("..2026_03_01")
    (patient.license / "license.dat").symlink_to("..data/license.dat")
    patient.hand_over()
    assert patient.codes() == []


def test_many_links_are_left_to_a_person(patient: Patient) -> None:
    for number in range(11):
        (patient.output / f"link-{number}").symlink_to("/etc")
    finding = patient.finding("link-outside")
    assert finding.command is None and finding.do and finding.affected == 11


def test_deep_files_are_never_named_in_a_command(patient: Patient) -> None:
    one_file_of_root(patient)
    command = patient.finding("access").command or ""
    assert command.startswith(f"chown -hR {NONROOT} ") and "jsonl" not in command


def test_pipes_and_sockets_do_not_stop_it(patient: Patient) -> None:
    os.mkfifo(patient.output / "pipe", 0o600)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(patient.output / "socket"))
        assert "access" not in patient.codes()


def test_a_folder_closed_to_the_doctor_itself_is_status_3(patient: Patient) -> None:
    secret = patient.output / "read" / "secret"
    secret.mkdir(mode=0o700)
    os.chown(secret, 0, UID)
    for folder in (patient.site.folder / "trust.d", patient.license):
        folder.chmod(0o755)

    def look() -> str:
        found = patient.examine()
        closed = [finding for finding in found.findings if finding.code == "folder-closed"]
        return f"{closed[0].level} {'as root' in closed[0].do} {found.tried}"

    assert as_another_user(look) == "unexamined True True"
    secret.rmdir()
    (patient.site.folder / "hidden").mkdir(mode=0o700)
    patient.site.output = patient.site.folder / "hidden" / "output"
    assert as_another_user(lambda: patient.examine().exit_status) == "3"


def test_the_weight_decides_the_exit_status(patient: Patient) -> None:
    another_owner(patient)
    assert patient.examine().exit_status == 0
    owned_by_root(patient)
    found = patient.examine()
    assert found.exit_status == 1
    assert found.findings[0].level is FindingLevel.ERROR


def test_an_immutable_file_is_refused_by_something_else_than_its_mode(patient: Patient) -> None:
    file = next(patient.output.rglob("*.jsonl"))
    if shutil.which("chattr") is None or os.system(f"chattr +i '{file}' 2>/dev/null"):  # noqa: S605
        pytest.skip("no immutable files here")
    try:
        finding = patient.finding("access-refused")
        assert finding.command is None and "lsattr" in finding.do
    finally:
        os.system(f"chattr -i '{file}'")  # noqa: S605
