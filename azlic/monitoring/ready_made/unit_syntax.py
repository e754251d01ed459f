"""How systemd wants its unit files written: words, ``%``, escaped names.

Source: systemd.syntax(7) for quoting, systemd.unit(5) for ``%`` and escaped names.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from licensing.core.errors import BadCall
from licensing.core.text import printable


def unit_name(text: str) -> str:
    """A name as systemd escapes it for a unit's."""
    return "".join(
        char if re.fullmatch(r"[A-Za-z0-9:_.-]", char) else "".join(f"\\x{byte:02x}" for byte in os.fsencode(char))
        for char in text
    )


def on_one_line(text: str) -> str:
    """A text that ends no line and shows what it is. Raises ``BadCall`` for one with unprintable characters."""
    as_utf8 = text.encode("utf-8", "replace").decode()  # what is no UTF-8, utf8_text refuses
    if printable(as_utf8) != as_utf8:
        raise BadCall(
            f"no unit can name {printable(text)}: there are control characters in it",
            hint="rename the folder, or link to it",
        )
    return text


def specifiers(text: str) -> str:
    """A text in which ``%`` stands for itself. Raises ``BadCall`` for one that is not on one line."""
    return on_one_line(text).replace("%", "%%")


def quoted(text: str) -> str:
    """One word of a unit file, whatever is in it. Raises ``BadCall`` for one that is not on one line."""
    text = specifiers(text)
    if re.fullmatch(r"[\w/.:=@,+%-]+", text, re.ASCII):
        return text
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def command_line(command: tuple[str, ...]) -> str:
    """A command; in its words, but not in the program's path, ``$`` would name a variable."""
    program, *words = map(quoted, command)
    return " ".join((program, *(word.replace("$", "$$") for word in words)))


def words_of(paths: Iterable[Path]) -> str:
    """Paths, as words of one line."""
    return " ".join(quoted(str(path)) for path in paths)


def utf8_text(text: str) -> bytes:
    """A file's text. Raises ``BadCall`` for a name that is not UTF-8: no unit file can say it."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadCall(
            f"a path in the settings is not UTF-8: {printable(text[max(0, error.start - 40) : error.end])}",
            hint="systemd reads UTF-8 only: rename the folder, or link to it",
        ) from error
