"""Several files of one folder put in place together: whoever reads sees all of them old or all of them new.

They are written into a folder beside the others, and that folder's rename to ``.update`` is the one moment from which
they count: a reader takes a file from there before the one of its name in the folder itself. Afterwards they are moved
to their places, one by one; whoever writes next finishes what was interrupted. Whoever writes holds the folder
(``licensing.core.folder_lock``).
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from licensing.core.errors import AzlicError
from licensing.core.files import sync_folder, write_whole

_COMMITTED = ".update"
_UNFINISHED = ".update."


def list_files(folder: Path) -> list[Path]:
    """Every file that counts, in the order of the names; hidden ones are nobody's. Raises ``OSError``."""
    committed = {path.name: path for path in _committed(folder)}
    lying = {path.name: path for path in folder.iterdir() if not path.name.startswith(".")}
    found = lying | committed
    return [found[name] for name in sorted(found)]


def put_together(folder: Path, files: Mapping[str, bytes], *, mode: int) -> None:
    """Write all of these files or none. Raises ``AzlicError`` when the folder cannot take them."""
    finish(folder)
    fresh = folder / f"{_UNFINISHED}{os.urandom(4).hex()}"
    try:
        with _as_failure(folder):
            fresh.mkdir(mode=0o755)
            if os.geteuid() == 0:
                owner = folder.stat()
                os.chown(fresh, owner.st_uid, owner.st_gid)
        for name, content in files.items():
            write_whole(fresh / name, content, mode=mode)
        with _as_failure(folder):
            fresh.rename(folder / _COMMITTED)
            sync_folder(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    with contextlib.suppress(AzlicError):  # they count already, wherever they are
        finish(folder)


def finish(folder: Path) -> None:
    """Move to their places what was committed, and clear away what was not. Raises ``AzlicError``."""
    with _as_failure(folder):
        for left in folder.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left)
        committed = _committed(folder)
        for path in committed:
            path.replace(folder / path.name)
        if committed or (folder / _COMMITTED).exists():
            (folder / _COMMITTED).rmdir()
            sync_folder(folder)


def _committed(folder: Path) -> list[Path]:
    try:
        return [path for path in (folder / _COMMITTED).iterdir() if not path.name.startswith(".")]
    except FileNotFoundError:
        return []


@contextlib.contextmanager
def _as_failure(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AzlicError(
            f"{folder} could not be written: {error.strerror or error}",
            hint="check that it is writable and has space; what was there counts as before",
        ) from error
