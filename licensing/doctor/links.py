"""Links in a mount that lead out of it: in the container there is nothing behind them."""

import os
from collections.abc import Iterable
from pathlib import Path

from licensing.doctor.finding import Finding, first_names
from licensing.doctor.tree import Entry, Tree
from licensing.doctor.words import command_word
from licensing.mount import LICENSE_NAME

_MOST = 10


def link_findings(tree: Tree) -> Iterable[Finding]:
    """The links that are absolute or climb out of the mount. Links within it, as Kubernetes makes them, are fine."""
    outside = [entry for entry in tree.entries if entry.is_link and _leads_out(tree.folder, entry.path)]
    if not outside:
        return
    paths = [tree.at(entry) for entry in outside]
    many = len(paths) > _MOST
    yield Finding(
        "link-outside",
        tree.folder,
        f"{len(paths):,} symbolic links lead out of it" if len(paths) > 1 else "a symbolic link leads out of it",
        command=None if many else " && ".join(_away(tree.at(entry), entry) for entry in outside),
        do="remove them; copy what the site needs of what they lead to into their places" if many else "",
        affected=len(paths),
        names=first_names(paths),
    )


def _leads_out(folder: str, path: str) -> bool:
    try:
        target = str(Path(folder, path).readlink())
    except OSError:
        return False
    ends = os.path.normpath(Path(path).parent / target)
    return target.startswith("/") or ends == ".." or ends.startswith("../")


def _away(path: str, entry: Entry) -> str:
    """A license that root linked is put into the link's place. Every other link is only removed.

    A container may have made it, and what it leads to is none of its business, /etc/shadow for one.
    """
    link, copy = command_word(path), command_word(f"{path}.copy")
    if entry.path == LICENSE_NAME and entry.uid == 0 and Path(path).is_file():
        return f"cp {link} {copy} && mv {copy} {link}"
    return f"rm {link}"
