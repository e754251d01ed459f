"""What of a reading is text: rules, boxes and bars that were taken for letters are none, nor is mere guesswork."""

import statistics
from dataclasses import replace

from engines.read.text import Line, PageReading, Word, page_reading

_GUESSED_PAGE = 0.4
"""A page below it was not read but guessed: letters that stand upside down reach about 0.25."""
_GUESSED_WORD = 0.1
"""Of the words below it, one in twelve is right."""
_SURE = 0.8
_STROKES = frozenset("|¦\\_")
"""Signs that no text consists of, but drawings do."""


def legible(reading: PageReading) -> PageReading:
    """The reading without what is no text; empty where nothing could be read."""
    if reading.confidence < _GUESSED_PAGE:
        return PageReading((), 0.0)
    height = letter_height(reading)
    quarters = _quarters(reading.angle)
    lines = (
        replace(line, words=tuple(word for word in line.words if not _is_drawn(word, line, height, quarters)))
        for line in reading.lines
    )
    return page_reading([line for line in lines if line.words])


def letter_height(reading: PageReading) -> float | None:
    """How high the words of a page are that are surely text, if there are any."""
    sure = [
        _size(word, line)[1]
        for line in reading.lines
        for word in line.words
        if word.confidence >= _SURE and _has_letters(word)
    ]
    return statistics.median(sure) if sure else None


def _is_drawn(word: Word, line: Line, height: float | None, quarters: int) -> bool:
    """Whether a word is guesswork or a piece of a drawing, on a page whose letters are so high and turned like this."""
    if word.confidence < _GUESSED_WORD or _STROKES.issuperset(word.text):
        return True
    if not _has_letters(word):
        return word.confidence < 0.7 or (height is not None and _is_oversized(word, line, 2 * height))
    if word.confidence >= 0.6 or height is None:
        return False
    return _quarters(line.angle) != quarters or _is_oversized(word, line, 3 * height)


def _has_letters(word: Word) -> bool:
    return any(map(str.isalnum, word.text))


def _is_oversized(word: Word, line: Line, most: float) -> bool:
    width, height = _size(word, line)
    return height > most or width > most * len(word.text)


def _size(word: Word, line: Line) -> tuple[int, int]:
    """A word's width and height, as its line runs."""
    left, top, right, bottom = word.box
    across, down = right - left, bottom - top
    return (down, across) if _quarters(line.angle) % 2 else (across, down)


def _quarters(angle: float) -> int:
    return round(angle / 90) % 4
