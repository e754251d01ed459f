from pathlib import Path

import pytest

from licensing.mount import NoLicense, find_license

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
