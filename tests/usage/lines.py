"""Usage lines as a container writes them, made without the code under test."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.site import CONTAINER_ID, METER, START


def unix_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def a_line(name: str = "a", quantity: object = 1, *, at: datetime = START, **changes: Any) -> bytes:
    """A record without a chain; ``name`` is its id, ``changes`` are other fields by their JSON names."""
    fields: dict[str, object] = {
        "id": name,
        "containerType": "read",
        "containerVersion": "3.2.0",
        "containerId": CONTAINER_ID,
        "meter": {"name": METER, "quantity": quantity},
        "requestTime": unix_ms(at),
        "apiType": "vision.read",
    }
    return json.dumps(fields | changes, separators=(",", ":")).encode()


def raw_line(quantity: str = "1", time: str = "1772352000000", more: str = "") -> bytes:
    """A record whose numbers are written exactly so."""
    return (
        f'{{"id":"a","containerType":"read","containerVersion":"3.2.0","containerId":"{CONTAINER_ID}",'
        f'"meter":{{"name":"{METER}","quantity":{quantity}}},"requestTime":{time},"apiType":"vision.read"{more}}}'
    ).encode()


def a_chain(
    count: int, *, container: str = CONTAINER_ID, after: Sequence[bytes] = (), at: datetime = START
) -> list[bytes]:
    """The next ``count`` records of a container, each of quantity 1 and bound to the line before."""
    lines = list(after)
    for number in range(len(after) + 1, len(after) + count + 1):
        previous = hashlib.sha256(lines[-1]).hexdigest() if lines else "0" * 64
        lines.append(a_line(f"{container}-{number}", at=at, containerId=container, sequence=number, previous=previous))
    return lines[len(after) :]
