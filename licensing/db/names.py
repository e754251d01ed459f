"""Names of files as the database keeps them: any that the system can hold, also one whose bytes are no UTF-8.

Python gives each such byte as half a surrogate pair, which no database takes. It is kept as a character of a private
plane instead, which no name has by accident; one that has it all the same is kept byte by byte in the same way.
"""

import os

_HALVES = range(0xDC80, 0xDD00)
_SHIFT = 0x100000
_TO_STORED: dict[int, int | str] = {half: half + _SHIFT for half in _HALVES} | {
    half + _SHIFT: "".join(chr(_SHIFT + 0xDC00 + byte) for byte in chr(half + _SHIFT).encode()) for half in _HALVES
}
_TO_NAME = {half + _SHIFT: half for half in _HALVES}


def stored_name(name: str) -> str:
    """A file's name as the database keeps it."""
    return name if name.isascii() else name.translate(_TO_STORED)


def file_name(stored: str) -> str:
    """The name of the file that the database keeps under this text."""
    if stored.isascii() or (name := stored.translate(_TO_NAME)) == stored:
        return stored
    return os.fsencode(name).decode("utf-8", "surrogateescape")
