"""Which row of a bad batch it is: found with the source file, where it still exists."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from licensing.core.text import printable
from usage.auditing.rows import Unreadable, fetch
from usage.ledger.source_kinds import ON_DISK
from usage.quantity import group_digits
from usage.records.lines import Lines
from usage.records.record import BadLine, interpret
from usage.records.usage_files import OpenFile, UnreadableFile

_LONGEST = 64 * 1024 * 1024


def first_difference(connection: Connection, batch: tuple[Any, ...], rows: Sequence[tuple[Any, ...]]) -> str | None:
    """The first record that differs in its source file, in words; None where the file does not show it."""
    lines = _lines(connection, batch)
    for row in rows if lines else ():
        number, identity, _, quantity, time = row[:5]
        there = lines.get(identity)
        if there is None:
            return f"record {number} ({printable(identity)}) is not in the file"
        if (quantity, time) != there:
            here, file = f"{_amount(quantity)} at {printable(time)}", f"{_amount(there[0])} at {there[1]}"
            return f"record {number} ({printable(identity)}) is {here}, and in the file it is {file}"
    return None


def _amount(quantity: Any) -> str:
    return group_digits(quantity) if isinstance(quantity, int) else printable(quantity)


def _lines(connection: Connection, batch: tuple[Any, ...]) -> dict[str, tuple[int, int]]:
    """The quantities and times that a batch's stretch of its file has now, by id."""
    start, stop, source = batch[2], batch[3], batch[9]
    try:
        paths = fetch(connection, f'SELECT "path" FROM source WHERE "key" = {source:d} AND {ON_DISK}')  # noqa: S608
        if not paths or not 0 <= start < stop <= start + _LONGEST:
            return {}
        with OpenFile(Path(paths[0][0])) as file:
            content = file.read(start, stop - start)
    except (Unreadable, UnreadableFile, FileNotFoundError, TypeError, ValueError):
        return {}
    found: dict[str, tuple[int, int]] = {}
    for line in Lines.of(content).texts:
        try:
            record, _, micro, at = interpret(line)
        except BadLine:
            continue
        found.setdefault(record.id, (micro, at))
    return found
