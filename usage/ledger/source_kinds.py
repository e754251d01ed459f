"""Kinds of sources: what a row of the table of sources, or the file that a batch names, stands for."""

from enum import StrEnum

from licensing.db.names import file_name

_LAYERS = 3

ON_DISK = "source.inode <> 0"
"""In SQL: the source is a usage file that was found on a disk. The others are virtual and have no inode."""

VIRTUAL = "source.inode = 0"
"""In SQL: the source is not a file, but one of ``SourceKind``."""

CHANGED_FILES = ("replaced", "rewritten", "shrunk")
"""The kinds of findings that say that a usage file no longer holds what was taken from it, though it is not gone."""


class SourceKind(StrEnum):
    """The virtual sources, each by what its name begins with; the name of a usage file is its path."""

    CHANGE = "change:"
    CLOSE = "close:"
    CONNECTED = "connected:"
    CORRECTION = "correct:"
    EXPORT = "export:"
    READING = "reading:"
    RETRIED = "quarantine/"
    SCAN = "scan:"

    def named(self, name: object) -> str:
        """The source of this kind with a name: ``reading:translator``."""
        return f"{self}{name}"

    def is_of(self, file: str) -> bool:
        """Whether a file that a batch names is of this kind."""
        return file.startswith(self)


def output_folder_of(path: str) -> str:
    """The output folder of a usage file, which lies in a container's folder, which lies in a service's.

    ``path`` is the file's as the ledger keeps it.
    """
    return file_name(path).rsplit("/", _LAYERS)[0]
