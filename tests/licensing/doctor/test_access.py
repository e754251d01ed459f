"""What the doctor says about access, held against what a real user of those numbers can do."""

import os
import stat
import struct
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.doctor.access import parse_acl, permits
from licensing.doctor.identity import Identity
from licensing.doctor.tree import Tree, walk
from licensing.doctor.trial import try_access
from tests.licensing.another_user import UID, as_another_user, reachable_folder, root_only
from tests.licensing.doctor.acls import an_acl, packed, set_acl

NONROOT = Identity(UID, UID)
OWNERS = (0, UID, 1000)
MODES = (0o000, 0o007, 0o070, 0o700, 0o444, 0o222, 0o111, 0o640, 0o750, 0o705, 0o604, 0o462, 0o777)
ACLS = {
    "a named user who may": an_acl(0o700, users={UID: 7}),
    "a named user who may read": an_acl(0o770, users={UID: 5}),
    "a named user whom the mask stops": an_acl(0o700, users={UID: 7}, mask=4),
    "a named user with nothing, though others may": an_acl(0o777, users={UID: 0}),
    "another named user": an_acl(0o705, users={1000: 7}),
    "a named group that may": an_acl(0o700, groups={UID: 7}),
    "a named group whom the mask stops": an_acl(0o707, groups={UID: 7}, mask=0),
    "a named group that the mask lets read": an_acl(0o700, groups={UID: 7}, mask=4),
    "two halves that do not add up": an_acl(0o720, groups={UID: 1}),
    "a group with nothing, though others may": an_acl(0o707, groups={UID: 0}),
    "another named group": an_acl(0o706, groups={1000: 7}),
}


def matrix(folder: Path) -> int:
    """Files and folders of every owner, group, mode and ACL below a folder; how many."""
    cases: list[tuple[int, int, int, str]] = [(*case, "") for case in product(OWNERS, OWNERS, MODES)]
    cases += [(owner, group, 0, acl) for owner, group, acl in product(OWNERS, (0, UID), ACLS)]
    for number, (owner, group, mode, acl) in enumerate(cases):
        file, inner = folder / f"file-{number}", folder / f"folder-{number}"
        file.write_text("content")
        inner.mkdir()
        (inner / "inside").write_text("content")
        (inner / "inside").chmod(0o666)
        for path in (file, inner):
            os.chown(path, owner, group)
            path.chmod(mode)
            if acl:
                set_acl(path, ACLS[acl])
    return len(cases) * 3


@pytest.fixture(scope="module")
def tree() -> Iterator[Tree]:
    with reachable_folder() as folder:
        try:
            count = matrix(folder)
        except OSError as error:
            pytest.skip(f"the temporary folder's file system has no ACLs: {error}")
        tree = walk(str(folder), NONROOT)
        assert len(tree.entries) == count + 1 >= 200
        yield tree


def tried_alone(tree: Tree, identity: Identity) -> bytes | None:
    found = try_access([tree], identity)
    return found[0] if found else None


def really(tree: Tree) -> list[int]:
    """What a real process of that user can do with each entry: by whole paths, in a child of the test's own."""

    def look() -> str:
        return "".join(str(_can(Path(tree.at(entry)), folder=entry.is_folder)) for entry in tree.entries)

    return [int(digit) for digit in as_another_user(look)]


def _can(path: Path, *, folder: bool) -> int:
    found = 0
    for bit, action in ((4, _list if folder else _read), (2, _make if folder else _write), (1, _enter)):
        try:
            if bit != 1 or folder:
                action(path)
                found |= bit
        except PermissionError:
            pass
    return found


def _list(path: Path) -> None:
    list(path.iterdir())


def _read(path: Path) -> None:
    assert path.read_text() == "content"


def _write(path: Path) -> None:
    path.open("ab").close()


def _make(path: Path) -> None:
    (path / "made").touch(exist_ok=False)
    (path / "made").unlink()


def _enter(path: Path) -> None:
    (path / ".").stat()
    os.chdir(path)
    os.chdir("/")


@root_only
def test_what_is_computed_is_what_a_real_user_can_do(tree: Tree) -> None:
    differ = [
        (tree.at(entry), oct(entry.mode), entry.uid, entry.gid, entry.rights, found)
        for entry, found in zip(tree.entries, really(tree), strict=True)
        if entry.rights != found
    ]
    assert not differ


@root_only
def test_what_is_tried_is_what_a_real_user_can_do(tree: Tree) -> None:
    found = tried_alone(tree, NONROOT)
    assert found is not None
    assert list(found) == really(tree)


