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


class Places:
    """The places of many licenses in one look: what lies above them is resolved once."""

    def __init__(self) -> None:
        self._places: dict[Path, str] = {}
        self._resolved: dict[str, str] = {}

    def of(self, path: Path) -> str:
        """The one name of a license on this machine, whichever way leads there.

        That is its folder resolved, and its own name as it is: a license.dat that is a link, as in a Kubernetes volume,
        keeps its place however often it is pointed elsewhere. A path that is not there, and does not end in
        license.dat, is taken for a license folder. It never raises.
        """
        if path not in self._places:
            is_file = not _is_dir(path) and (path.name == LICENSE_NAME or os.path.lexists(path))
            folder = self._resolve(str(path.parent if is_file else path))
            self._places[path] = f"{folder.rstrip('/')}/{path.name if is_file else LICENSE_NAME}"
        return self._places[path]

    def _resolve(self, folder: str) -> str:
        above, name = os.path.split(folder)
        if not above or name in {"", ".", ".."}:
            return os.path.realpath(folder)
        if above not in self._resolved:
            self._resolved[above] = os.path.realpath(above)
        place = f"{self._resolved[above].rstrip('/')}/{name}"
        return os.path.realpath(place) if os.path.islink(place) else place  # noqa: PTH114 - it never raises


def place_of(path: Path) -> str:
    """The place of one license, as ``Places.of`` says it."""
    return Places().of(path)


def name_of(path: Path) -> str:
    """A license by the way that was written: absolute, links not followed, and without license.dat.

    It is what alerts, metrics and the ledger call it, and what ``place_of`` says is what it is.
    """
    told = os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links
    if ".." in path.parts:  # behind a link it leads elsewhere than the text says
        told = os.path.realpath(path) if path.name == ".." else f"{os.path.realpath(path.parent)}/{path.name}"
    is_file = told.endswith(f"/{LICENSE_NAME}") and not _is_dir(Path(told))
    return told.removesuffix(f"/{LICENSE_NAME}") if is_file else told


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


class Mounts(NamedTuple):
    """The mounts that some paths refer to, each once; ``without`` are the subfolders beside them that hold none.

    ``alone`` says that it is the one path that was given, and no folder of mounts.
    """

    paths: tuple[Path, ...]
    without: tuple[Path, ...]
    alone: bool


def find_mounts(paths: Iterable[Path], places: Places | None = None) -> Mounts:
    """The license mounts that these paths refer to; it never raises.

    A path stands for itself: a mount, the file itself, or something that is not there. Only a folder without a
    license of its own, of whose subfolders at least one holds a license, stands for those of them that do.
    What this user may not look into is taken for a mount: verifying it will say so. Twice the same is once, by the way
    that goes over no link where there is one.
    """
    given, places = list(paths), places or Places()
    found: dict[str, Path] = {}
    without: dict[str, Path] = {}
    for path in given:
        inside, empty = _mounts_below(path)
        for mount in inside or [path]:
            place = places.of(mount)
            if place not in found or (is_plain(mount, place) and not is_plain(found[place], place)):
                found[place] = mount
        without |= {places.of(folder): folder for folder in empty}
    return Mounts(
        tuple(found.values()),
        tuple(folder for place, folder in without.items() if place not in found),
        alone=given == list(found.values()) and len(given) == 1,
    )


def is_plain(path: Path, place: str) -> bool:
    """Whether a path goes to its place over no link."""
    return name_of(path) == place.removesuffix(f"/{LICENSE_NAME}")


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
    return (inside, empty) if any(os.access(folder, os.X_OK, effective_ids=True) for folder in inside) else ([], [])
