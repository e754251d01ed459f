"""Text for people: lines as wide as the terminal, at most 80 columns, broken at blanks alone."""

import shutil
import textwrap

WIDTH = 80
_NARROWEST = 40


def terminal_width() -> int:
    """How many columns there are: the terminal's, or those that the variable COLUMNS states; 80 in a pipe."""
    return max(_NARROWEST, shutil.get_terminal_size((WIDTH, 24)).columns)


def text_width() -> int:
    """How wide lines of text are: as the terminal, and no wider than is read well."""
    return min(WIDTH, terminal_width())


def wrap(text: str, first: str = "", rest: str = "") -> list[str]:
    """The text in lines, the first of which begins with ``first``, the others with ``rest``.

    A word that is longer than a line is folded as by ``fold``.
    """
    lines: list[str] = []
    for line in textwrap.wrap(
        text,
        text_width(),
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    ):
        lines += [line] if len(line) <= text_width() else fold(line)
    return lines


def fold(line: str) -> list[str]:
    """A line that is too long, in several: each but the last ends in a backslash, and the next begins at its edge.

    A shell takes such lines as one, so that a path is copied whole.
    """
    room = terminal_width() - 1
    if len(line) <= room + 1:
        return [line]
    return [f"{line[:room]}\\", *fold(line[room:])]


def indented(text: str, spaces: int = 2, *, hanging: int = 0) -> list[str]:
    """The text in lines that stand so many columns in, and all but the first ``hanging`` more."""
    return wrap(text, " " * spaces, " " * (spaces + hanging))


def labelled(name: str, text: str, cells: int = 9) -> list[str]:
    """The text beside its name, which has so many columns to itself."""
    return wrap(text, f"  {name:<{cells}} ", " " * (cells + 3))


def named_value(name: str, value: str, note: str, cells: int) -> list[str]:
    """A value beside its name, never broken where it fits a line; behind it in brackets a note, if there is one."""
    head = f"{name:<{cells}}  {value}"
    told = f"  ({note})" if note else ""
    if len(head + told) <= terminal_width():
        return [head + told]
    lines = [head] if len(head) <= terminal_width() else [name, *fold(f"  {value}")]
    return [*lines, f"{'':<{cells}}{told}"] if told else lines
