"""What each period of a frozen plan commits to and used, computed again: totals and bookings held against terms.

A second computation on purpose, from the terms as they are stored; no plan is made of them as reports do.
"""

import json
from calendar import isleap, monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection

from licensing.core.text import printable
from usage.auditing.faults import AuditCheck, month_text
from usage.auditing.months import read_frozen_places, read_frozen_plans
from usage.auditing.rows import fetch
from usage.auditing.walk import Walk
from usage.months import DAY_MS
from usage.quantity import group_digits

_EPOCH = date(1970, 1, 1)
_Plan = tuple[Any, int]
"""What a plan is known by: its number and its first day."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """A frozen plan as its terms say, days as numbers."""

    plan: _Plan
    name: str
    start: int
    end: int
    yearly: bool
    quota: int
    count: int
    ratios: Mapping[str, Fraction]
    changes: tuple[tuple[int, int, int], ...]
    rules: tuple[tuple[str, str], ...]

    def periods(self, since: int, past: int) -> Iterator[tuple[int, int]]:
        """First day and the day after the last of each period that runs between two days."""
        for first, after in self._whole_periods():
            begin, end = max(first, self.start), min(after, self.end)
            if begin < past and since < end and begin < end:
                yield begin, end

    def _whole_periods(self) -> Iterator[tuple[int, int]]:
        begun = _date(self.start)
        if self.yearly:
            for years in range(_date(self.end).year - begun.year + 1):
                yield _anniversary(begun, years), _anniversary(begun, years + 1)
            return
        year, month = begun.year, begun.month
        while (first := _day(date(year, month, 1))) < self.end:
            yield first, first + monthrange(year, month)[1]
            year, month = year + month // 12, month % 12 + 1

    def committed(self, begin: int, until: int) -> int:
        """What the period from ``begin`` commits to up to a day."""
        total = self.count * self.quota
        for effective, units, quota in self.changes:
            if effective < until:
                total += quota if effective >= begin else units * self.quota
        return total


def check_commitments(connection: Connection, walk: Walk) -> None:
    """5, of what is frozen: each period was closed with what its terms and the month's use make."""
    query = 'SELECT "month" FROM closed_month WHERE "form" > 1 ORDER BY "month"'
    months = [month for (month,) in fetch(connection, query) if month in walk.months]
    _check_strays(connection, walk, months)
    query = 'SELECT "key", "site", "container_type", "container_id", "meter" FROM series'
    labels = {key: tuple(map(str, names)) for key, *names in fetch(connection, query)}
    uses = sorted(_uses(connection, walk), key=lambda use: use[0])
    drawn: dict[_Plan, list[tuple[int, str, Fraction]]] = {}
    since = None
    for month in months:
        past = _first_day(month) + monthrange(*divmod(month, 100))[1]
        frozen = read_frozen_plans(connection, month)
        places = {
            series: {"resource": str(resource), "output": str(output)}
            for series, resource, output in read_frozen_places(connection, month)
        }
        try:
            terms = [_read_terms(plan, text) for plan, text, _ in frozen]
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, ZeroDivisionError) as error:
            what = f"the terms of a plan it was closed with cannot be read: {printable(str(error))}"
            walk.faults.add(AuditCheck.MONTHS, month_text(month), what)
            since = past
            continue
        for day, series, quantity in uses:
            if (since is None or since <= day) and day < past:
                site, kind, container, meter = labels.get(series, ("", "", "", ""))
                running = [one for one in terms if meter in one.ratios and one.start <= day < one.end]
                place = {"site": site or "-", "type": kind, "container": container, **places.get(series, {})}
                one = running[0] if len(running) == 1 else _taker(running, place)
                if one is not None:
                    drawn.setdefault(one.plan, []).append((day, meter, quantity * one.ratios[meter]))
        stored = {(plan, at): (c, u) for plan, _, periods in frozen for at, c, u in periods}
        names = {one.plan[0]: one.name for one in terms}
        made: dict[tuple[Any, str], tuple[str, str]] = {}
        for one in terms:
            for begin, end in one.periods(one.start if since is None else since, past):
                until = min(end, past)
                used = _used(drawn.get(one.plan, ()), begin, until)
                made[one.plan[0], _text(begin)] = str(one.committed(begin, until)), str(used)
        for plan, at in sorted({*stored, *made}, key=str):
            _compare(walk, month, (names.get(plan, ""), plan, at), stored.get((plan, at)), made.get((plan, at)))
        since = past


def _taker(running: list[_Terms], place: dict[str, str]) -> _Terms | None:
    """The plan with the most specific rule for a place, if it is one plan alone."""
    ranked = sorted(((_rank(one, place), number) for number, one in enumerate(running)), reverse=True)
    if not ranked or not ranked[0][0] or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return running[ranked[0][1]]


