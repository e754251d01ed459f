"""What can be wrong in a license folder beside access: names, a second license, write bits, and the license itself.

Source: facts §1.1 (the file's name; it is a key), §1.3 (a folder for each container; mounted :ro in the field).
"""

import stat
from collections.abc import Iterable
from pathlib import Path

from licensing.core.instants import iso
from licensing.core.text import command_word, printable
from licensing.doctor.access import WRITE
from licensing.doctor.finding import DoctorFinding
from licensing.doctor.identity import Identity
from licensing.doctor.survey import Survey, aim
from licensing.doctor.tree import FEW, Tree, TreeEntry
from licensing.verdict.verdict import Cause, Status, Verdict
from licensing.verification.adopted import BY_OPERATOR
from licensing.verification.mounts import LICENSE_NAME


def name_findings(tree: Tree) -> Iterable[DoctorFinding]:
    """A license under another name, or a second one beside the first."""
    top = [entry for entry in tree.entries if "/" not in entry.path and not entry.is_folder]
    others = sorted(entry for entry in top if entry.path != LICENSE_NAME and _looks_like_one(entry.path))
    named = any(entry.path == LICENSE_NAME for entry in tree.entries)
    if others:
        yield (_second if named else _name_finding)(tree, others)


def _second(tree: Tree, others: list[TreeEntry]) -> DoctorFinding:
    apart = command_word(f"{tree.folder.rstrip('/')}-other")
    moved = " ".join(command_word(tree.at(entry)) for entry in others)
    return DoctorFinding(
        "license-two",
        tree.folder,
        f"beside {LICENSE_NAME} there is {', '.join(printable(entry.path) for entry in others[:FEW])}",
        f"mkdir -p -m 0750 {apart} && mv -n {moved} {apart}/",
        affected=len(others),
        names=tree.names(others),
    )


def _name_finding(tree: Tree, others: list[TreeEntry]) -> DoctorFinding:
    one, right = len(others) == 1, command_word(f"{tree.folder.rstrip('/')}/{LICENSE_NAME}")
    return DoctorFinding(
        "license-name",
        tree.folder,
        f"there is no {LICENSE_NAME} in it, but {', '.join(printable(entry.path) for entry in others[:FEW])}",
        f"mv -n {command_word(tree.at(others[0]))} {right}" if one else None,
        do="" if one else f"rename the license of this container to {LICENSE_NAME}, move the others away",
        affected=len(others),
        names=tree.names(others),
    )


def _looks_like_one(name: str) -> bool:
    lowered = name.lower()
    return not name.startswith(".") and ("license" in lowered or "licence" in lowered or lowered.endswith(".dat"))


def writable_findings(looked: Survey, identity: Identity) -> Iterable[DoctorFinding]:
    """A license that its own container could replace."""
    if identity.uid == 0:
        return
    open_ = [
        entry
        for entry, found in looked.rights()
        if found & WRITE and (entry.path == "." or (entry.path == LICENSE_NAME and entry.is_file))
    ]
    if open_:
        yield DoctorFinding(
            "license-writable",
            looked.folder,
            f"user {identity} may write to the license folder",
            f"chmod a-w {' '.join(command_word(looked.tree.at(entry)) for entry in open_)}",
            affected=len(open_),
            names=looked.tree.names(open_),
        )


def key_findings(tree: Tree, identity: Identity) -> Iterable[DoctorFinding]:
    """Files of the license folder that every user of this machine can read; each is a key, or kept as one."""
    keys = [entry for entry in tree.entries if entry.mode & stat.S_IROTH and entry.is_file]
    if not keys or not _open_to_all(tree.folder):
        return
    folders = {entry.path: entry for entry in tree.entries if entry.is_folder}
    keys = [entry for entry in keys if _everyone_enters(entry.path, folders)]
    if keys:
        yield DoctorFinding(
            "key-world-readable",
            tree.folder,
            f"every user of this machine can read {', '.join(tree.names(keys))}",
            _closing(keys, tree, identity),
            affected=len(keys),
            names=tree.names(keys),
        )


def _closing(keys: list[TreeEntry], tree: Tree, identity: Identity) -> str:
    """A command that closes the files to others, and leaves them open to the container's user."""
    flag, where = aim(tree, keys)
    chmod = f"chmod {'-R ' if flag else ''}"
    if all(_stays_readable(entry, identity) for entry in keys):
        return f"{chmod}o-rwx {where}"
    whose = "u" if identity.by_group is None else "g"
    return f"{identity.give(flag, where)} && {chmod}{whose}+rX,o-rwx {where}"


def _stays_readable(entry: TreeEntry, identity: Identity) -> bool:
    by_owner = entry.uid == identity.uid and entry.mode & stat.S_IRUSR
    by_group = identity.is_in(entry.gid) and entry.mode & stat.S_IRGRP
    return bool(by_owner or by_group)


def _everyone_enters(path: str, folders: dict[str, TreeEntry]) -> bool:
    above = path
    while "/" in above:
        above = above.rpartition("/")[0]
        if above in folders and not folders[above].mode & stat.S_IXOTH:
            return False
    return True


def _open_to_all(folder: str) -> bool:
    """Whether any user of this machine gets as far as into the folder."""
    path = Path(folder).resolve()
    return all(above.stat().st_mode & stat.S_IXOTH for above in (path, *path.parents))


def verdict_findings(verdict: Verdict, *, renamed: bool, container: str | None = None) -> Iterable[DoctorFinding]:
    """What the license itself permits. ``renamed``: one under another name was reported already.

    ``container`` is the one that was asked about: without it, ``azlic verify`` would find the license of another good.
    """
    place = str(verdict.path)
    if verdict.status is Status.MISSING and renamed:
        return
    if verdict.cause is Cause.ADOPTED_CHANGED:
        yield DoctorFinding(
            "license-changed",
            place,
            printable(verdict.detail),
            do="if it was renewed, adopt it again with azlic adopt; if not, restore the file that was adopted",
        )
    elif verdict.status in {Status.MALFORMED, Status.OPAQUE}:
        known = verdict.warnings[0] if verdict.warnings else "nobody has stated its end yet: azlic adopt"
        yield DoctorFinding(
            "license-opaque",
            place,
            "azlic cannot read it: it belongs to a Microsoft container, or is damaged"
            f" ({printable(verdict.detail)}); {printable(known)}",
            do="state its end with azlic adopt; if it is a license of ours, download it again",
        )
    elif not verdict.may_run:
        told = f"the license is {verdict.status}: {printable(verdict.detail)}"
        asked = f"azlic verify {command_word(place)}"
        if container:
            asked += f" --container {command_word(container)}"
        yield DoctorFinding("license-refused", place, told, do=f"{asked} says what to do")
    elif verdict.status is not Status.VALID and verdict.expires_at is not None:
        ends = f"{iso(verdict.expires_at)}{f', {BY_OPERATOR}' if verdict.stated else ''}"
        get = "download a new license" if verdict.stated else "run azlic download"
        then = "it here, then: azlic adopt" if verdict.stated else "license.dat here"
        yield DoctorFinding(
            "license-ending",
            place,
            f"the license is {verdict.status}: it ends at {ends}",
            do=f"{get} on a connected machine, carry {then}",
        )
