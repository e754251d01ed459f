"""Files written whole or not at all, and read with a size cap."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from licensing.core.errors import AzlicError


class FileTooLarge(ValueError):
    """A file holds more bytes than its format allows."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(f"{path} is larger than {limit} bytes")


def read_capped(path: Path, limit: int) -> bytes:
    """Read a regular file of at most ``limit`` bytes.

    Raises ``FileTooLarge`` past the limit and ``OSError`` for anything that is not a readable regular file.
    A named pipe or a device in the file's place is refused without waiting for it.
    """
    with open_regular(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise FileTooLarge(path, limit)
    return content


def read_file(path: Path, limit: int, what: str = "") -> bytes:
    """Read a file that somebody named, as ``read_capped`` does; ``AzlicError`` says of ``what`` cannot be read."""
    try:
        return read_capped(path, limit)
    except OSError as error:
        raise unreadable(f"{what} {path}".lstrip(), error) from error


def unreadable(what: object, error: OSError | FileTooLarge) -> AzlicError:
    """How it is said everywhere that a file that was named cannot be read."""
    reason = getattr(error, "strerror", None) or error
    return AzlicError(f"{what} cannot be read: {reason}", hint="check the path and who may read it")


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; ``OSError`` at once for anything else, a named pipe or a device for one."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def write_whole(path: Path, content: bytes, *, mode: int = 0o640) -> None:
    """Put ``content`` at ``path``, as ``writing_whole`` does."""
    with writing_whole(path, mode=mode) as file:
        file.write(content)


@contextlib.contextmanager
def writing_whole(path: Path, *, mode: int = 0o640) -> Iterator[BinaryIO]:
    """Put what the body writes at ``path`` so that a reader sees the old file or the new one, also after a power cut.

    The temporary file is in the same folder, is flushed to the disk and renamed. Root leaves the file to
    the owner of the folder, so that a nonroot container can read what was installed for it.
    Raises ``AzlicError`` when the folder cannot take it. The old file is then still there, as when the body fails.
    """
    temporary = _temporary_for(path)
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with _filling(descriptor, path.parent, mode) as file:
            yield file
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise _write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_new(path: Path, content: bytes, *, mode: int) -> None:
    """Put a key at ``path``, where nothing may be yet: whole or not at all, and of two who try at once, one is refused.

    Root leaves the file to the owner of the folder. Raises ``AzlicError`` when there is something already, which stays
    as it is, or when the folder cannot take it.
    """
    temporary = _temporary_for(path)
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with _filling(descriptor, path.parent, mode) as file:
            file.write(content)
        os.link(temporary, path)
        sync_folder(path.parent)
    except FileExistsError as error:
        raise AzlicError(
            f"{path} exists already", hint="a key is never overwritten; choose another folder or move it away"
        ) from error
    except OSError as error:
        raise _write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _temporary_for(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")


@contextlib.contextmanager
def _filling(descriptor: int, folder: Path, mode: int) -> Iterator[BinaryIO]:
    with os.fdopen(descriptor, "w+b") as file:
        os.fchmod(descriptor, mode)
        if os.geteuid() == 0:
            owner = folder.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        yield file
        file.flush()
        os.fsync(descriptor)


def _write_error(path: Path, error: OSError) -> AzlicError:
    return AzlicError(
        f"{path} could not be written: {error.strerror or error}",
        hint=f"check that {path.parent} exists, is writable and has space; what was there is unchanged",
    )


def make_folder(path: Path, what: str, option: str, *, mode: int) -> None:
    """Make a folder and those above it, where it is not there yet. Raises ``AzlicError`` where it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise AzlicError(
            f"{what} {path} cannot be made: {error.strerror or error}",
            hint=f"run as a user who may write there, or choose another with {option}",
        ) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
