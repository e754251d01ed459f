"""The rights of a user, really tried: files opened, folders listed, entered and written into, as that user.

Root does it in a child process that gives up root for good, does nothing but system calls, and answers through a pipe.
What is tried changes nothing: no byte is written, and the file made in a folder is removed at once.
"""

import contextlib
import os
import warnings
from collections.abc import Sequence

from licensing.doctor.access import ENTER, READ, WRITE
from licensing.doctor.identity import Identity
from licensing.doctor.tree import Entry, Tree

_OPEN = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


def tried(tree: Tree, identity: Identity) -> bytes | None:
    """For each entry of a tree what the user can do, as one byte; None where this process cannot become that user.

    Only regular files and folders are tried: opening a pipe or a device could do something.
    """
    own = Identity.own()
    try:
        root = os.open(tree.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if own.uid != 0:
            return _try_all(root, tree.entries) if own == identity else None
        return _in_a_child(root, tree.entries, identity)
    finally:
        os.close(root)


def _in_a_child(root: int, entries: Sequence[Entry], identity: Identity) -> bytes | None:
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child starts none
        child = os.fork()
    if child == 0:
        _answer_as(identity, root, entries, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer if len(answer) == len(entries) else None


def _answer_as(identity: Identity, root: int, entries: Sequence[Entry], writer: int) -> None:
    """The child's whole life. It never returns."""
    try:
        os.setgroups(sorted(identity.groups))
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
        answer = _try_all(root, entries)
        while answer:
            answer = answer[os.write(writer, answer) :]
    finally:
        os._exit(0)


def _try_all(root: int, entries: Sequence[Entry]) -> bytes:
    return bytes(_try(root, entry) for entry in entries)


def _try(root: int, entry: Entry) -> int:
    if entry.is_folder:
        return _try_folder(root, entry.path)
    if not entry.is_file:
        return 0
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
