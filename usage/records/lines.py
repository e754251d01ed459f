"""Lines of usage files, and what is none of their content: byte order marks, carriage returns, holes of NUL bytes.

A machine that lost its power leaves holes, editors leave marks, and other systems end lines in their own ways. What is
a record between them is found.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import NamedTuple

from usage.records.record import BadLine, interpret

_MARK = b"\xef\xbb\xbf"
_BETWEEN = re.compile(rb"(?:[\0\r]|\xef\xbb\xbf)+")
_HOLE = re.compile(rb"\0+")
_BLANK = b"\0 \t\r\v\f\n"
_FEW = 256
"""So many lines in a row that can be no records are taken each for itself; more are one text."""
_SHORT = 32
"""No record is shorter: each has names and values of four things."""


class Hole(NamedTuple):
    """A stretch of NUL bytes that was skipped: where in the file, how long, and in which of its lines."""

    start: int
    length: int
    line: int


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a stretch of a file, the first of which is line 1: their texts, and where each of them stands.

    ``ends`` counts the ends of lines. Where a line is no record as it stands and pieces of it are, each is a text.
    """

    texts: list[bytes]
    ends: int
    starts: list[int]
    numbers: list[int]
    holes: list[Hole]

    @classmethod
    def plain(cls, texts: list[bytes]) -> "Lines":
        """Lines that are known to be plain."""
        return cls(texts, len(texts), [], [], [])

    @classmethod
    def of(cls, data: bytes, *, start: int = 0) -> "Lines":
        """Split what was read from an offset on. For plain lines, ``starts`` and ``numbers`` are left to ``place``."""
        ends = data.count(b"\n")
        if ends > _FEW and not data.strip(_BLANK):
            lines = cls([], ends, [], [], [])
            lines._add_run(data, start, 1)
            return lines
        texts = data.split(b"\n")
        if not texts[-1]:
            texts.pop()
        if not _needs_care(data) and ends * _SHORT <= len(data):
            return cls(texts, ends, [], [], [])
        lines = cls([], ends, [], [], [])
        number = 1
        for run in _runs(texts) if ends * _SHORT > len(data) else [texts]:
            whole = b"" if len(run) <= _FEW or _may_be_record(run[0]) else b"\n".join(run)
            if whole:
                lines._add_run(whole, start, number)
                start, number = start + len(whole) + 1, number + len(run)
                continue
            for line in run:
                lines._add(line, start, number)
                start, number = start + len(line) + 1, number + 1
        return lines

    def places(self, start: int) -> tuple[list[int], list[int]]:
        """The offset and the number of each text, in lines that were read from an offset on."""
        if self.starts or not self.texts:
            return self.starts, self.numbers
        starts = list(accumulate((len(line) + 1 for line in self.texts), initial=start))
        return starts, list(range(1, len(self.texts) + 1))

    def number(self, index: int) -> int:
        """The number of the line that a text stands in."""
        return self.numbers[index] if self.numbers else index + 1

    def _add_run(self, whole: bytes, start: int, number: int) -> None:
        """Add many lines none of which is a record: one text, or nothing where all are blank."""
        if whole.strip(_BLANK):
            self.texts.append(whole)
            self.starts.append(start)
            self.numbers.append(number)
        elif b"\0" in whole:
            self.holes.append(Hole(start, len(whole), number))

    def _add(self, line: bytes, start: int, number: int) -> None:
        pieces = [(start, line)] if not _needs_care(line) else [*_split(line, start)]
        for at, text in pieces:
            self.texts.append(text)
            self.starts.append(at)
            self.numbers.append(number)
        kept = [(at, at + len(text)) for at, text in pieces]
        for hole in _HOLE.finditer(line) if b"\0" in line else ():
            place = start + hole.start()
            if not any(first <= place < last for first, last in kept):
                self.holes.append(Hole(place, len(hole[0]), number))


def _runs(texts: list[bytes]) -> Iterator[list[bytes]]:
    """Lines in a row that may be records, or may not, in turn."""
    return (list(run) for _, run in groupby(texts, key=_may_be_record))


def _may_be_record(line: bytes) -> bool:
    return len(line) >= _SHORT and b"{" in line


def _needs_care(data: bytes) -> bool:
    return b"\0" in data or b"\r" in data or (not data.isascii() and _MARK in data)


def _split(line: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """The pieces of a line where one of them is a record, nothing where there are none; else the line as it is."""
    stops = [(match.start(), match.end()) for match in _BETWEEN.finditer(line)]
    ends = zip([0, *(end for _, end in stops)], [*(stop for stop, _ in stops), len(line)], strict=True)
    pieces = [(start + first, line[first:last]) for first, last in ends if line[first:last].strip()]
    if pieces and not any(_is_record(text) for _, text in pieces):
        yield start, line
    else:
        yield from pieces


def _is_record(text: bytes) -> bool:
    try:
        interpret(text)
    except BadLine:
        return False
    return True


def holds_record(data: bytes) -> bool:
    """Whether any whole line at the beginning of a file is a usage record."""
    whole = data[: data.rfind(b"\n") + 1] or data
    return any(_is_record(text) for text in Lines.of(whole).texts if b"{" in text)
