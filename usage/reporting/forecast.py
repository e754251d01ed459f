"""Pace: how fast a commitment is used, when it will be used up at that pace, and what would cover more."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from usage.plans.model import Plan
from usage.quantity import MICRO

WEEK = 7
WEEKS = 4
"""The pace is that of the last four whole weeks, or of as many as there have been since the first use."""
_MICROSECOND = timedelta(microseconds=1)
_DAY_MICROSECONDS = 86_400_000_000


class Pace(NamedTuple):
    """Use a day, in millionths of the plan's unit: over ``weeks`` whole weeks, and in the least and the most used one.

    ``lowest`` and ``highest`` are None while there is but one week: one week says nothing about the next.
    """

    weeks: int
    per_day: Fraction
    lowest: Fraction | None
    highest: Fraction | None


def pace_on(daily: Mapping[int, Fraction], today: int) -> Pace | None:
    """The pace on a day, from the use of each day (by day number) before it; None before a whole week has gone by.

    The day itself is not over and does not count; days without use since the first one count as nothing used.
    """
    first = min((day for day in daily if day < today), default=today)
    weeks = min(WEEKS, (today - first) // WEEK)
    if not weeks:
        return None
    paces = [
        sum((daily.get(today - 1 - WEEK * week - day, Fraction()) for day in range(WEEK)), Fraction()) / WEEK
        for week in range(weeks)
    ]
    return Pace(
        weeks=weeks,
        per_day=sum(paces, Fraction()) / weeks,
        lowest=min(paces) if weeks > 1 else None,
        highest=max(paces) if weeks > 1 else None,
    )


class Outlook(NamedTuple):
    """One pace carried on: what will be used at the period's end, and when the commitment is used up.

    ``runs_out_at`` is None when it lasts to the period's end, or is used up already.
    """

    used: int
    runs_out_at: datetime | None


class Projection(NamedTuple):
    """The period's end as the pace has it; ``least`` and ``most`` carry on the lowest and the highest week."""

    expected: Outlook
    least: Outlook | None
    most: Outlook | None


def project(known: Pace, *, used: int, committed: int, at: datetime, ends_at: datetime) -> Projection:
    """Carry a pace on from an instant to the period's end; all in millionths, rounded down."""

    left = Fraction((ends_at - at) // _MICROSECOND, _DAY_MICROSECONDS)
    missing = committed - used

    def outlook(per_day: Fraction) -> Outlook:
        runs_out = 0 < missing < per_day * left
        wait = int(missing / per_day * _DAY_MICROSECONDS) * _MICROSECOND if runs_out else None
        return Outlook(used + int(per_day * left), None if wait is None else at + wait)

    return Projection(
        expected=outlook(known.per_day),
        least=None if known.lowest is None else outlook(known.lowest),
        most=None if known.highest is None else outlook(known.highest),
    )


class Cover(NamedTuple):
    """How many units would cover an overage: at the tier's full quota, and pro-rated if bought on the day.

    ``prorated`` is None once there is no day left to buy from.
    """

    overage: int
    full: int
    prorated: int | None


def cover(plan: Plan, overage: int, at: datetime, *, start: datetime, end: datetime) -> Cover | None:
    """What would cover an overage of the period from ``start`` to ``end``, bought on the day of ``at``.

    None without an overage. The same rule as ``Plan.prorated``, turned round.
    """
    if overage <= 0:
        return None
    left = (end - at.replace(hour=0, minute=0, second=0, microsecond=0)).days
    whole = -(-overage // MICRO)  # what is added is rounded down to whole units of the plan
    return Cover(
        overage=overage,
        full=-(-overage // plan.quota),
        prorated=-(-whole * MICRO * (end - start).days // (plan.quota * left)) if left > 0 else None,
    )


def used_up_day(daily: Mapping[int, Fraction], committed: int, first: int, past: int) -> int | None:
    """The day on which use since ``first`` reached the commitment; None when it has not."""
    total = Fraction()
    for day in sorted(day for day in daily if first <= day < past):
        total += daily[day]
        if total >= committed:
            return day
    return None
