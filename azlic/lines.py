"""Lines of text: as wide as the terminal, prose at most 80 columns; broken at blanks alone.

A word that is longer than a line, as a path may be, is folded as a shell has it: a backslash ends the line, and the
word goes on at the edge of the next. Scripts that want paths whole have ``--json``, or set COLUMNS.
"""

import os
import re
import shutil
import textwrap
from collections.abc import Iterable
from unicodedata import east_asian_width

from licensing.core.text import printable

WIDTH = 80
OWN = "".join(chr(0x100000 + byte) for byte in os.urandom(4))
"""Stands behind each control character that is azlic's own. Nobody can know it beforehand, and so put it in a name."""
OWN_ESCAPE = f"\x1b{OWN}"
_NARROWEST = 40
_COLOUR = re.compile(rf"\x1b{OWN}\[[0-9;]*m")


def terminal_width() -> int:
    """How many columns there are: those that the variable COLUMNS states, or the terminal's; 80 in a pipe."""
    return max(_NARROWEST, shutil.get_terminal_size((WIDTH, 24)).columns)


def text_width() -> int:
    """How wide lines of text are: as the terminal, and no wider than is read well."""
    return min(WIDTH, terminal_width())


def cells(text: str) -> int:
    """How many columns a terminal shows a text in: wide characters take two, and colours none."""
    shown = _COLOUR.sub("", text)
    return len(shown) if shown.isascii() else sum(1 + (east_asian_width(char) in "WF") for char in shown)


def one_line(text: str) -> str:
    """A text as one line, in which nothing controls a terminal but what is azlic's own."""
    *own, rest = text.split(OWN)
    return "".join(printable(part[:-1]) + part[-1:] + OWN for part in own) + printable(rest)


def joined(lines: Iterable[str]) -> str:
    """Lines as a text: each stays one line, whatever names are in it."""
    return "\n".join(map(one_line, lines))


def written(text: str) -> str:
    """A text as it is written out: of control characters, it has line ends, and those that are azlic's own."""
    *own, rest = text.split(OWN)
    return "".join(_lines_of(part[:-1]) + part[-1:] for part in own) + _lines_of(rest)


def _lines_of(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def wrap(text: str, first: str = "", rest: str = "") -> list[str]:
    """The text in lines, the first of which begins with ``first``, the others with ``rest``; long words are folded."""
    whole = textwrap.wrap(
        one_line(text),
        text_width(),
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line for long in whole for line in fold(long)]


def fold(line: str) -> list[str]:
    """A line in as many as it takes: each but the last ends in a backslash, and the next begins at the edge.

    A shell takes such lines as one, so that a path is copied whole.
    """
    line, room = one_line(line), terminal_width() - 1
    lines: list[str] = []
    while cells(line) > room + 1:
        end = room
        while cells(line[:end]) > room:
            end -= 1
        lines.append(f"{line[:end]}\\")
        line = line[end:]
    return [*lines, line]


def fitted(text: str) -> str:
    """A text none of whose lines is too wide: those that were go on below, two columns further in."""
    lines: list[str] = []
    for line in text.split("\n"):
        if cells(line) <= terminal_width():
            lines.append(line)
        else:
            begin = " " * (len(line) - len(line.lstrip()))
            lines += wrap(line.strip(), begin, f"{begin}  ")
    return "\n".join(lines)
