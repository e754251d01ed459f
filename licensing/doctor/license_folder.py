"""What can be wrong in a license folder beside access: names, a second license, write bits, and the license itself.

Source: facts §1.1 (the file's name; it is a key), §1.3 (a folder for each container; mounted :ro in the field).
"""

import stat
from collections.abc import Iterable
from pathlib import Path

from licensing.doctor.access import WRITE
from licensing.doctor.finding import Finding, first_names
from licensing.doctor.identity import Identity
from licensing.doctor.survey import Survey
from licensing.doctor.tree import Entry, Tree
from licensing.doctor.words import command_word, shown
from licensing.instants import iso
from licensing.mount import LICENSE_NAME
from licensing.verdict import Status, Verdict

_SECRETS = (".pem", ".key")


def name_findings(tree: Tree) -> Iterable[Finding]:
    """A license under another name, or a second one beside the first."""
    top = [entry for entry in tree.entries if "/" not in entry.path and not entry.is_folder]
    others = sorted(entry.path for entry in top if entry.path != LICENSE_NAME and _looks_like_one(entry.path))
    paths = [f"{tree.folder}/{name}" for name in others]
    right = f"{tree.folder}/{LICENSE_NAME}"
    if not others:
        return
    if any(entry.path == LICENSE_NAME for entry in tree.entries if "/" not in entry.path):
        apart = f"{tree.folder.rstrip('/')}-other"
        moved = " ".join(map(command_word, paths))
        yield Finding(
            "license-two",
            tree.folder,
            f"beside {LICENSE_NAME} there is {', '.join(first_names(others))}",
            f"mkdir -p -m 0750 {command_word(apart)} && mv -n {moved} {command_word(apart)}/",
            affected=len(others),
            names=first_names(paths),
        )
    else:
        one = len(others) == 1
        yield Finding(
            "license-name",
            tree.folder,
            f"there is no {LICENSE_NAME} in it, but {', '.join(first_names(others))}",
            f"mv -n {command_word(paths[0])} {command_word(right)}" if one else None,
            do="" if one else f"rename the license of this container to {LICENSE_NAME}, move the others away",
            affected=len(others),
            names=first_names(paths),
        )


def _looks_like_one(name: str) -> bool:
    lowered = name.lower()
    return not name.startswith(".") and ("license" in lowered or "licence" in lowered or lowered.endswith(".dat"))


def writable_findings(looked: Survey, identity: Identity) -> Iterable[Finding]:
    """A license that its own container could replace."""
    if identity.uid == 0:
        return
    open_ = [
        looked.tree.at(entry)
        for entry, found in looked.rights()
        if found & WRITE and (entry.path == "." or (entry.path == LICENSE_NAME and entry.is_file))
    ]
    if open_:
        yield Finding(
            "license-writable",
            looked.folder,
            f"user {identity} may write to the license folder",
            f"chmod a-w {' '.join(map(command_word, open_))}",
            affected=len(open_),
            names=first_names(open_),
        )


def key_findings(tree: Tree, identity: Identity, *, all_files: bool) -> Iterable[Finding]:
    """Keys that every user of this machine can read: whatever lies in a license folder, elsewhere by their names."""
    keys = [
        entry
        for entry in tree.entries
        if entry.is_file
        and entry.mode & stat.S_IROTH
        and (all_files or entry.path.endswith(_SECRETS) or entry.path.split("/")[-1] == LICENSE_NAME)
    ]
    if not keys or not _open_to_all(tree.folder):
        return
    folders = {entry.path: entry for entry in tree.entries if entry.is_folder}
    keys = [entry for entry in keys if _entered_by_all(entry.path, folders)]
    if keys:
        paths = [tree.at(entry) for entry in keys]
        yield Finding(
            "key-world-readable",
            tree.folder,
            f"every user of this machine can read {', '.join(first_names(paths))}",
            " && ".join(_closing(keys, tree, identity)),
            affected=len(keys),
            names=first_names(paths),
        )


def _closing(keys: list[Entry], tree: Tree, identity: Identity) -> Iterable[str]:
    """Commands that close the files to others, and keep them open to the container's user."""
    lost = [tree.at(entry) for entry in keys if not _stays_readable(entry, identity)]
    kept = [tree.at(entry) for entry in keys if _stays_readable(entry, identity)]
    if lost:
        words = " ".join(map(command_word, lost))
        yield f"chown -h {identity} {words} && chmod u+r,o-rwx {words}"
    if kept:
        yield f"chmod o-rwx {' '.join(map(command_word, kept))}"


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
    if verdict.status in {Status.MALFORMED, Status.OPAQUE}:
        yield Finding(
            "license-opaque",
            place,
            f"azlic cannot read it: it is a Microsoft container's, or damaged ({shown(verdict.detail)});"
            " its end is stated by nobody yet: azlic adopt",
            do="state its end with azlic adopt; if it is a license of ours, download it again",
        )
    elif not verdict.may_run:
        told = f"the license is {verdict.status}: {shown(verdict.detail)}"
        yield Finding("license-refused", place, told, do=f"azlic verify {command_word(place)} says what to do")
    elif verdict.status is not Status.VALID and verdict.license is not None:
        ends = iso(verdict.license.expires_at)
        yield Finding(
            "license-ending",
            place,
            f"the license is {verdict.status}: it ends at {ends}",
            do="run azlic download on a connected machine, carry license.dat here",
        )