def _rank(one: _Terms, place: dict[str, str]) -> tuple[int, ...]:
    """The most specific of a plan's rules for a place: container, the deepest folder, resource, site, type."""
    found: list[tuple[int, ...]] = [()]
    for scope, value in one.rules:
        if scope == "container" and value == place["container"]:
            found.append((5,))
        elif scope == "container" and value == place["type"]:
            found.append((1,))
        elif scope == "output" and place.get("output") and _is_below(place["output"], value):
            found.append((4, len(value)))
        elif scope == "resource" and value.casefold() == place.get("resource", "").casefold():
            found.append((3,))
        elif scope == "site" and value == place["site"]:
            found.append((2,))
    return max(found)


def _is_below(folder: str, above: str) -> bool:
    return f"{folder}/".startswith(f"{above.rstrip('/')}/")


def _check_strays(connection: Connection, walk: Walk, months: list[Any]) -> None:
    for table in ("closed_plan", "closed_period", "closed_place"):
        for (month,) in fetch(connection, f'SELECT DISTINCT "month" FROM {table} ORDER BY "month"'):  # noqa: S608
            if month not in months:
                what = f"there are rows of table {table} for it, and no batch closed it with them"
                walk.faults.add(AuditCheck.MONTHS, month_text(month), what)


def _compare(
    walk: Walk, month: Any, named: tuple[str, Any, str], stored: tuple[Any, Any] | None, made: tuple[str, str] | None
) -> None:
    if stored == made:
        return
    name, plan, at = named
    where = f"{month_text(month)}, plan {printable(name or plan)}, period from {at[:10]}"
    if stored is None or made is None:
        what = "it is missing" if stored is None else "its terms have no such period"
    else:
        what = (
            f"it was closed with {_amount(stored[1])} used of {_amount(stored[0])},"
            f" and the ledger makes it {_amount(made[1])} of {_amount(made[0])}"
        )
    walk.faults.add(AuditCheck.MONTHS, where, what)


def _amount(text: Any) -> str:
    try:
        return group_digits(int(text))
    except (TypeError, ValueError):
        return printable(str(text))


def _used(drawn: Any, begin: int, until: int) -> int:
    by_meter: dict[str, Fraction] = {}
    for day, meter, amount in drawn:
        if begin <= day < until:
            by_meter[meter] = by_meter.get(meter, Fraction()) + amount
    return sum(amount.numerator // amount.denominator for amount in by_meter.values())


def _uses(connection: Connection, walk: Walk) -> Iterator[tuple[int, int, int]]:
    """Day, series and quantity of all that counts: the days' sums, and each booking on the day that bears it."""
    for day, sums in walk.sums.items():
        for series, (quantity, _, _) in sums.items():
            yield day, series, quantity
    query = (
        'SELECT c."booked_month", c."month", c."series", c."quantity", c."booked_at", r."requested_at"'
        ' FROM correction c LEFT JOIN record r ON r."id" = c."record_id"'
    )
    for booked, month, series, quantity, at, own in fetch(connection, query):
        try:
            first = _first_day(booked)
            last = first + monthrange(*divmod(booked, 100))[1] - 1
            yield min(max((own if month == booked else at) // DAY_MS, first), last), series, quantity
        except (TypeError, ValueError):
            continue  # the walk has told of it


def _read_terms(plan: Any, text: Any) -> _Terms:
    terms = json.loads(text)
    start, end = _instant_day(terms["starts_at"]), _instant_day(terms["ends_at"])
    if terms["period"] not in ("month", "year") or terms["key"] != plan:
        raise ValueError(f"plan {plan}")
    return _Terms(
        plan=(plan, start),
        name=str(terms["name"]),
        start=start,
        end=end,
        yearly=terms["period"] == "year",
        quota=int(terms["quota"]),
        count=int(terms["count"]),
        ratios={one["meter"]: Fraction(one["multiplier"], one["divisor"]) for one in terms["meters"]},
        changes=tuple(
            (_instant_day(one["effective_at"]), int(one["units"]), int(one["quota"])) for one in terms["changes"]
        ),
        rules=tuple((str(one["scope"]), str(one["value"])) for one in terms.get("rules", ())),
    )


def _instant_day(text: str) -> int:
    return _day(datetime.fromisoformat(text).astimezone(UTC).date())


def _day(day: date) -> int:
    return (day - _EPOCH).days


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def _text(day: int) -> str:
    return f"{_date(day).isoformat()}T00:00:00Z"


def _first_day(month: int) -> int:
    return _day(date(*divmod(month, 100), 1))


def _anniversary(begun: date, years: int) -> int:
    """The same day in another year; 29 February is 1 March where there is none."""
    year = begun.year + years
    if (begun.month, begun.day) == (2, 29) and not isleap(year):
        return _day(date(year, 3, 1))
    return _day(begun.replace(year=year))
