"""One mount, examined: everything in it, and what the container's user can really do with each."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from licensing.core.text import command_word, printable
from licensing.doctor.finding import DoctorFinding
from licensing.doctor.identity import Identity
from licensing.doctor.mounts import MountPoint
from licensing.doctor.tree import FEW, Tree, TreeEntry


class Survey(NamedTuple):
    """A mount's tree, the rights that were found by trying (None: could not be tried), and what it lies on."""

    tree: Tree
    found: bytes | None
    mount: MountPoint | None

    @property
    def folder(self) -> str:
        """The mount's folder."""
        return self.tree.folder

    @property
    def read_only(self) -> bool:
        """Whether nobody can write there."""
        return self.mount is not None and self.mount.read_only

    def rights(self) -> Iterable[tuple[TreeEntry, int]]:
        """Each entry with what the user can do: as tried, or as computed where it could not be tried."""
        if self.found is None:
            return ((entry, entry.rights) for entry in self.tree.entries)
        return zip(self.tree.entries, self.found, strict=True)


def missing_folder(folder: str, identity: Identity) -> DoctorFinding:
    """There is nothing at the folder's path."""
    command = identity.make_folder(command_word(folder))
    return DoctorFinding("folder-missing", folder, "there is no such folder", command)


def no_folder(folder: str, identity: Identity) -> DoctorFinding:
    """Something else is at the folder's path. It is moved aside, under a name that is free."""
    number = 1
    while os.path.lexists(aside := f"{folder}.was{number}"):
        number += 1
    word = command_word(folder)
    command = f"mv {word} {command_word(aside)} && {identity.make_folder(word)}"
    leads = ", but a broken link or a link to something else" if Path(folder).is_symlink() else ""
    return DoctorFinding("folder-is-none", folder, f"it is not a folder{leads}", command)


def unreadable_findings(looked: Tree) -> Iterable[DoctorFinding]:
    """What this process may not look into, so that nothing can be said about it."""
    if looked.closed:
        paths = [path for path, _ in looked.closed]
        yield DoctorFinding(
            "folder-closed",
            looked.folder,
            f"{printable(paths[0])} cannot be examined by user {os.geteuid()}: {looked.closed[0][1]}",
            do="run azlic doctor as root",
            affected=len(paths),
            names=tuple(map(printable, paths[:FEW])),
        )


def access_findings(
    looked: Survey, identity: Identity, *, folder_needs: int, file_needs: int
) -> Iterable[DoctorFinding]:
    """What the user needs and does not have, and the owners that differ although it has.

    What mode bits and ACLs deny can be fixed with them; what they allow and the system still refuses cannot.
    """
    denied: list[TreeEntry] = []
    refused: list[TreeEntry] = []
    strangers: list[TreeEntry] = []
    for entry, found in looked.rights():
        needed = folder_needs if entry.is_folder else file_needs if entry.is_file else 0
        if needed & ~entry.rights:
            denied.append(entry)
        elif needed & ~found:
            refused.append(entry)
        elif not identity.is_right_owner(entry.uid, entry.gid):
            strangers.append(entry)
    if denied:
        yield _access_finding(looked.tree, denied, identity, "rwX" if folder_needs & 2 else "rX")
    if refused:
        yield _trial_finding(looked.tree, refused, identity)
    if strangers := [entry for entry in strangers if folder_needs & 2 or not _root_owns(entry, identity)]:
        yield _strangers(looked.tree, strangers, identity)


def _root_owns(entry: TreeEntry, identity: Identity) -> bool:
    """Root may own what is only read, as long as the user gets at it by its group: that is tighter than asked for."""
    return entry.uid == 0 and (identity.is_in(entry.gid) or entry.is_link)


def _access_finding(tree: Tree, denied: Sequence[TreeEntry], identity: Identity, bits: str) -> DoctorFinding:
    flag, where = aim(tree, denied)
    steps = []
    if any(not identity.is_right_owner(entry.uid, entry.gid) for entry in denied):
        steps.append(identity.give(flag, where))
    shift, whose = (6, "u") if identity.by_group is None else (3, "g")
    if any(not _may(entry, bits, shift) for entry in denied):
        steps.append(f"chmod {'-R ' if flag else ''}{whose}+{bits} {where}")
    verb = "read or written" if "w" in bits else "read"
    return DoctorFinding(
        "access",
        tree.folder,
        f"{_files_text(len(denied))} cannot be {verb} by user {identity}",
        " && ".join(steps),
        affected=len(denied),
        names=tree.names(denied),
    )


def aim(tree: Tree, entries: Sequence[TreeEntry]) -> tuple[str, str]:
    """What a command names: a few entries, or the whole folder with the flag for that.

    Entries further down are never named: who may write there could put a link in the place of a folder on the way,
    and have root change what is behind it. Going down by itself, chown -hR does not fall for that.
    """
    if len(entries) <= FEW and not any("/" in entry.path for entry in entries):
        return "", " ".join(command_word(tree.at(entry)) for entry in entries)
    return "R", command_word(tree.folder)


def _may(entry: TreeEntry, bits: str, shift: int) -> bool:
    wanted = (4 if "r" in bits else 0) | (2 if "w" in bits else 0) | (1 if entry.is_folder else 0)
    return entry.mode >> shift & wanted == wanted


def _trial_finding(tree: Tree, refused: Sequence[TreeEntry], identity: Identity) -> DoctorFinding:
    return DoctorFinding(
        "access-refused",
        tree.folder,
        f"the system refuses {_files_text(len(refused))} to user {identity}, although owner, mode and ACL allow it",
        do="look for an immutable attribute (lsattr), SELinux or AppArmor, or an NFS server that maps users",
        affected=len(refused),
        names=tree.names(refused),
    )


def _strangers(tree: Tree, strangers: Sequence[TreeEntry], identity: Identity) -> DoctorFinding:
    flag, where = aim(tree, strangers)
    owners = sorted({f"{entry.uid}:{entry.gid}" for entry in strangers})
    return DoctorFinding(
        "owner",
        tree.folder,
        f"{_files_text(len(strangers))} belong to {', '.join(owners[:3])}{' ...' if len(owners) > 3 else ''},"
        f" not to {identity if identity.by_group is None else f'group {identity.by_group}'}",
        identity.give(flag, where),
        affected=len(strangers),
        names=tree.names(strangers),
    )


def _files_text(count: int) -> str:
    return "1 file or folder" if count == 1 else f"{count:,} files and folders"
