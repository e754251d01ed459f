"""The license mount: a folder with one license in it.

Source: seeds/containers-faq (the message for a missing license path), facts §1.1 (the file's name).
"""

from pathlib import Path

LICENSE_NAME = "license.dat"


class NoLicense(Exception):
    """There is no license where one was expected."""


def find_license(path: Path) -> Path:
    """The license file of a mount; a path to the file itself is taken as it is.

    Whatever cannot be looked at is given back too: opening it will say why. Raises ``NoLicense`` with the message the
    containers give for it, and with what was seen instead.
    """
    if not _may_be_there(path):
        raise NoLicense(_not_found(path, "there is no such folder"))
    try:
        is_folder = path.is_dir()
    except PermissionError:
        return path
    if not is_folder:
        return path
    if _may_be_there(path / LICENSE_NAME):
        return path / LICENSE_NAME
    raise NoLicense(_not_found(path, _instead(path)))


def _may_be_there(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()
    except PermissionError:
        return True


def _not_found(path: Path, detail: str) -> str:
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
