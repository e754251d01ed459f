"""Twelve months of a meter as a drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from azlic.html.scale import FRAMES, Frame, Tick, month_label, quantities, thinned
from usage.months import Month

_FILL = 0.68


@dataclass(frozen=True, slots=True)
class Bar:
    """One month's bar. ``so_far`` marks the month that is not over."""

    month: Month
    left: float
    top: float
    width: float
    height: float
    so_far: bool


@dataclass(frozen=True, slots=True)
class MonthBars:
    """Where everything lies, in the frame's pixels."""

    frame: Frame
    upright: list[Tick]
    lying: list[Tick]
    bars: list[Bar]
    zero: float


def month_bars(months: Sequence[tuple[Month, int]], as_of: datetime) -> list[MonthBars]:
    """The drawing in each frame."""
    return [_month_bars(months, as_of, frame) for frame in FRAMES]


def _month_bars(months: Sequence[tuple[Month, int]], as_of: datetime, frame: Frame) -> MonthBars:
    values = [micro for _, micro in months]
    y, upright = quantities(frame, min(0, *values), max(0, *values))
    slot = (frame.edge - frame.left) / len(months)
    bars, middles = [], []
    for number, (month, micro) in enumerate(months):
        left = frame.left + slot * (number + (1 - _FILL) / 2)
        top, bottom = sorted((y(micro), y(0)))
        running = month.starts_at <= as_of < month.next.starts_at
        bars.append(Bar(month, round(left, 1), top, round(slot * _FILL, 1), round(bottom - top, 1), running))
        middles.append(Tick(round(left + slot * _FILL / 2, 1), month_label(month)))
    return MonthBars(frame, upright, list(thinned(middles, frame.labels)), bars, y(0))
