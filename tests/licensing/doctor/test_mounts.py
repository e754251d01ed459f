"""Mounts: what is mounted where and how, and what is left on it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.doctor.mounts import (
    MountPoint,
    Space,
    in_a_container,
    mount_of,
    parse_mounts,
    read_mounts,
    space_findings,
)
from tests.licensing.another_user import UID, root_only
from tests.licensing.doctor.patient import Patient, a_patient, run

GIB = 1 << 30
INFO = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
30 27 0:25 /a\040b /mnt/a\040b\134c ro,nosuid - tmpfs none rw,size=4k
no line at all
31 30 0:26 / /mnt/a\040b\134c rw - xfs /dev/vdb ro
"""


def test_mounts_are_read_with_their_escapes_and_options() -> None:
    known = parse_mounts(INFO)
    assert [mount.point for mount in known] == ["/proc", "/", "/mnt/a b\\c", "/mnt/a b\\c"]
    assert [mount.read_only for mount in known] == [False, False, True, True]


def test_a_path_lies_on_the_deepest_mount_and_of_two_on_the_later() -> None:
    known = parse_mounts(INFO)
    assert [mount_of(path, known) for path in ("/mnt/a b\\c/x", "/mnt/a b\\cc", "/proc")] == [
        known[3],
        known[1],
        known[0],
    ]
    assert mount_of("/x", []) is None


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    parse_mounts(content)


@given(st.lists(st.tuples(st.integers(0, len(INFO) - 1), st.integers(0, 255)), max_size=8))
def test_no_flipped_byte_breaks_the_reader(flips: list[tuple[int, int]]) -> None:
    content = bytearray(INFO)
    for place, byte in flips:
        content[place] = byte
    for mount in parse_mounts(bytes(content)):
        assert mount.point.startswith("/")


def test_this_machine_has_a_root() -> None:
    assert mount_of("/", read_mounts()) is not None
    assert read_mounts(Path("/nowhere")) == []


@pytest.mark.parametrize(("kind", "inside"), [("overlay", True), ("fuse.fuse-overlayfs", True), ("ext4", False)])
def test_an_overlay_for_a_root_is_a_container(tmp_path: Path, kind: str, inside: bool) -> None:
    root = MountPoint("/", kind, frozenset({"rw"}), frozenset({"rw"}))
    assert in_a_container([root], tmp_path) is inside


def test_the_marks_of_docker_and_podman_are_known(tmp_path: Path) -> None:
    assert not in_a_container([], tmp_path)
    (tmp_path / ".dockerenv").touch()
    assert in_a_container([], tmp_path)


@pytest.mark.parametrize(
    ("space", "codes"),
    [
        (Space(500 * GIB, 1000 * GIB, 10_000_000, 20_000_000), []),
        (Space(9 * GIB, 50 * GIB, None, 0), []),
        (Space(9 * GIB, 1000 * GIB, None, 0), ["space-low"]),
        (Space(GIB // 32, 1000 * GIB, None, 0), ["space-out"]),
        (Space(0, GIB // 16, None, 0), ["space-out"]),
        (Space(500 * GIB, 1000 * GIB, 9_000, 20_000_000), ["space-low"]),
        (Space(500 * GIB, 1000 * GIB, 0, 20_000_000), ["space-out"]),
    ],
)
def test_space_and_inodes_run_low_and_out(space: Space, codes: list[str]) -> None:
    assert [finding.code for finding in space_findings("/output", space)] == codes


@pytest.fixture
def on_a_mount() -> Iterator[Patient]:
    """A site whose output folder is a file system of its own, of 1 MiB."""
    with a_patient() as patient:
        options = f"size=1m,uid={UID},gid={UID},mode=755"
        mounting = ["mount", "-t", "tmpfs", "-o", options, "azlic-test", str(patient.output)]
        if subprocess.run(mounting, capture_output=True, check=False).returncode:
            pytest.skip("nothing can be mounted here")
        (patient.root / "proc").mkdir()
        (patient.root / "proc/self").symlink_to("/proc/self")
        try:
            yield patient
        finally:
            subprocess.run(["umount", str(patient.output)], check=True)


@root_only
def test_a_full_file_system_is_found(on_a_mount: Patient) -> None:
    assert on_a_mount.codes() == ["space-out"]


@root_only
@pytest.mark.parametrize("how", ["remount,ro", "remount,bind,ro"])
def test_a_read_only_output_is_found_and_mended(on_a_mount: Patient, how: str) -> None:
    (on_a_mount.output / "records").mkdir()
    run(f"chown {UID}:{UID} {on_a_mount.output}/records")
    run(f"mount -o {how} {on_a_mount.output}")
    finding = on_a_mount.finding("mount-read-only")
    assert "access-refused" not in on_a_mount.codes()
    run(finding.command)
    assert on_a_mount.codes() == ["space-out"]


@root_only
def test_the_facts_name_the_mount_and_its_options(on_a_mount: Patient) -> None:
    run(f"mount -o remount,noexec {on_a_mount.output}")
    assert "a mount (tmpfs noexec,rw)" in on_a_mount.examine().facts["Output folder"]


@root_only
def test_a_license_on_a_read_only_mount_is_as_it_should_be() -> None:
    with a_patient() as patient:
        bind = f"mount --bind {patient.license} {patient.license}"
        if subprocess.run(["sh", "-c", bind], capture_output=True, check=False).returncode:
            pytest.skip("nothing can be mounted here")
        try:
            run(f"chown -R {UID}:{UID} {patient.license} && chmod 700 {patient.license}")
            assert patient.codes() == ["license-writable"]
            (patient.root / "proc").mkdir()
            (patient.root / "proc/self").symlink_to("/proc/self")
            run(f"mount -o remount,bind,ro {patient.license}")
            assert patient.codes() == []
        finally:
            subprocess.run(["umount", str(patient.license)], check=True)


@root_only
def test_a_folder_of_the_container_itself_is_lost_with_it() -> None:
    with a_patient() as patient:
        (patient.root / "proc/self").mkdir(parents=True)
        line = "27 1 254:0 / / rw - overlay overlay rw\n"
        (patient.root / "proc/self/mountinfo").write_text(line)
        assert patient.codes() == ["folder-not-mounted"] * 2
        (patient.root / "proc/self/mountinfo").write_text(
            line + "".join(f"1 27 0:1 / {path} rw - ext4 d rw\n" for path in (patient.license, patient.output))
        )
        assert patient.codes() == []
