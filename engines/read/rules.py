"""Dashed and dotted rules in a picture: Tesseract finds solid ones by itself, and takes these for letters."""

import re
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from PIL import Image, ImageDraw

from engines.read.text import Box

_BLOCK = 32
"""A rule is looked for in columns so many pixels wide, for a page has few of them."""
_LEAST_BLOCKS, _BRIDGED = 4, 3
_LEAST_MARKS = 10
"""Fewer dashes or dots in a row were typed: ``- - -``."""
_ALIKE = 0.8
"""So large a part of the marks of a rule stand at equal distances; of the letters of a line never."""
_FAINT = 40
"""So much darker than the paper is what was drawn on it."""
_BESIDE = 64
"""A row of dots that so many pixels on meets letters is a leader: text."""
_FEW_COLUMNS = 6
_CROOKED = 2
_SMALL, _ROUND = 0.6, 0.75
"""Marks that are not so small beside the thickest rule, and no longer than high, are letters and stars."""
_SPARSE = 5
"""Marks with so long gaps are no rule: the points of a column of prices."""
_FAR, _MORE = 200, 0.25
_MORE_THAN_A_RULE = 6


class _Piece(NamedTuple):
    """Where a thin strip crosses one column."""

    column: int
    top: int
    bottom: int


def without_broken_rules(image: Image.Image) -> Image.Image:
    """The picture without its dashed and dotted rules, level and upright; leaders and single dashes stay."""
    paper = _paper(image)
    dark = [255 * (shade < paper - _FAINT) for shade in range(256)]
    level = list(_broken(image.point(dark)))
    cleared = _cleared(image, level, paper)
    on_its_side = cleared.point(dark).transpose(Image.Transpose.TRANSPOSE)
    upright = list(_broken(on_its_side, upright=True))
    return _cleared(cleared, [(top, left, bottom, right) for left, top, right, bottom in upright], paper)


def _cleared(image: Image.Image, boxes: Sequence[Box], paper: int) -> Image.Image:
    if not boxes:
        return image
    cleared = image.copy()
    draw = ImageDraw.Draw(cleared)
    for left, top, right, bottom in boxes:
        draw.rectangle((left, top, right - 1, bottom - 1), fill=paper)
    return cleared


def _paper(image: Image.Image) -> int:
    """The shade of the paper: the most frequent one."""
    shades = image.histogram()
    return shades.index(max(shades))


def _broken(marks: Image.Image, *, upright: bool = False) -> Iterator[Box]:
    """Boxes with all the marks of the broken rules that run level, and with nothing else.

    In a picture that was laid on its side these are the ``upright`` ones.
    """
    for strip in _strips(marks):
        boxes = [_box(piece, piece.column, marks) for piece in strip]
        row = b"".join(_row(marks, box) for box in boxes)
        high = median(bottom - top for _, top, _, bottom in boxes)
        of_text = _is_column(marks, boxes, row) if upright else _meets_letters(marks, boxes)
        if _is_broken(row, high, _SMALL * _thickest(marks)) and not of_text:
            for box in _whole(strip, marks):
                yield from _free(marks, box)


def _box(piece: _Piece, column: int, marks: Image.Image) -> Box:
    return column * _BLOCK, piece.top, min((column + 1) * _BLOCK, marks.width), piece.bottom


