from pathlib import Path

import pytest

from licensing.verification.mounts import Mounts, NoLicense, find_license, find_mounts
from tests.licensing.another_user import as_another_user, reachable_folder, root_only

SEEDS_MESSAGE = (
    "The provided license path was not found. Please ensure a volume is mounted and a directory exists"
    " at the location specified by Mounts:License"
)


def test_the_license_of_a_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "license.dat").write_bytes(b"x")
    assert find_license(tmp_path) == tmp_path / "license.dat"


def test_a_path_to_the_file_itself_is_taken_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "carried.bin").write_bytes(b"x")
    assert find_license(tmp_path / "carried.bin") == tmp_path / "carried.bin"


@pytest.mark.parametrize(
    ("names", "seen"),
    [
        ([], "the folder is empty, license.dat is not in it"),
        (["License.dat"], "license.dat is not in it, only 'License.dat'"),
        (["d", "c", "b", "a"], "license.dat is not in it, only 'a, b, c ...'"),
    ],
    ids=["empty folder", "another spelling", "many others"],
)
def test_a_folder_without_a_license_is_told_in_the_containers_words(
    tmp_path: Path, names: list[str], seen: str
) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(NoLicense) as absent:
        find_license(tmp_path)
    assert str(absent.value) == f"{SEEDS_MESSAGE} ({tmp_path}: {seen})"


def test_a_missing_folder_is_told_in_the_containers_words(tmp_path: Path) -> None:
    with pytest.raises(NoLicense) as absent:
        find_license(tmp_path / "nowhere")
    assert str(absent.value) == f"{SEEDS_MESSAGE} ({tmp_path / 'nowhere'}: there is no such folder)"


def test_a_file_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "\x1b[2J").touch()
    with pytest.raises(NoLicense) as absent:
        find_license(tmp_path)
    assert str(absent.value).isprintable()


def test_something_else_under_the_name_is_for_the_next_step_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "license.dat").mkdir()
    assert find_license(tmp_path) == tmp_path / "license.dat"


def test_a_link_that_leads_nowhere_is_for_the_next_step_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "license.dat").symlink_to(tmp_path / "gone")
    assert find_license(tmp_path) == tmp_path / "license.dat"


def mounts_of(*paths: Path) -> tuple[list[str], list[str], bool]:
    """The names of what was found, of what holds none, and whether it is the one path that was given."""
    found = find_mounts(paths)
    return [path.name for path in found.paths], [path.name for path in found.without], found.alone


def with_licenses(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "license.dat").touch()
    return folder


@pytest.mark.parametrize("name", ["m", "m/license.dat", "m/carried.bin", "nowhere", "empty", "\0", "n" * 5000])
def test_a_path_stands_for_itself(tmp_path: Path, name: str) -> None:
    (with_licenses(tmp_path, "m") / "m/carried.bin").touch()
    (tmp_path / "empty").mkdir()
    assert find_mounts([tmp_path / name]) == Mounts((tmp_path / name,), (), alone=True)


def test_a_folder_without_a_license_stands_for_its_subfolders_that_hold_one(tmp_path: Path) -> None:
    with_licenses(tmp_path, "b", "a")
    (tmp_path / "backup").mkdir()
    (tmp_path / "a-file").touch()
    assert mounts_of(tmp_path) == (["a", "b"], ["backup"], False)


def test_one_subfolder_is_a_list_of_one(tmp_path: Path) -> None:
    assert mounts_of(with_licenses(tmp_path, "a")) == (["a"], [], False)


def test_a_folder_with_a_license_of_its_own_stands_for_nothing_else(tmp_path: Path) -> None:
    with_licenses(tmp_path, "m", "m/inside")
    assert mounts_of(tmp_path / "m") == (["m"], [], True)


def test_only_one_floor_down_is_looked_at(tmp_path: Path) -> None:
    with_licenses(tmp_path, "a/b")
    assert mounts_of(tmp_path) == ([tmp_path.name], [], True)


def test_a_license_that_leads_nowhere_is_a_license_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "license.dat").symlink_to("gone")
    assert mounts_of(tmp_path) == (["a"], [], False)


def test_the_same_mount_is_there_once_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(with_licenses(tmp_path, "a", "b"))
    ways = (Path("a"), tmp_path / "a", Path("b/../a"), Path("a/license.dat"), Path(), Path("b"))
    assert mounts_of(*ways) == (["a", "b"], [], False)
    assert find_mounts(ways).paths[0] == Path("a")


@pytest.mark.parametrize("link", ["a", "z"])
def test_a_mount_and_a_link_to_it_are_one_by_the_way_over_no_link(tmp_path: Path, link: str) -> None:
    (with_licenses(tmp_path, "m", "n") / link).symlink_to("m")
    assert mounts_of(tmp_path) == (["m", "n"], [], False)
    assert mounts_of(tmp_path / link, tmp_path / "m/license.dat") == (["license.dat"], [], False)
    assert mounts_of(tmp_path / link) == ([link], [], True)


def test_a_subfolder_that_is_named_itself_is_not_said_to_be_without(tmp_path: Path) -> None:
    with_licenses(tmp_path, "a")
    (tmp_path / "b").mkdir()
    assert mounts_of(tmp_path, tmp_path / "b") == (["a", "b"], [], False)


@root_only
@pytest.mark.parametrize(
    ("closed", "found"),
    [(["a"], "(['a', 'b'], [], False)"), (["a", "b"], "(['parent'], [], True)")],
    ids=["one of two", "both"],
)
def test_a_closed_subfolder_beside_an_open_one_is_not_passed_over(closed: list[str], found: str) -> None:
    with reachable_folder() as folder:
        with_licenses(folder / "parent", "a", "b")
        for name in closed:
            (folder / "parent" / name).chmod(0)
        assert as_another_user(lambda: mounts_of(folder / "parent")) == found
