"""Silence: containers that have gone without a record for longer than they usually do."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from usage.reporting.daily import DayUse, UseKind

HABIT_DAYS = 91
LEAST_DAYS = 5


class Activity(StrEnum):
    """What is known of a container by its records."""

    IN_USE = "in-use"
    SILENT = "silent"
    NEW = "new"
    GONE = "gone"


class ContainerActivity(NamedTuple):
    """When a container last wrote a record. ``quiet_days`` are whole days since; ``habit`` its longest pause before.

    ``habit`` is None while a container is new.
    """

    site: str
    container_type: str
    container_id: str
    last_at: datetime
    quiet_days: int
    habit: int | None
    standing: Activity


def container_activity(days: Iterable[DayUse], today: int) -> tuple[ContainerActivity, ...]:
    """The containers, each with its last record and whether it is silent on a day.

    The rule: look at the 13 weeks up to a container's last record, and at the longest run of days without any in them.
    A container that has now been without a record for more whole days than that is silent. One with fewer than five
    days of use in them is new and has no habit yet; one without a record for 13 weeks is gone, and no longer silent.
    Days are UTC days; today does not count, for it is not over.
    """
    by_container: dict[tuple[str, str, str], list[DayUse]] = defaultdict(list)
    for use in days:
        if use.kind is UseKind.REPORTED:  # that something was booked is no sign of life
            by_container[use.site, use.container_type, use.container_id].append(use)
    return tuple(_activity_of(by_container[key], today) for key in sorted(by_container))


def _activity_of(days: list[DayUse], today: int) -> ContainerActivity:
    last = max(use.day for use in days)
    active = sorted({use.day for use in days if last - HABIT_DAYS < use.day})
    quiet = max(0, today - last - 1)
    habit = max(later - earlier - 1 for earlier, later in pairwise(active)) if len(active) >= LEAST_DAYS else None
    return ContainerActivity(
        site=days[0].site,
        container_type=days[0].container_type,
        container_id=days[0].container_id,
        last_at=max(use.last_at for use in days),
        quiet_days=quiet,
        habit=habit,
        standing=_standing(quiet, habit),
    )


def _standing(quiet: int, habit: int | None) -> Activity:
    if quiet >= HABIT_DAYS:
        return Activity.GONE
    if habit is None:
        return Activity.NEW
    return Activity.SILENT if quiet > habit else Activity.IN_USE
