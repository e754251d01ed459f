"""A folder of sealed files: made whole or not at all."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from licensing.core.errors import AzlicError, BadCall
from licensing.core.files import open_regular, sync_folder
from licensing.sealing.sealed import SUFFIX, ContentKey, seal_file

Progress = Callable[[int, int], None]
"""Told the bytes done and the bytes there are."""


@contextlib.contextmanager
def seal_into(source: Path, target: Path, key: ContentKey, progress: Progress | None = None) -> Iterator[int]:
    """Seal what is below ``source``; gives how many files, and puts them to ``target`` when the block ends well.

    Until then they lie beside it, under a name that begins with a dot. Each is called what it was, and ``.sealed``.
    """
    names = _names(source)
    _check(source, target)
    temporary = target.absolute().with_name(f".{target.name}.{os.urandom(4).hex()}.tmp")
    try:
        temporary.mkdir(mode=0o755)
        _seal(source, names, temporary, key, progress or (lambda _done, _total: None))
        yield len(names)
        temporary.rename(target)
        sync_folder(temporary.parent)
    except OSError as error:
        raise AzlicError(
            f"the sealed folder {target} could not be made: {error.filename or target}: {error.strerror or error}",
            hint="check who may read and write there, and the free space; nothing was left behind",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check(source: Path, target: Path) -> None:
    if target.resolve().is_relative_to(source.resolve()):
        raise BadCall(f"--to {target} is inside {source}", hint="name a new folder beside it")
    if target.exists():
        raise BadCall(f"{target} already exists", hint="name a new folder: an existing one is never added to")


def _names(source: Path) -> list[str]:
    """The files below a folder, each by its path inside it. Raises ``BadCall`` for what cannot be sealed,
    ``AzlicError`` where there is no folder."""
    if not source.is_dir():
        raise AzlicError(f"{source} is not a folder", hint="name the folder with the model files")
    names = []
    for folder, inner, files in os.walk(source, onerror=_refuse):
        for path in sorted(Path(folder, name) for name in (*inner, *files)):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise BadCall(f"{path} is a link, or no regular file", hint="seal a copy: cp -rL follows links")
            if path.is_file():
                names.append(_name(path, source))
    if not names:
        raise BadCall(f"there is no file below {source}", hint="name the folder with the model files")
    return names


def _name(path: Path, source: Path) -> str:
    name = path.relative_to(source).as_posix()
    if name.endswith(SUFFIX):
        raise BadCall(f"{path} is named like a sealed file", hint="seal the folder with the plain files")
    if not name.isprintable():
        raise BadCall(
            f"the name {name!r} cannot be printed", hint="rename it without line breaks and control characters"
        )
    return name


def _refuse(error: OSError) -> None:
    raise AzlicError(f"{error.filename} cannot be read: {error.strerror}", hint="run as a user who may read it")


def _seal(source: Path, names: list[str], target: Path, key: ContentKey, progress: Progress) -> None:
    done, total = 0, sum((source / name).stat().st_size for name in names)
    for name in names:
        sealed = target / f"{name}{SUFFIX}"
        sealed.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        with open_regular(source / name) as plain, sealed.open("xb") as file:
            os.fchmod(file.fileno(), 0o644)  # it is read by the image's user, and tells nobody anything
            for piece in seal_file(plain, key, name):
                done += file.write(piece)
                progress(min(done, total), total)
            file.flush()
            os.fsync(file.fileno())
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
        sync_folder(folder)
