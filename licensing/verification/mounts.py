"""The license mount: a folder with one license in it; and the folder that holds several such mounts.

Source: seeds/containers-faq (the message for a missing license path), facts §1.1 (the file's name).
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

LICENSE_NAME = "license.dat"


class NoLicense(Exception):
    """There is no license where one was expected."""


def find_license(path: Path) -> Path:
    """The license file of a mount; a path to the file itself is taken as it is.

    Whatever cannot be looked at is given back too: opening it will say why. Raises ``NoLicense`` with the message the
    containers give for it, and with what was seen instead.
    """
    if not _may_be_there(path):
        raise NoLicense(_missing_detail(path, "there is no such folder"))
    try:
        is_folder = path.is_dir()
    except PermissionError:
        return path
    if not is_folder:
        return path
    if _may_be_there(path / LICENSE_NAME):
        return path / LICENSE_NAME
    raise NoLicense(_missing_detail(path, _instead(path)))


def _may_be_there(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()
    except PermissionError:
        return True


def _missing_detail(path: Path, detail: str) -> str:
    return (
        "The provided license path was not found. Please ensure a volume is mounted and a directory exists"
        f" at the location specified by Mounts:License ({path}: {detail})"
    )


def _instead(folder: Path) -> str:
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except PermissionError:
        return f"{LICENSE_NAME} is not in it"
    if not names:
        return f"the folder is empty, {LICENSE_NAME} is not in it"
    shown = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
    return f"{LICENSE_NAME} is not in it, only {shown!r}"


def place_of(file: Path) -> str:
    """The one name of a license file on this machine: its folder resolved, its own name as it is.

    A license.dat that is a link, as in a Kubernetes volume, keeps its name however often it is pointed elsewhere.
    """
    return os.path.join(os.path.realpath(file.parent), file.name)  # noqa: PTH118 - it never raises


class Mounts(NamedTuple):
    """The mounts that some paths stand for, each once; ``without`` are the subfolders beside them that hold none.

    ``alone`` says that it is the one path that was given, and no folder of mounts.
    """

    paths: tuple[Path, ...]
    without: tuple[Path, ...]
    alone: bool


def find_mounts(paths: Iterable[Path]) -> Mounts:
    """The license mounts that these paths stand for; it never raises.

    A path stands for itself: a mount, the file itself, or something that is not there. Only a folder without a
    license of its own, of whose subfolders at least one holds a license, stands for those of them that do.
    What this user may not look into is taken for a mount: verifying it will say so. Twice the same is once.
    """
    given = list(paths)
    found: dict[str, Path] = {}
    without: dict[str, Path] = {}
    for path in given:
        inside, empty = _mounts_below(path)
        for mount in inside or [path]:
            found.setdefault(_place(mount), mount)
        without |= {_place(folder): folder for folder in empty}
    return Mounts(
        tuple(found.values()),
        tuple(folder for place, folder in without.items() if place not in found),
        alone=given == list(found.values()) and len(given) == 1,
    )


def _place(path: Path) -> str:
    """The same text for the same mount, whichever way it is written. A link is a place of its own."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links
    return absolute.removesuffix(f"/{LICENSE_NAME}")


def _mounts_below(path: Path) -> tuple[list[Path], list[Path]]:
    """The subfolders that hold a license and those that hold none; nothing for a path that stands for itself."""
    try:
        if not path.is_dir() or _may_be_there(path / LICENSE_NAME):
            return [], []
        inside: list[Path] = []
        empty: list[Path] = []
        for folder in sorted(child for child in path.iterdir() if child.is_dir()):
            (inside if _may_be_there(folder / LICENSE_NAME) else empty).append(folder)
    except OSError:
        return [], []
    return (inside, empty) if any(os.access(folder, os.X_OK) for folder in inside) else ([], [])
