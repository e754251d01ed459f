"""Everything in a mount, looked at once: what it is, whose, and what the container's user may do with it.

Paths are relative to the mount, and so are the rights: a container enters at the mount and never passes the folders
above it. Nothing is opened but folders, and no link is followed.
"""

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from licensing.core.text import printable
from licensing.doctor.access import ENTER, WRITE, Acl, read_acl, rights
from licensing.doctor.identity import Identity

FEW = 3
"""So many of many files are named."""


class TreeEntry(NamedTuple):
    """One file, folder or link. ``rights`` are the computed ones of the user; 0 behind a folder it cannot enter."""

    path: str
    mode: int
    uid: int
    gid: int
    modified: float
    rights: int

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)


class Tree(NamedTuple):
    """A mount's entries, the mount itself first as ``.``; ``closed`` are folders this process may not look into."""

    folder: str
    entries: list[TreeEntry]
    closed: list[tuple[str, str]]

    def at(self, entry: TreeEntry) -> str:
        """The whole path of an entry."""
        return self.folder if entry.path == "." else f"{self.folder.rstrip('/')}/{entry.path}"

    def names(self, entries: Sequence[TreeEntry]) -> tuple[str, ...]:
        """The paths of the first few of many entries, fit for a terminal."""
        return tuple(printable(self.at(entry)) for entry in entries[:FEW])


def walk(folder: str, identity: Identity, *, read_only: bool = False) -> Tree:
    """Look at everything in a folder. ``read_only`` says that its file system takes no writing from anybody.

    Raises ``OSError`` when the folder itself cannot be looked at.
    """
    taken_away = WRITE if read_only else 0
    tree = Tree(folder, [], [])
    root = os.stat(folder)  # noqa: PTH116 - Path objects would cost half of the time
    entry = _entry(".", folder, root, identity, taken_away, reachable=True)
    tree.entries.append(entry)
    waiting = [(".", folder, bool(entry.rights & ENTER))]
    while waiting:
        relative, path, reachable = waiting.pop()
        prefix = "" if relative == "." else f"{relative}/"
        try:
            names = os.scandir(path)
        except OSError as error:
            tree.closed.append((path, error.strerror or str(error)))
            continue
        with names:
            for name in names:
                try:
                    status = name.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # removed while we walked
                except OSError as error:
                    tree.closed.append((name.path, error.strerror or str(error)))
                    continue
                entry = _entry(prefix + name.name, name.path, status, identity, taken_away, reachable=reachable)
                tree.entries.append(entry)
                if entry.is_folder:
                    waiting.append((entry.path, name.path, bool(entry.rights & ENTER)))
    return tree


def _entry(
    relative: str, path: str, status: os.stat_result, identity: Identity, taken_away: int, *, reachable: bool
) -> TreeEntry:
    allowed = 0
    if reachable and not stat.S_ISLNK(status.st_mode):
        matters = status.st_uid != identity.uid and status.st_mode & stat.S_IRWXG
        acl: Acl | None = read_acl(path) if matters else None
        allowed = rights(status, acl, identity) & ~taken_away
    return TreeEntry(relative, status.st_mode, status.st_uid, status.st_gid, status.st_mtime, allowed)
