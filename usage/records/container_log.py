"""The log that a container writes beside its usage records, known by its name and by how its lines begin."""

import re
from pathlib import Path

LOG_NAME = "container.log"
INSTANT = "instant"
"""The first field of each line."""
_NAME = re.compile(rf"{re.escape(LOG_NAME)}(?:\.[0-9]+)?")
_BEGINNING = f'{{"{INSTANT}":'.encode()


def rotated(folder: Path, number: int) -> Path:
    """The log in a container's folder: the one that is written, 0, and older ones."""
    return folder / (f"{LOG_NAME}.{number}" if number else LOG_NAME)


def is_container_log(path: Path, beginning: bytes) -> bool:
    """Whether a file is the log of a container of ours: there is no usage in it, however large it is."""
    return _NAME.fullmatch(path.name) is not None and beginning.startswith(_BEGINNING)
