"""Tables for people: as wide as the terminal, numbers that line up, nothing that a name could turn into markup."""

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from azlic.lines import OWN_ESCAPE, one_line, terminal_width, wrap
from usage.quantity import MICRO, from_micro

_GAP = 2


def render_text(parts: Iterable[RenderableType]) -> str:
    """The parts as text, as wide as the terminal; colours only on a terminal, and none where NO_COLOR is set.

    Nothing is cut off, and no id, path or number broken: a table that is too wide for that is written row by row.
    """
    width = terminal_width()
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        for part in parts:
            for shown in _fitted(part, width):
                console.print(shown, soft_wrap=isinstance(shown, Text))
    return "\n".join(line.rstrip() for line in capture.get().split("\n")).rstrip("\n").replace("\x1b", OWN_ESCAPE)


def _fitted(part: RenderableType, width: int, left: int = 0) -> Iterator[RenderableType]:
    """The part in what no line of is too long."""
    if isinstance(part, Padding):
        yield from _fitted(part.renderable, width, left + part.left)
    elif isinstance(part, Table):
        if _fit_columns(part, width - left):
            yield Padding.indent(part, left)
        else:
            yield from _row_by_row(part, left)
    elif isinstance(part, Text):
        for line in part.plain.split("\n"):
            begin = " " * (left + len(line) - len(line.lstrip()))
            yield from (Text(shown, style=part.style) for shown in (wrap(line.strip(), begin, begin) or [""]))
    else:
        yield one_line(part) if isinstance(part, str) else part


def _fit_columns(table: Table, room: int) -> bool:
    """Give every column its width, so that no word in it is broken; whether there is room for that."""
    cells = [[str(cell) for cell in (column.header, *column.cells)] for column in table.columns]
    natural = [max(map(cell_len, column)) for column in cells]
    least = [
        full if column.no_wrap else max((cell_len(word) for cell in texts for word in cell.split()), default=0)
        for column, texts, full in zip(table.columns, cells, natural, strict=True)
    ]
    spare = room - sum(least) - _GAP * (len(least) - 1)
    if spare < 0:
        return False
    for index in sorted(range(len(least)), key=lambda index: natural[index] - least[index]):
        more = min(spare, natural[index] - least[index])
        table.columns[index].width = max(least[index] + more, min(table.columns[index].min_width or 0, room))
        spare -= more
    return True


def _row_by_row(table: Table, left: int) -> Iterator[RenderableType]:
    """Each row's first cell on a line of its own, below it the others with their headings."""
    headings = [str(column.header) for column in table.columns]
    for row, cells in zip(table.rows, zip(*(column.cells for column in table.columns), strict=True), strict=True):
        first, *others = map(str, cells)
        lines = wrap(first, " " * left, " " * left)
        for heading, cell in zip(headings[1:], others, strict=True):
            if cell:
                lines += wrap(f"{heading}  {cell}".strip(), " " * (left + 2), " " * (left + 4))
        yield from (Text(line, style=row.style or "") for line in lines)


class NamesTable(Table):
    """A table of what may be names: nothing in a cell steers a terminal, or begins a line of its own."""

    def add_row(self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False) -> None:
        """Add a row of these cells."""
        harmless = (one_line(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*harmless, style=style, end_section=end_section)


def columns(*headings: str, first: int = 0) -> Table:
    """A table without lines, its first column at least ``first`` wide.

    A heading that begins with ``>`` stands over numbers, one that begins with ``~`` over text that may be wrapped.
    """
    table = NamesTable(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=any(headings))
    for heading in headings:
        table.add_column(
            one_line(heading.lstrip(">~")),
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
