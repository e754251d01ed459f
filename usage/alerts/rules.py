"""When to warn: how many days ahead, and after how many days of waiting."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

STAGES = (90, 60, 30, 14, 7, 1)


class Rules(NamedTuple):
    """A site's own thresholds, in days. ``stages_of`` holds those of a container type; a 0 turns a wait off.

    ``closed_sites`` hand over no more: at head office nothing is expected of them.
    """

    stages: tuple[int, ...] = STAGES
    stages_of: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    lead_days: int = 60
    trust_days: int = 180
    close_days: int = 5
    receipt_days: int = 45
    closed_sites: tuple[str, ...] = ()

    def expects(self, site: str) -> bool:
        """Whether something is expected of a site, or of one that handed over to it."""
        return not any(site == closed or site.startswith(f"{closed}/") for closed in self.closed_sites)

    def stages_for(self, container: str = "") -> tuple[int, ...]:
        """The days before an end at which to warn, the most first.

        The first is never later than it takes to buy what comes next: a warning that comes after that is of no use.
        """
        stages = set(self.stages_of.get(container, self.stages))
        if max(stages, default=0) < self.lead_days:
            stages.add(self.lead_days)
        return tuple(sorted(stages, reverse=True))


def stage_at(ends_at: datetime, now: datetime, stages: tuple[int, ...]) -> int | None:
    """The stage an end has come to: the fewest of these days that are left; None before the first of them."""
    return min((days for days in stages if now >= before(ends_at, days)), default=None)


def before(instant: datetime, days: int) -> datetime:
    """So many days before an instant; the first instant there is where the calendar does not reach back so far."""
    try:
        return instant - timedelta(days=days)
    except OverflowError:
        return datetime.min.replace(tzinfo=instant.tzinfo)