@root_only
def test_several_trees_are_tried_in_one_go_and_told_apart(tree: Tree) -> None:
    with reachable_folder() as folder:
        small = walk(str(folder), NONROOT)
        found = try_access([small, tree, small], NONROOT)
    alone = tried_alone(tree, NONROOT)
    assert found == [b"\x05", alone, b"\x05"]


def test_a_folder_that_is_gone_by_now_cannot_be_tried(tmp_path: Path) -> None:
    tree = walk(str(tmp_path), Identity.own())
    tmp_path.rmdir()
    assert tried_alone(tree, Identity.own()) is None


@root_only
def test_every_kind_of_answer_comes_up_in_the_matrix(tree: Tree) -> None:
    assert {entry.rights for entry in tree.entries if entry.is_folder} >= {0, 1, 4, 5, 7}
    assert {entry.rights for entry in tree.entries if entry.is_file} == {0, 2, 4, 6}


@root_only
def test_trying_leaves_nothing_behind_and_writes_nothing(tree: Tree) -> None:
    def state() -> dict[str, tuple[int, int]]:
        files = [path for path in Path(tree.folder).rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}

    before = state()
    tried_alone(tree, NONROOT)
    assert state() == before


@root_only
def test_root_in_the_container_may_do_everything(tree: Tree) -> None:
    as_root = walk(tree.folder, Identity(0, 0))
    found = tried_alone(as_root, Identity(0, 0))
    assert found is not None
    assert list(found) == [entry.rights for entry in as_root.entries]


@root_only
def test_a_user_who_is_not_root_tries_as_itself_and_agrees(tree: Tree) -> None:
    def look() -> str:
        own = walk(tree.folder, Identity.own())
        found = tried_alone(own, Identity.own())
        assert found is not None
        differ = [entry for entry, bits in zip(own.entries, found, strict=True) if entry.rights != bits]
        return f"{len(own.entries)} {differ}"

    count, _, differ = as_another_user(look).partition(" ")
    assert int(count) >= 200 and differ == "[]"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_the_own_user_agrees_with_itself(tmp_path: Path) -> None:
    for mode in range(0o1000):
        path = tmp_path / f"{mode:o}"
        path.touch()
        path.chmod(mode)
    own = walk(str(tmp_path), Identity.own())
    found = tried_alone(own, Identity.own())
    assert found is not None
    assert list(found) == [entry.rights for entry in own.entries]


@root_only
def test_another_user_than_the_own_cannot_be_tried_without_root(tree: Tree) -> None:
    assert as_another_user(lambda: tried_alone(tree, Identity(1000, 1000))) == "None"


@root_only
def test_pipes_sockets_and_devices_are_never_opened() -> None:
    with reachable_folder() as folder:
        os.mkfifo(folder / "pipe", 0o666)
        os.mknod(folder / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        (folder / "link").symlink_to("pipe")
        tree = walk(str(folder), NONROOT)
        found = tried_alone(tree, NONROOT)
    assert found is not None
    assert [bits for entry, bits in zip(tree.entries, found, strict=True) if not entry.is_folder] == [0, 0, 0]


def test_supplementary_groups_count(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(0o060)
    status = file.stat()
    stranger = Identity(status.st_uid + 1, status.st_gid + 1)
    assert not permits(status, None, stranger, 4)
    assert permits(status, None, stranger._replace(groups=frozenset({status.st_gid})), 4)


def test_an_acl_does_not_count_where_its_mask_is_empty() -> None:
    """As Linux has it, whatever the manual says; the matrix shows it on the real thing."""
    acl = parse_acl(an_acl(0o707, users={UID: 0}, mask=0))
    status = os.stat_result((0o100707, 0, 0, 0, 7, 8, 0, 0, 0, 0))
    assert permits(status, acl, NONROOT, 6)


def test_a_read_only_mount_takes_writing_away_from_everybody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tree = walk(str(tmp_path), Identity(0, 0), read_only=True)
    assert sorted(entry.rights for entry in tree.entries) == [4, 5]


@pytest.mark.parametrize("content", [b"", b"\2\0\0\0\1", struct.pack("<I", 3), packed((1, 7, 0))[:-1]])
def test_bytes_that_are_no_acl_are_none(content: bytes) -> None:
    assert parse_acl(content) is None


@given(st.binary(max_size=64))
def test_no_bytes_break_the_acl_reader(content: bytes) -> None:
    acl = parse_acl(struct.pack("<I", 2) + content)
    status = os.stat_result((0o100640, 0, 0, 0, 7, 8, 0, 0, 0, 0))
    assert permits(status, acl, NONROOT, 4) in {True, False}
