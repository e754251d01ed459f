"""What connected containers reported, in words and as fields for a script."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.text import indented
from licensing.core.instants import iso
from licensing.core.text import counted
from usage.connected.listing import ConnectedUsage
from usage.months import Month
from usage.quantity import from_micro, group_digits


def connected_usage_text(month: Month, found: Sequence[ConnectedUsage], /) -> str:
    """A few lines for each resource: what each of its containers used, and when it last said so."""
    return joined(_lines(month, found)) or f"no connected container has reported any use of {month}"


def _lines(month: Month, found: Sequence[ConnectedUsage]) -> Iterator[str]:
    for resource, rows in groupby(found, key=lambda row: row.resource):
        yield f"{resource}, {month}"
        for row in rows:
            yield f"  {row.container_type} {row.container_id}"
            yield from indented(f"{group_digits(row.quantity)} {row.meter}", 4, hanging=2)
            told = f"{counted(row.reports, 'report')}, the last {iso(row.last_at.replace(microsecond=0))}"
            yield from indented(told, 4, hanging=2)


def _fields(month: Month, found: Sequence[ConnectedUsage], /) -> object:
    return {
        "month": str(month),
        "usage": [row._asdict() | {"quantity": from_micro(row.quantity)} for row in found],
    }


CONNECTED_USAGE = Answer("azlic.connected-usage/v1", connected_usage_text, _fields)
