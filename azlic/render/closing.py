"""What stands against closing a month, and what a correction changes, for people and for scripts."""

import textwrap
from typing import Any

import msgspec

from azlic.render.closed_months import closing_fields
from usage.closing.close import Closable
from usage.ledger.closed_months import ClosedMonth
from usage.ledger.corrections import Corrected
from usage.quantity import from_micro, group_digits

WIDTH = 80
MOST = 20
_encode = msgspec.json.Encoder(decimal_format="number").encode


def closable_text(found: Closable) -> str:
    """What a month holds, and everything that stands against closing it."""
    told = [f"{found.month}: {found.records:,} records in {found.series:,} series"]
    for item in found.obstacles[:MOST]:
        told += [*_wrap(f"{item.kind}: {item.detail}"), f"    see: {item.hint}"]
    if len(found.obstacles) > MOST:
        told += [f"  and {len(found.obstacles) - MOST:,} more"]
    for folder in found.unseen:
        told += _wrap(f"cannot be looked at now: {folder}")
    return "\n".join(told)


def closable_fields(found: Closable, closing: ClosedMonth | None) -> dict[str, Any]:
    """The same under the schema ``azlic.close/v1``; ``closed`` is null where it was not closed."""
    return {
        "month": str(found.month),
        "records": found.records,
        "series": found.series,
        "obstacles": [{"kind": item.kind, "detail": item.detail, "hint": item.hint} for item in found.obstacles],
        "unseen": list(found.unseen),
        "closed": closing_fields(closing),
    }


def correction_text(change: Corrected) -> str:
    """What counts of a record, and where the difference is booked."""
    counts = f"counts {group_digits(change.before)}, corrected {group_digits(change.after)}"
    return "\n".join(
        [
            f"record {change.record_id}",
            f"  {change.meter} of {change.container_id}, {change.month}",
            f"  reported {group_digits(change.reported)}, {counts}",
            f"  booked in {change.booked_month}",
        ]
    )


def correction_json(change: Corrected) -> str:
    """The same under the schema ``azlic.correction/v1``; a quantity is written with all its digits."""
    fields = {
        "schema": "azlic.correction/v1",
        "record_id": change.record_id,
        "container_id": change.container_id,
        "meter": change.meter,
        "month": str(change.month),
        "booked_month": str(change.booked_month),
        "reported": from_micro(change.reported),
        "before": from_micro(change.before),
        "after": from_micro(change.after),
    }
    return msgspec.json.format(_encode(fields), indent=2).decode()


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
