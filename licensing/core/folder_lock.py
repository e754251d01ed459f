"""One writer at a time in a folder of keys or of trust."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from licensing.core.errors import AzlicError


@contextlib.contextmanager
def holding_folder(folder: Path) -> Iterator[None]:
    """Hold a folder against every other azlic that wants to change it; the hold ends with the process.

    Raises ``AzlicError`` when there is no such folder, or this user may not read it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise AzlicError(
            f"the folder {folder} cannot be used: {error.strerror}", hint="check the path and who may read it"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
