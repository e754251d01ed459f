"""Pages in a script that was not asked for: what is read there looks like print, and holds no words of a language."""

import unicodedata
from collections.abc import Sequence
from statistics import median

from engines.read.languages import lacks_script
from engines.read.text import Line, PageReading

_POOR = 0.7
"""Print in the script of an open model is read better, however bad its scan, or holds words that a dictionary knows."""
_MIXED_POOR = 0.8
FEW_LETTERS = 10
"""Fewer tell no script."""
_KNOWN, _HALF_KNOWN = 0.2, 0.45
_PART = 0.15
_EVEN, _STRAY = 0.7, 5
_SURELY, _PERHAPS = 2.0, 1.0
"""How sure Tesseract is of the way up where it is of the script, too: on noise it never is."""


def seems_foreign(reading: PageReading, script: str | None, orientation: float, models: Sequence[str]) -> bool:
    """Whether a reading as Tesseract gave it is guesswork on letters of a script that none of these models reads.

    ``script`` is what Tesseract takes the page for by its look, and ``orientation`` how sure it is of the way up.
    """
    lacking = script is not None and lacks_script(script, models)
    if reading.confidence >= _POOR:
        return lacking and orientation >= _PERHAPS and reading.confidence < _MIXED_POOR and _is_mixed(reading)
    if lacking and orientation >= _SURELY and reading.known < _HALF_KNOWN:
        return True
    return reading.known < _KNOWN and _is_print(reading)


def named(script: str | None, orientation: float, models: Sequence[str]) -> str:
    """What a refusal calls the script of a page."""
    if script is not None and orientation >= _PERHAPS and lacks_script(script, models):
        return f"{script} script"
    return "another script or language"


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _is_mixed(reading: PageReading) -> bool:
    """Whether Latin and Greek letters both have a good part in a page: Cyrillic ones are taken for either."""
    names = [unicodedata.name(letter, "") for word in reading.words for letter in word.text if letter.isalpha()]
    return all(sum(name.startswith(script) for name in names) >= _PART * len(names) for script in ("LATIN", "GREEK"))


def _is_print(reading: PageReading) -> bool:
    """Whether letters stand in even lines: what is read in drawings and photographs is of all sizes."""
    lines = [(_letters(line.text), _height(line), line) for line in reading.lines]
    letters = sum(count for count, _, _ in lines)
    if letters < FEW_LETTERS:
        return False
    usual = median(height for count, height, _ in lines for _ in range(count))
    even = sum(
        count for count, height, line in lines if usual / 1.5 <= height <= usual * 1.5 and len(line.text) > _STRAY
    )
    return even >= _EVEN * letters


def _height(line: Line) -> int:
    left, top, right, bottom = line.box
    return right - left if round(line.angle / 90) % 2 else bottom - top
