"""What can be wrong with an output folder beside access: several containers that write into one.

Layout: ``{service}/{container id}/...`` (facts §2.4); what the containers' own report sums up: facts §2.1.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from itertools import combinations

from licensing.core.text import printable
from licensing.doctor.finding import DoctorFinding
from licensing.doctor.tree import Tree

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH = date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86_400
_AT_ONCE_DAYS = 2
"""A container that is made anew shares one day with the one before it; two that run side by side share more."""


def sharing_findings(tree: Tree) -> Iterable[DoctorFinding]:
    """Two containers whose files are of the same days, again and again."""
    pair = _side_by_side(_days(tree))
    if pair is not None:
        yield DoctorFinding(
            "output-shared",
            tree.folder,
            f"{printable(pair[0])} and {printable(pair[1])} write into it at the same time",
            do="give each container an output folder of its own (-v), or use azlic ingest, which counts records once",
            names=(printable(pair[0]), printable(pair[1])),
        )


def _days(tree: Tree) -> dict[int, set[str]]:
    """The containers that wrote on each day: the day in a file's name, or the one it was last written on."""
    days: dict[int, set[str]] = {}
    for entry in tree.entries:
        container, _, name = entry.path.rpartition("/")
        if entry.is_file and "/" in container:
            days.setdefault(_day(name, entry.modified), set()).add("/".join(container.split("/")[:2]))
    return days


def _day(name: str, modified: float) -> int:
    named = _DAY.search(name)
    day = _number_of(named[0]) if named else None
    return int(modified // _DAY_SECONDS) if day is None else day


@lru_cache(maxsize=10_000)
def _number_of(day: str) -> int | None:
    try:
        return date.fromisoformat(day).toordinal() - _EPOCH
    except ValueError:
        return None  # a name that only looks like a day


def _side_by_side(days: dict[int, set[str]]) -> tuple[str, str] | None:
    together: Counter[tuple[str, str]] = Counter()
    for _, containers in sorted(days.items()):
        for pair in combinations(sorted(containers), 2):
            together[pair] += 1
            if together[pair] >= _AT_ONCE_DAYS:
                return pair
    return None
