import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from licensing.core.errors import AzlicError
from licensing.core.files import FileTooLarge, read_capped, write_whole
from tests.licensing.another_user import UID, as_another_user, reachable_folder, root_only


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"new")
    assert read_capped(tmp_path / "file", 3) == b"new"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_mode_is_the_one_asked_for_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "file", b"new", mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_the_old_file_gives_way_whole(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"the old content, longer")
    with file.open("rb") as reader:
        write_whole(file, b"new")
        assert reader.read() == b"the old content, longer"
    assert file.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208


@root_only
def test_root_leaves_the_file_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, UID, UID + 1)
    write_whole(tmp_path / "file", b"new")
    found = (tmp_path / "file").stat()
    assert (found.st_uid, found.st_gid) == (UID, UID + 1)


@root_only
def test_a_read_only_folder_keeps_the_old_file_and_nothing_else() -> None:
    with reachable_folder() as folder:
        file = folder / "license.dat"
        file.write_bytes(b"old")
        folder.chmod(0o555)
        answer = as_another_user(lambda: write_whole(file, b"new"))
        assert answer.startswith(f"AzlicError: {file} could not be written: Permission denied")
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"license.dat": b"old"}


def test_a_rename_that_fails_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "license.dat").mkdir()
    with pytest.raises(AzlicError, match="could not be written: Is a directory") as refused:
        write_whole(tmp_path / "license.dat", b"new")
    assert "what was there is unchanged" in refused.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["license.dat"]


def test_a_missing_folder_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match="No such file") as refused:
        write_whole(tmp_path / "nowhere" / "file", b"new")
    assert f"check that {tmp_path / 'nowhere'} exists" in refused.value.hint


def test_what_a_killed_process_left_does_not_stand_in_the_way(tmp_path: Path) -> None:
    (tmp_path / f".file.{os.getpid()}.tmp").write_bytes(b"half")
    write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_many_threads_may_write_the_same_file(tmp_path: Path) -> None:
    file, failed = tmp_path / "file", []

    def write(content: bytes) -> None:
        try:
            for _ in range(20):
                write_whole(file, content)
        except AzlicError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(bytes([n]) * 1000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(set(file.read_bytes())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_of_the_very_limit_is_read_and_one_byte_more_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(65))
    assert len(read_capped(tmp_path / "file", 65)) == 65
    with pytest.raises(FileTooLarge, match="larger than 64 bytes"):
        read_capped(tmp_path / "file", 64)


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    assert read_capped(tmp_path / "link", 1) == b"x"


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, make_socket, Path], ids=["named pipe", "folder", "socket", "nothing"]
)
def test_what_is_no_regular_file_is_refused_at_once_and_closed(
    tmp_path: Path, make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(make)
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    make(Path("it"))
    before = open_descriptors()
    with pytest.raises(OSError):
        read_capped(Path("it"), 10)
    assert open_descriptors() == before
