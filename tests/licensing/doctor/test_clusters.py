"""A user whom a cluster chose: OpenShift's in group 0, and Kubernetes' fsGroup. The group counts, not the owner."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from licensing.doctor.identity import OPENSHIFT, Identity, find_user
from tests.licensing.another_user import root_only
from tests.licensing.doctor.patient import Patient, a_patient, run

pytestmark = root_only
CLUSTERS = {
    "openshift": find_user(OPENSHIFT, nonroot="65532:65532"),
    "a user in group 0": Identity(4242, 0),
    "fsGroup": Identity(65532, 65532).with_fs_group(2000),
}


def everything(patient: Patient) -> list[Path]:
    return [path for folder in (patient.license, patient.output) for path in (folder, *folder.rglob("*"))]


def hand_over(patient: Patient, gid: int) -> None:
    """As a cluster leaves volumes: whoever owns them, they are the group's; the license is only read."""
    for path in everything(patient):
        os.chown(path, 1234, gid)
        readable = path.is_relative_to(patient.license)
        path.chmod((0o2750 if readable else 0o2770) if path.is_dir() else (0o640 if readable else 0o660))


def closed_to_the_group(patient: Patient) -> None:
    for path in everything(patient):
        path.chmod(0o700 if path.is_dir() else 0o600)


def of_another_group(patient: Patient) -> None:
    for path in everything(patient):
        os.chown(path, 1234, 1234)


def of_another_group_and_open(patient: Patient) -> None:
    of_another_group(patient)
    for path in everything(patient):
        path.chmod(0o777 if path.is_dir() else 0o666)


def gone(patient: Patient) -> None:
    patient.output.rename(patient.output.with_name("elsewhere"))


def a_file_instead(patient: Patient) -> None:
    gone(patient)
    patient.output.touch()


@pytest.fixture(params=list(CLUSTERS))
def cluster(request: pytest.FixtureRequest) -> Iterator[tuple[Patient, Identity]]:
    with a_patient() as patient:
        identity = CLUSTERS[request.param]
        assert identity.by_group is not None
        hand_over(patient, identity.by_group)
        yield patient, identity


def test_files_of_the_group_are_fine_whoever_owns_them(cluster: tuple[Patient, Identity]) -> None:
    patient, identity = cluster
    found = patient.examine(identity, stated=True)
    assert found.findings == () and found.tried
    assert f"group {identity.by_group}" in found.facts["User"]


@pytest.mark.parametrize(
    "break_it", [closed_to_the_group, of_another_group, of_another_group_and_open, gone, a_file_instead]
)
def test_the_commands_give_the_group_what_it_needs_and_leave_the_owner(
    cluster: tuple[Patient, Identity], break_it: Callable[[Patient], None]
) -> None:
    patient, identity = cluster
    break_it(patient)
    assert patient.examine(identity, stated=True).findings
    for _ in range(6):
        found = patient.examine(identity, stated=True).findings
        command = next((finding.command for finding in found if finding.command), None)
        if command is None:
            break
        assert "chown" not in command and str(identity.uid) not in command.replace(str(patient.license.parent), "")
        run(command)
    assert patient.examine(identity, stated=True).findings == ()


def test_who_runs_in_a_pod_of_openshifts_is_examined_as_oneself(cluster: tuple[Patient, Identity]) -> None:
    patient, _ = cluster
    hand_over(patient, 0)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(0)
        os.setuid(CLUSTERS[OPENSHIFT].uid)
        found = patient.examine()
        os._exit(0 if found.identity[:2] == CLUSTERS[OPENSHIFT][:2] and not found.findings else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
