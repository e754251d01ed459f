"""Links in a mount that lead out of it: in the container there is nothing behind them."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from licensing.core.text import command_word
from licensing.doctor.finding import DoctorFinding
from licensing.doctor.tree import Tree, TreeEntry
from licensing.verification.mounts import LICENSE_NAME

_MOST = 10
_WILD = re.compile(r"[*?\[\\]")


def link_findings(tree: Tree) -> Iterable[DoctorFinding]:
    """The links that are absolute or climb out of the mount. Links within it, as Kubernetes makes them, are fine."""
    outside = [entry for entry in tree.entries if entry.is_link and _leads_out(tree.folder, entry.path)]
    if not outside:
        return
    many = len(outside) > _MOST
    yield DoctorFinding(
        "link-outside",
        tree.folder,
        f"{len(outside):,} symbolic links lead out of it" if len(outside) > 1 else "a symbolic link leads out of it",
        command=None if many else " && ".join(_away(tree, entry) for entry in outside),
        do="remove them; copy what the site needs of what they lead to into their places" if many else "",
        affected=len(outside),
        names=tree.names(outside),
    )


def _leads_out(folder: str, path: str) -> bool:
    try:
        target = str(Path(folder, path).readlink())
    except OSError:
        return False
    ends = os.path.normpath(Path(path).parent / target)
    return target.startswith("/") or ends == ".." or ends.startswith("../")


def _away(tree: Tree, entry: TreeEntry) -> str:
    """A license that root linked is put into the link's place. Every other link is only removed.

    A container may have made it, and what it leads to is none of its business, /etc/shadow for one. Removing is left
    to find, which takes away nothing but this link, whatever is put on the way to it meanwhile.
    """
    path = tree.at(entry)
    if entry.path == LICENSE_NAME and entry.uid == 0 and _leads_to_a_file(path):
        link, copy = command_word(path), command_word(f"{path}.copy")
        return f"cp {link} {copy} && mv {copy} {link}"
    pattern = _WILD.sub(r"\\\g<0>", path)
    return f"find {command_word(tree.folder)} -type l -path {command_word(pattern)} -delete"


def _leads_to_a_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except PermissionError:
        return False
