"""Shifted user ids: userns-remap, rootless engines."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.doctor.identity import Identity
from licensing.doctor.namespaces import SubRange, find_userns_remap, parse_ranges, shift
from tests.licensing.another_user import root_only
from tests.licensing.doctor.patient import NONROOT, a_patient, run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/docker").mkdir(parents=True)
    return tmp_path


def ranges(root: Path, text: str) -> None:
    for name in ("subuid", "subgid"):
        (root / "etc" / name).write_text(text)


def remap(root: Path, value: object) -> None:
    (root / "etc/docker/daemon.json").write_text(json.dumps({"userns-remap": value}))


def found(root: Path, *, owners: tuple[tuple[int, int], ...] = (), home: Path | None = None) -> Identity:
    return shift(NONROOT, owners=owners, home=home, user="op", root=root).identity


def test_nothing_is_shifted_where_nothing_says_so(root: Path) -> None:
    ranges(root, "op:100000:65536\n")
    assert found(root) == NONROOT
    assert found(root / "nowhere") == NONROOT


@pytest.mark.parametrize(("value", "base"), [("default", 100_000), ("op", 200_000), ("op:staff", 200_000)])
def test_userns_remap_counts_from_the_start_of_its_range(root: Path, value: str, base: int) -> None:
    ranges(root, "dockremap:100000:65536\nop:200000:65536\n")
    remap(root, value)
    assert found(root) == Identity(base + 65532, base + 65532)


def test_ranges_of_one_user_are_laid_end_to_end(root: Path) -> None:
    ranges(root, "dockremap:100000:65000\nother:1:9\ndockremap:300000:65536\n")
    remap(root, "default")
    assert found(root)[:2] == (300_532, 300_532)


def test_a_rootless_engine_maps_its_root_to_its_user_and_counts_from_one(root: Path) -> None:
    ranges(root, "op:100000:65536\n")
    (root / "home/.local/share/containers").mkdir(parents=True)
    assert found(root, home=root / "home")[:2] == (165_531, 165_531)
    assert found(root, home=root / "elsewhere") == NONROOT


def test_folders_that_belong_to_somebodys_shifted_nonroot_show_that_it_is_meant(root: Path) -> None:
    ranges(root, "op:100000:65536\nsue:200000:65536\n")
    assert found(root, owners=((0, 0), (265_531, 265_531)))[:2] == (265_531, 265_531)
    assert found(root, owners=((265_532, 265_531),)) == NONROOT


def test_inside_a_namespace_ids_are_as_they_are_seen(root: Path) -> None:
    ranges(root, "dockremap:100000:65536\n")
    remap(root, "default")
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/uid_map").write_text("         0     100000      65536\n")
    assert found(root) == NONROOT
    (root / "proc/self/uid_map").write_text("         0          0 4294967295\n")
    assert found(root)[:2] == (165_532, 165_532)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"userns-remap": 5}', '{"userns-remap": ""}', "[" * 100_000])
def test_a_daemon_file_that_says_nothing_of_it_is_passed_over(root: Path, content: str) -> None:
    (root / "etc/docker/daemon.json").write_text(content)
    assert find_userns_remap(root) is None


@given(st.text(alphabet="op:0123456789 \n#-", max_size=60))
def test_no_text_breaks_the_reader_of_ranges(text: str) -> None:
    for entry in parse_ranges(text):
        assert entry.owner and entry.start >= 0 and entry.size >= 0


def test_lines_that_are_none_are_passed_over() -> None:
    long = 5000 * "9"
    assert parse_ranges(f"# ranges\n\nop:1\nop:x:2\nop:1:2:3\nop:{long}:2\nop:1:2\n") == [SubRange("op", 1, 2)]


def test_a_name_that_could_be_a_command_gives_none(root: Path) -> None:
    remap(root, "x; reboot")
    (finding,) = shift(NONROOT, owners=(), home=None, user="", root=root).findings
    assert finding.code == "subids-missing" and finding.command is None and finding.do


@root_only
def test_the_shifted_chown_is_printed_and_gives_access_to_the_shifted_user() -> None:
    with a_patient() as patient:
        (patient.root / "etc/docker").mkdir(parents=True)
        remap(patient.root, "default")
        ranges(patient.root, "dockremap:100000:65536\n")
        found = patient.examine()
        assert "165532:165532 here, by userns-remap" in found.facts["User"]
        commands = [finding.command for finding in found.findings if finding.code == "access"]
        assert len(commands) == 2 and all(
            "chown -hR 165532:165532 " in (c or "") or "chown -h " in (c or "") for c in commands
        )
        for command in commands:
            run(command)
        assert "access" not in patient.codes()
        assert os.stat(patient.output).st_uid == 165_532  # noqa: PTH116


@root_only
def test_numbers_that_were_stated_are_not_shifted() -> None:
    with a_patient() as patient:
        (patient.root / "etc/docker").mkdir(parents=True)
        remap(patient.root, "default")
        ranges(patient.root, "dockremap:100000:65536\n")
        assert patient.examine(stated=True).findings == ()
