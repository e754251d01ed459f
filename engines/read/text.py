"""What was read: words, lines and the page's whole text, with boxes, confidences and directions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[int, int, int, int]
_LONG = 5


Part = tuple[Box, int]
"""A part of a page whose text is upright when it is turned left by so many quarters."""


@dataclass(frozen=True)
class Word:
    """A word with its box (left, top, right, bottom, in pixels) and a confidence from 0 to 1.

    ``known`` where it stands in the dictionary of a language.
    """

    text: str
    box: Box
    confidence: float
    known: bool = False


@dataclass(frozen=True)
class Line:
    """The words of one line, in the order they are read; ``angle`` is as that of a ``PageReading``."""

    words: tuple[Word, ...]
    angle: float = 0.0

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        lefts, tops, rights, bottoms = zip(*(word.box for word in self.words), strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)


@dataclass(frozen=True)
class PageReading:
    """What was read on one page; ``angle`` is the text's clockwise turn in degrees, above -180 to 180."""

    lines: tuple[Line, ...]
    angle: float

    @property
    def words(self) -> list[Word]:
        return [word for line in self.lines for word in line.words]

    @property
    def characters(self) -> int:
        return sum(len(word.text) for word in self.words)

    @property
    def confidence(self) -> float:
        """The mean over all characters; 0 where nothing was read."""
        return sum(len(word.text) * word.confidence for word in self.words) / max(self.characters, 1)

    @property
    def known(self) -> float:
        """The part of the letters that stand in long words of a dictionary: by chance letters make short ones."""
        words = [(sum(map(str.isalpha, word.text)), word.known) for word in self.words]
        known = sum(letters for letters, is_known in words if is_known and letters >= _LONG)
        return known / max(sum(letters for letters, _ in words), 1)

    @property
    def worth(self) -> float:
        """How many more characters are likely right than wrong: of two readings of a page, the higher is kept."""
        return self.characters * (2 * self.confidence - 1)


def page_reading(lines: Sequence[Line]) -> PageReading:
    """The reading of a page from its lines: their words alone say which way it is turned."""
    return PageReading(tuple(lines), _common_angle(lines))


def _common_angle(lines: Sequence[Line]) -> float:
    """The median angle of the lines, each weighing as much as its letters are sure."""
    weighed = [(line.angle, sum(len(word.text) * word.confidence for word in line.words)) for line in lines]
    whole = sum(weight for _, weight in weighed)
    if not whole:
        return 0.0
    # Around the direction of them all: the plain median of 179 and -179 would be 0.
    across = sum(weight * math.cos(math.radians(angle)) for angle, weight in weighed)
    down = sum(weight * math.sin(math.radians(angle)) for angle, weight in weighed)
    middle = direction(across, down)
    passed = 0.0
    for off, weight in sorted((half_turn(angle - middle), weight) for angle, weight in weighed):
        passed += weight
        if passed >= whole / 2:
            return half_turn(middle + off)
    return middle


def direction(across: float, down: float) -> float:
    """The clockwise angle of a step, in degrees: a page's y axis points down."""
    return math.degrees(math.atan2(down, across))


def half_turn(angle: float) -> float:
    """The same angle, above -180 and up to 180."""
    return 180 - (180 - angle) % 360
