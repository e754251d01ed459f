"""Text for people: lines of at most 80 columns, broken at blanks alone."""

import textwrap

WIDTH = 80


def wrap(text: str, first: str = "", rest: str = "") -> list[str]:
    """The text in lines, the first of which begins with ``first``, the others with ``rest``."""
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def indented(text: str, spaces: int = 2, *, hanging: int = 0) -> list[str]:
    """The text in lines that stand so many columns in, and all but the first ``hanging`` more."""
    return wrap(text, " " * spaces, " " * (spaces + hanging))


def labelled(name: str, text: str, cells: int = 9) -> list[str]:
    """The text beside its name, which has so many columns to itself."""
    return wrap(text, f"  {name:<{cells}} ", " " * (cells + 3))
