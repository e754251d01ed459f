"""A closed month as it is stored, and what its close batch bound of it: computed a second time on purpose."""

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from licensing.core.instants import from_milliseconds, iso
from usage.auditing.faults import month_text
from usage.auditing.rows import fetch

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class ClosedAs:
    """A closed month: the batch and digest it names, and the digest of what it was closed with as that is now."""

    batch: Any
    totals: Any
    closed_at: Any
    digest: bytes


def read_closed_month(connection: Connection, month: int) -> ClosedAs | None:
    """A month as it was closed; None where it is open. Raises ``Unreadable``.

    The digest is over ``["azlic.close/v1", "YYYY-MM", reason, closed_at, [[series, quantity, records], ...]]``; since
    plans are frozen over ``["azlic.close/v2", ...]`` with two arrays more, of plans and of places.
    """
    found = fetch(
        connection,
        f'SELECT "batch", "totals", "reason", "closed_at", "form" FROM closed_month WHERE "month" = {month:d}',  # noqa: S608
    )
    if not found:
        return None
    batch, totals, reason, closed_at, form = found[0]
    content = (month_text(month), reason, _instant(closed_at), read_closed_totals(connection, month))
    plans, places = read_frozen_plans(connection, month), read_frozen_places(connection, month)
    frozen = (plans, places) if form != 1 or plans or places else ()
    return ClosedAs(
        batch, totals, closed_at, hashlib.sha256(_encode((f"azlic.close/v{form}", *content, *frozen))).digest()
    )


def read_closed_totals(connection: Connection, month: int) -> list[tuple[Any, ...]]:
    """Series, quantity and records of each closed total of a month, in the order of the series."""
    query = f'SELECT "series", "quantity", "records" FROM closed_total WHERE "month" = {month:d} ORDER BY "series"'  # noqa: S608
    return fetch(connection, query)


def read_frozen_plans(connection: Connection, month: int) -> list[tuple[Any, Any, list[tuple[str, Any, Any]]]]:
    """Number, terms and periods of each plan frozen with a month; a period whose plan is not there has no terms."""
    of_month = f'WHERE "month" = {month:d} ORDER BY "plan"'
    terms = dict(fetch(connection, f'SELECT "plan", "terms" FROM closed_plan {of_month}'))  # noqa: S608
    query = f'SELECT "plan", "starts_at", "committed", "used" FROM closed_period {of_month}, "starts_at"'  # noqa: S608
    periods: dict[Any, list[tuple[str, Any, Any]]] = {}
    for plan, starts_at, committed, used in fetch(connection, query):
        periods.setdefault(plan, []).append((_instant(starts_at), committed, used))
    return [(plan, terms.get(plan), periods.get(plan, [])) for plan in sorted({*terms, *periods}, key=_in_order)]


def read_frozen_places(connection: Connection, month: int) -> list[tuple[Any, ...]]:
    """Series, resource and output folder as they were frozen with a month."""
    query = f'SELECT "series", "resource", "output" FROM closed_place WHERE "month" = {month:d} ORDER BY "series"'  # noqa: S608
    return fetch(connection, query)


def _in_order(key: Any) -> tuple[str, int]:
    return ("", key) if isinstance(key, int) else (str(key), 0)


def _instant(value: Any) -> str:
    try:
        return iso(from_milliseconds(value))
    except (TypeError, ValueError, OverflowError, OSError):
        return "none"
