"""The rights of a user, really tried: files opened, folders listed, entered and written into, as that user.

Root does it in a child process that gives up root for good, does nothing but system calls, and answers through a pipe.
What is tried changes nothing: no byte is written, and the file made in a folder is removed at once.
"""

import contextlib
import os
import warnings
from collections.abc import Sequence
from itertools import accumulate

from licensing.doctor.access import ENTER, READ, WRITE
from licensing.doctor.identity import Identity
from licensing.doctor.tree import Tree, TreeEntry

_Work = list[tuple[int, TreeEntry]]
_OPEN = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


def try_access(trees: Sequence[Tree], identity: Identity) -> list[bytes] | None:
    """For each tree, and each of its entries, what the user can do, as one byte.

    None where this process cannot become that user. Only regular files and folders are tried: opening a pipe or a
    device could do something.
    """
    own = Identity.own()
    if own.uid != 0 and own != identity:
        return None
    roots: list[int] = []
    try:
        for tree in trees:
            roots.append(os.open(tree.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        work = [(root, entry) for root, tree in zip(roots, trees, strict=True) for entry in tree.entries]
        answer = _in_a_child(work, identity) if own.uid == 0 else _try_all(work)
    except OSError:
        return None
    finally:
        for root in roots:
            os.close(root)
    if len(answer) != len(work):
        return None
    starts = accumulate((len(tree.entries) for tree in trees), initial=0)
    return [answer[start : start + len(tree.entries)] for start, tree in zip(starts, trees, strict=False)]


def _in_a_child(work: _Work, identity: Identity) -> bytes:
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child starts none
        child = os.fork()
    if child == 0:
        _answer_as(identity, work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


def _answer_as(identity: Identity, work: _Work, writer: int) -> None:
    """The child's whole life. It never returns."""
    try:
        os.setgroups(sorted(identity.groups))
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
        answer = _try_all(work)
        while answer:
            answer = answer[os.write(writer, answer) :]
    finally:
        os._exit(0)


def _try_all(work: _Work) -> bytes:
    return bytes(_try(root, entry) for root, entry in work)


def _try(root: int, entry: TreeEntry) -> int:
    if entry.is_folder:
        return _try_folder(root, entry.path)
    if not entry.is_file:
        return 0
    if entry.rights == READ | WRITE and _opens(root, entry.path, os.O_RDWR):
        return READ | WRITE
    found = READ if _opens(root, entry.path, os.O_RDONLY) else 0
    return found | (WRITE if _opens(root, entry.path, os.O_WRONLY) else 0)


def _opens(root: int, path: str, flags: int) -> bool:
    try:
        os.close(os.open(path, flags | _OPEN, dir_fd=root))
    except OSError:
        return False
    return True


def _try_folder(root: int, path: str) -> int:
    found = READ if _opens(root, path, os.O_RDONLY | os.O_DIRECTORY) else 0
    with contextlib.suppress(OSError):
        os.stat(f"{path}/.", dir_fd=root, follow_symlinks=False)
        found |= ENTER
    name = f"{path}/.azlic-doctor-{os.getpid()}-{os.urandom(4).hex()}"
    with contextlib.suppress(OSError):
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o600, dir_fd=root))
        found |= WRITE
        os.unlink(name, dir_fd=root)
    return found
