"""The burn-down of a commitment as a drawing: what is left day by day, even use, and where the pace leads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from azlic.web.pages.scale import FRAMES, Frame, Tick, instants, month_label, quantities, thin
from usage.months import Month
from usage.reporting.burndown import Level
from usage.reporting.forecast import Outlook
from usage.reporting.plan_usage import PlanUsage

Point = tuple[float, float]
_LABEL_WIDTH, _LETTER_HEIGHT = 110, 14


@dataclass(frozen=True, slots=True)
class BurnDownChart:
    """Where everything lies, in the frame's pixels. The projection is empty where there is none to be drawn."""

    frame: Frame
    upright: list[Tick]
    lying: list[Tick]
    zero: float
    even: tuple[Point, Point]
    left: list[Point]
    projection: list[Point]
    span: list[Point]
    now: Point

    @property
    def label(self) -> tuple[float, float, str]:
        """Where the last level's label begins or ends, within the frame, and which of them it is."""
        x, y = self.now
        fits = x + _LABEL_WIDTH <= self.frame.width
        return (x + 8 if fits else x - 8), max(y - 8, _LETTER_HEIGHT), "start" if fits else "end"


def burn_down_charts(usage: PlanUsage, levels: Sequence[Level]) -> list[BurnDownChart]:
    """The drawing in each frame."""
    return [_burn_down_chart(usage, levels, frame) for frame in FRAMES]


def _burn_down_chart(usage: PlanUsage, levels: Sequence[Level], frame: Frame) -> BurnDownChart:
    lows, highs = [level.remaining for level in levels], [level.committed for level in levels]
    start, end = usage.period_starts_at, usage.period_ends_at
    y, upright = quantities(frame, min(0, *lows), max(*highs, *lows))
    x, lying = instants(frame, start, end)
    last = levels[-1]

    def ends(outlook: Outlook) -> Point:
        if outlook.runs_out_at is not None:
            return x(outlook.runs_out_at), y(0)
        return x(end), y(max(0, usage.committed - outlook.used))

    here = (x(last.at), y(last.remaining))
    drawn = usage.projection if usage.remaining > 0 else None
    span: list[Point] = []
    if drawn is not None and drawn.least is not None and drawn.most is not None:
        span = _span(here, ends(drawn.most), ends(drawn.least), (x(end), y(0)))
    return BurnDownChart(
        frame=frame,
        upright=upright,
        lying=lying,
        zero=y(0),
        even=((x(start), y(usage.committed)), (x(end), y(0))),
        left=_steps(levels, x, y),
        projection=[here, ends(drawn.expected)] if drawn is not None else [],
        span=span,
        now=here,
    )


def _span(here: Point, most: Point, least: Point, corner: Point) -> list[Point]:
    """The area between the projections of the most and of the least used week."""
    turns = [corner] if most[1] == corner[1] and least[0] == corner[0] and most[0] < corner[0] else []
    return [here, most, *turns, least]


def _steps(levels: Sequence[Level], x: Callable[[datetime], float], y: Callable[[float], float]) -> list[Point]:
    """The line of what is left; units that were added lift it at once, not over a day."""
    points: list[Point] = []
    before = levels[0]
    for level in levels:
        if level.committed != before.committed:
            points.append((x(before.at), y(before.remaining + level.committed - before.committed)))
        points.append((x(level.at), y(level.remaining)))
        before = level
    return points


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
    return MonthBars(frame, upright, list(thin(middles, frame.labels)), bars, y(0))
