"""Text for people, in lines that are no wider than the terminal."""

from azlic.lines import fold, terminal_width, wrap


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
