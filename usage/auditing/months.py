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
    """A closed month: the batch and digest it names, and the digest of its closed totals as they are."""

    batch: Any
    totals: Any
    digest: bytes


def read_closed_month(connection: Connection, month: int) -> ClosedAs | None:
    """A month as it was closed; None where it is open. Raises ``Unreadable``.

    The digest is over ``["azlic.close/v1", "YYYY-MM", reason, closed_at, [[series, quantity, records], ...]]``.
    """
    found = fetch(
        connection,
        f'SELECT "batch", "totals", "reason", "closed_at" FROM closed_month WHERE "month" = {month:d}',  # noqa: S608
    )
    if not found:
        return None
    batch, totals, reason, closed_at = found[0]
    content = ("azlic.close/v1", month_text(month), reason, _instant(closed_at), read_closed_totals(connection, month))
    return ClosedAs(batch, totals, hashlib.sha256(_encode(content)).digest())


def read_closed_totals(connection: Connection, month: int) -> list[tuple[Any, ...]]:
    """Series, quantity and records of each closed total of a month, in the order of the series."""
    query = f'SELECT "series", "quantity", "records" FROM closed_total WHERE "month" = {month:d} ORDER BY "series"'  # noqa: S608
    return fetch(connection, query)


def _instant(value: Any) -> str:
    try:
        return iso(from_milliseconds(value))
    except (TypeError, ValueError, OverflowError, OSError):
        return "none"
