"""Tables for people: 80 columns, numbers that line up, nothing that a name could turn into markup."""

from collections.abc import Iterable, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table

from azlic.render.text import WIDTH
from usage.quantity import MICRO, from_micro

_GAP = 2
_FOLDED = 12


def render_text(parts: Iterable[RenderableType]) -> str:
    """The parts as text; colours only on a terminal, and none where NO_COLOR is set.

    It is wider than 80 columns where its numbers need more: a number is never cut off.
    """
    shown = list(parts)
    width = max([WIDTH, *(_least_width(part) for part in shown)])
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        for part in shown:
            console.print(part if isinstance(part, Table | Padding) else Padding(part, (0, width - WIDTH, 0, 0)))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _least_width(part: RenderableType) -> int:
    """How wide a table has to be for all that may not be folded; rich would cut it off."""
    if isinstance(part, Padding):
        return part.left + _least_width(part.renderable)
    if not isinstance(part, Table):
        return 0
    widths = [max(len(str(cell)) for cell in (column.header, *column.cells)) for column in part.columns]
    return sum(
        _GAP + (width if column.no_wrap else min(width, _FOLDED))
        for column, width in zip(part.columns, widths, strict=True)
    )


def columns(*headings: str, first: int = 0) -> Table:
    """A table without lines, its first column at least ``first`` wide.

    A heading that begins with ``>`` stands over numbers, one that begins with ``~`` over names that may be folded.
    """
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=any(headings))
    for heading in headings:
        table.add_column(
            heading.lstrip(">~"),
            justify="right" if heading.startswith(">") else "left",
            overflow="fold",
            no_wrap=not heading.startswith("~"),
        )
    table.columns[0].min_width = first
    return table


def indent(table: Table, spaces: int = 2) -> Padding:
    """A table that belongs to what is above it."""
    return Padding.indent(table, spaces)


def align(micros: Sequence[int]) -> list[str]:
    """Quantities of one column, thousands grouped, all with as many decimals as the one that needs most."""
    decimals = max((_decimals(micro) for micro in micros), default=0)
    return [f"{'-' if micro < 0 else ''}{_absolute(abs(micro), decimals)}" for micro in micros]


def _absolute(micro: int, decimals: int) -> str:
    whole, rest = divmod(micro, MICRO)
    return f"{whole:,}" + (f".{rest:06}"[: decimals + 1] if decimals else "")


def _decimals(micro: int) -> int:
    number = from_micro(abs(micro))
    return 0 if isinstance(number, int) else -int(number.as_tuple().exponent)
