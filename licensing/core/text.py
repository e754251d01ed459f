"""Text that comes from outside, shown without harm: on a screen, and as one word of a command."""

import os
import shlex
import string

_PLAIN = frozenset(string.ascii_letters + string.digits + "/._-+=:,@ ")


def printable(value: object) -> str:
    """A name as a terminal may show it, and a database hold it: unprintable characters are escaped."""
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def command_word(path: str) -> str:
    """A path as one word of ``sh``; what cannot be printed goes through printf, whose octal escapes POSIX has.

    The shell drops newlines at the end of what printf prints: those follow it as they are.
    """
    path = path if path.startswith(("/", "./", "../")) else f"./{path}"  # never an option
    if path.isprintable():
        return shlex.quote(path)
    begin = path.rstrip("\n")
    escaped = "".join(_octal(byte) for byte in os.fsencode(begin))
    return f"\"$(printf '{escaped}'){path[len(begin) :]}\""


def _octal(byte: int) -> str:
    return chr(byte) if chr(byte) in _PLAIN else f"\\{byte:03o}"