def _whole(strip: list[_Piece], marks: Image.Image) -> Iterator[Box]:
    """A strip with the columns at its ends, and those in between where something comes close to it."""
    here = strip[0]
    pieces = {piece.column: piece for piece in strip}
    for column in range(max(here.column - 2, 0), min(strip[-1].column + 3, -(-marks.width // _BLOCK))):
        here = pieces.get(column, here)
        yield _box(here, column, marks)


def _free(marks: Image.Image, box: Box) -> Iterator[Box]:
    """The parts of a strip that touch nothing above or below."""
    left, top, right, bottom = box
    top, bottom = max(top - 1, 1), min(bottom + 1, marks.height - 1)
    above, below = _row(marks, (left, top - 1, right, top)), _row(marks, (left, bottom, right, bottom + 1))
    touched = bytes(map(max, above, below))
    for free in re.finditer(rb"\x00+", touched):
        yield left + free.start(), top, left + free.end(), bottom


def _thickest(marks: Image.Image) -> int:
    """How many pixels thick a rule on such a page may be: a little over three points on letter paper."""
    return max(4, min(marks.size) // 160)


def _strips(marks: Image.Image) -> list[list[_Piece]]:
    """Thin strips of marks that run over several columns, each with nothing close above and below."""
    thin = re.compile(rb"(?<=\x00{3})\x01{1,%d}(?=\x00{3})" % _thickest(marks))
    columns = marks.reduce((_BLOCK, 1)).point([shade > 5 for shade in range(256)]).transpose(Image.Transpose.TRANSPOSE)
    rows, height = columns.tobytes(), columns.width
    open_strips: list[list[_Piece]] = []
    closed: list[list[_Piece]] = []
    for column in range(columns.height):
        going_on: list[list[_Piece]] = []
        found = [_Piece(column, *run.span()) for run in thin.finditer(rows[column * height : (column + 1) * height])]
        for strip in open_strips:
            last = strip[-1]
            following = next((piece for piece in found if _goes_on(last, piece)), None)
            if following:
                strip.append(following)
                found.remove(following)
            if following or column - last.column < _BRIDGED:
                going_on.append(strip)
            else:
                closed.append(strip)
        open_strips = going_on + [[piece] for piece in found]
    return [strip for strip in closed + open_strips if len(strip) >= _LEAST_BLOCKS]


def _goes_on(last: _Piece, piece: _Piece) -> bool:
    """Whether a piece lies as the last one did, but for a scan that is a little crooked."""
    return abs(piece.top - last.top) <= _CROOKED and abs(piece.bottom - last.bottom) <= _CROOKED


def _row(marks: Image.Image, box: Box, *, least: int = 0) -> bytes:
    """Which pixels of a level strip hold a mark, or more than ``least`` pixels of one, from left to right."""
    height = box[3] - box[1]
    row = marks.crop(box).reduce((1, height))
    return row.point([shade > 255 * least // height for shade in range(256)]).tobytes()


def _is_broken(row: bytes, high: float, small: float) -> bool:
    """Whether marks of the same length stand in a row at equal distances, each or every other one."""
    found = [mark.span() for mark in re.finditer(rb"\x01+", row)]
    if len(found) < _LEAST_MARKS:
        return False
    starts, lengths = [start for start, _ in found], [end - start for start, end in found]
    if high > max(small, _ROUND * median(lengths)) or starts[-1] - starts[0] > _SPARSE * sum(lengths):
        return False
    return _is_even([after - before for before, after in zip(starts, starts[2:], strict=False)])


def _is_even(numbers: Sequence[int]) -> bool:
    usual = median(numbers)
    return sum(abs(number - usual) <= max(2, usual / 10) for number in numbers) >= _ALIKE * len(numbers)


def _is_column(marks: Image.Image, boxes: Sequence[Box], row: bytes) -> bool:
    """Whether the marks are a column of a text, as points and ones are: where they stand, there are lines beside."""
    beside = b"".join(_beside(marks, box) for box in boxes)
    there = [text for mark, text in zip(row, beside, strict=True) if mark]
    between = [text for mark, text in zip(row, beside, strict=True) if not mark]
    return bool(there) and sum(there) / len(there) > sum(between) / max(len(between), 1) + _MORE


def _beside(marks: Image.Image, box: Box) -> bytes:
    """Where along a strip more than a rule stands on either side of it."""
    left, top, right, bottom = box
    sides = [(left, max(top - _FAR, 0), right, top - 2), (left, bottom + 2, right, min(bottom + _FAR, marks.height))]
    found = [_row(marks, side, least=_MORE_THAN_A_RULE) for side in sides if side[1] < side[3]]
    return bytes(map(max, zip(*found, strict=True)))


def _meets_letters(marks: Image.Image, boxes: Sequence[Box]) -> bool:
    """Whether letters stand on the same line, close to one end: a leader leads from word to word."""
    (left, top, _, bottom), (_, last_top, right, last_bottom) = boxes[0], boxes[-1]
    return any(
        _columns(marks, beside, (above, below)) >= _FEW_COLUMNS
        for beside, above, below in (
            ((max(left - _BESIDE, 0), left), top, bottom),
            ((right, min(right + _BESIDE, marks.width)), last_top, last_bottom),
        )
    )


def _columns(marks: Image.Image, beside: tuple[int, int], strip: tuple[int, int]) -> int:
    """How many columns beside a strip hold marks just above or just below it."""
    (left, right), (top, bottom) = beside, strip
    if left >= right:
        return 0
    close = (_row(marks, (left, max(top - 6, 0), right, top - 1)), _row(marks, (left, bottom + 1, right, bottom + 6)))
    return sum(map(max, zip(*close, strict=True)))
