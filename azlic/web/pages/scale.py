"""Axes: where a quantity or an instant belongs in a chart, and which of them get a label."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from usage.months import Month
from usage.quantity import MICRO

_Mark = TypeVar("_Mark")
_STEPS = (1, 2, 2.5, 5, 10)
_SHORT = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


@dataclass(frozen=True, slots=True)
class Frame:
    """A chart's size, and the margins around what is drawn, in CSS pixels: it is shown at this size."""

    name: str
    width: int
    height: int
    labels: int
    left: int = 52
    right: int = 14
    top: int = 16
    bottom: int = 24

    @property
    def floor(self) -> int:
        """Where the plot ends below."""
        return self.height - self.bottom

    @property
    def edge(self) -> int:
        """Where the plot ends on the right."""
        return self.width - self.right


FRAMES = (Frame("wide", 680, 270, labels=12), Frame("narrow", 336, 230, labels=5))
"""Each chart is drawn for a wide and for a narrow page, so that its letters are never scaled."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and its label."""

    at: float
    label: str


def quantities(frame: Frame, low: float, high: float) -> tuple[Callable[[float], float], list[Tick]]:
    """The upright axis over quantities in millionths, and round ones on it."""
    step = _round_step((high - low) / 4 or MICRO)
    first, last = math.floor(low / step) * step, math.ceil(high / step) * step
    span = (last - first) or step

    def place(micro: float) -> float:
        return round(frame.floor - (micro - first) / span * (frame.floor - frame.top), 1)

    values = [first + step * number for number in range(round(span / step) + 1)]
    return place, [Tick(place(value), short(value)) for value in values]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * 0.999)


def short(micro: float) -> str:
    """A quantity for an axis: 250k, 1.2M."""
    number = micro / MICRO
    for size, letter in _SHORT:
        if abs(number) >= size:
            return f"{number / size:.4g}{letter}".replace("-", "\u2212")
    return f"{number:.4g}".replace("-", "\u2212")


def instants(frame: Frame, start: datetime, end: datetime) -> tuple[Callable[[datetime], float], list[Tick]]:
    """The lying axis over time, and the months on it; in a short span weeks."""
    span = (end - start).total_seconds()

    def place(at: datetime) -> float:
        return round(frame.left + (at - start).total_seconds() / span * (frame.edge - frame.left), 1)

    marks = list(_weeks(start, end)) if end - start <= timedelta(days=62) else list(_months(start, end))
    return place, [Tick(place(at), label) for at, label in thin(marks, frame.labels)]


def thin(marks: Sequence[_Mark], most: int) -> Sequence[_Mark]:
    """Every first, second, third... of the marks: as many as there is room for."""
    return marks[:: max(1, -(-len(marks) // most))]


def _months(start: datetime, end: datetime) -> Iterator[tuple[datetime, str]]:
    month = Month.of(start)
    if month.starts_at < start:
        month = month.next
    while month.starts_at < end:
        yield month.starts_at, month_label(month)
        month = month.next


def month_label(month: Month) -> str:
    """A month on an axis: Mar, and the year instead of January."""
    return f"{month.starts_at:%b}" if month.month > 1 else f"{month.year}"


def _weeks(start: datetime, end: datetime) -> Iterator[tuple[datetime, str]]:
    while start < end:
        yield start, f"{start.day} {start:%b}"
        start += timedelta(days=7)
