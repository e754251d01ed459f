"""What can be wrong in a license folder beside access: names, a second license, write bits, and the license itself.

Source: facts §1.1 (the file's name; it is a key), §1.3 (a folder for each container; mounted :ro in the field).
"""

import stat
from collections.abc import Iterable
from pathlib import Path

from licensing.core.instants import iso
from licensing.doctor.access import WRITE
from licensing.doctor.finding import Finding
from licensing.doctor.identity import Identity
from licensing.doctor.survey import Survey, aim
from licensing.doctor.tree import FEW, Entry, Tree
from licensing.doctor.words import command_word, shown
from licensing.verdict.verdict import Cause, Status, Verdict
from licensing.verification.adopted import BY_OPERATOR
from licensing.verification.mounts import LICENSE_NAME


def name_findings(tree: Tree) -> Iterable[Finding]:
    """A license under another name, or a second one beside the first."""
    top = [entry for entry in tree.entries if "/" not in entry.path and not entry.is_folder]
    others = sorted(entry for entry in top if entry.path != LICENSE_NAME and _looks_like_one(entry.path))
    named = any(entry.path == LICENSE_NAME for entry in tree.entries)
    if others:
        yield (_second if named else _misnamed)(tree, others)


def _second(tree: Tree, others: list[Entry]) -> Finding:
    apart = command_word(f"{tree.folder.rstrip('/')}-other")
    moved = " ".join(command_word(tree.at(entry)) for entry in others)
    return Finding(
        "license-two",
        tree.folder,
        f"beside {LICENSE_NAME} there is {', '.join(shown(entry.path) for entry in others[:FEW])}",
        f"mkdir -p -m 0750 {apart} && mv -n {moved} {apart}/",
        affected=len(others),
        names=tree.names(others),
    )


def _misnamed(tree: Tree, others: list[Entry]) -> Finding:
    one, right = len(others) == 1, command_word(f"{tree.folder.rstrip('/')}/{LICENSE_NAME}")
    return Finding(
        "license-name",
        tree.folder,
        f"there is no {LICENSE_NAME} in it, but {', '.join(shown(entry.path) for entry in others[:FEW])}",
        f"mv -n {command_word(tree.at(others[0]))} {right}" if one else None,
        do="" if one else f"rename the license of this container to {LICENSE_NAME}, move the others away",
        affected=len(others),
        names=tree.names(others),
    )


def _looks_like_one(name: str) -> bool:
    lowered = name.lower()
    return not name.startswith(".") and ("license" in lowered or "licence" in lowered or lowered.endswith(".dat"))


def writable_findings(looked: Survey, identity: Identity) -> Iterable[Finding]:
    """A license that its own container could replace."""
    if identity.uid == 0:
        return
    open_ = [
        entry
        for entry, found in looked.rights()
        if found & WRITE and (entry.path == "." or (entry.path == LICENSE_NAME and entry.is_file))
    ]
    if open_:
        yield Finding(
            "license-writable",
            looked.folder,
            f"user {identity} may write to the license folder",
            f"chmod a-w {' '.join(command_word(looked.tree.at(entry)) for entry in open_)}",
            affected=len(open_),
            names=looked.tree.names(open_),
        )


def key_findings(tree: Tree, identity: Identity) -> Iterable[Finding]:
    """Files of the license folder that every user of this machine can read; each is a key, or kept as one."""
    keys = [entry for entry in tree.entries if entry.mode & stat.S_IROTH and entry.is_file]
    if not keys or not _open_to_all(tree.folder):
        return
    folders = {entry.path: entry for entry in tree.entries if entry.is_folder}
    keys = [entry for entry in keys if _entered_by_all(entry.path, folders)]
    if keys:
        yield Finding(
            "key-world-readable",
            tree.folder,
            f"every user of this machine can read {', '.join(tree.names(keys))}",
            _closing(keys, tree, identity),
            affected=len(keys),
            names=tree.names(keys),
        )


def _closing(keys: list[Entry], tree: Tree, identity: Identity) -> str:
    """A command that closes the files to others, and leaves them open to the container's user."""
    flag, where = aim(tree, keys)
    chmod = f"chmod {'-R ' if flag else ''}"
    if all(_stays_readable(entry, identity) for entry in keys):
        return f"{chmod}o-rwx {where}"
    return f"chown -h{flag} {identity} {where} && {chmod}u+rX,o-rwx {where}"


def _stays_readable(entry: Entry, identity: Identity) -> bool:
    by_owner = entry.uid == identity.uid and entry.mode & stat.S_IRUSR
    by_group = entry.gid == identity.gid and entry.mode & stat.S_IRGRP
    return bool(by_owner or by_group)


def _entered_by_all(path: str, folders: dict[str, Entry]) -> bool:
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


def verdict_findings(verdict: Verdict, *, renamed: bool) -> Iterable[Finding]:
    """What the license itself is good for. ``renamed``: one under another name was told of already."""
    place = str(verdict.path)
    if verdict.status is Status.MISSING and renamed:
        return
    if verdict.cause is Cause.ADOPTED_CHANGED:
        yield Finding(
            "license-changed",
            place,
            shown(verdict.detail),
            do="if it was renewed, adopt it again with azlic adopt; if not, restore the file that was adopted",
        )
    elif verdict.status in {Status.MALFORMED, Status.OPAQUE}:
        known = verdict.warnings[0] if verdict.warnings else "its end is stated by nobody yet: azlic adopt"
        yield Finding(
            "license-opaque",
            place,
            "azlic cannot read it: it is a Microsoft container's, or damaged"
            f" ({shown(verdict.detail)}); {shown(known)}",
            do="state its end with azlic adopt; if it is a license of ours, download it again",
        )
    elif not verdict.may_run:
        told = f"the license is {verdict.status}: {shown(verdict.detail)}"
        yield Finding("license-refused", place, told, do=f"azlic verify {command_word(place)} says what to do")
    elif verdict.status is not Status.VALID and verdict.expires_at is not None:
        ends = f"{iso(verdict.expires_at)}{f', {BY_OPERATOR}' if verdict.stated else ''}"
        get = "download a new license" if verdict.stated else "run azlic download"
        then = "it here, then: azlic adopt" if verdict.stated else "license.dat here"
        yield Finding(
            "license-ending",
            place,
            f"the license is {verdict.status}: it ends at {ends}",
            do=f"{get} on a connected machine, carry {then}",
        )
