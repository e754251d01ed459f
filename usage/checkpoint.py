"""The checkpoint: three lines that say how far a ledger had come, for somebody else to remember.

The ledger's origin, its size in batches, and the head behind the last of them. Source: C2SP tlog-checkpoint.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime

import uuid_utils
from sqlalchemy import Connection, insert, select

from licensing.errors import BadCall
from usage.export_tables import Origin

_FORM = re.compile(r"([^\n]{1,300})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n?")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A ledger's origin, its size in batches, and the head behind the last of them."""

    origin: str
    size: int
    head: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.head).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read the three lines. Raises ``BadCall`` for anything else."""
        match = _FORM.fullmatch(text)
        try:
            if match is not None and match[1].isprintable():
                return cls(match[1], int(match[2]), base64.b64decode(match[3], validate=True))
        except binascii.Error:
            pass
        raise BadCall(
            "it is not a checkpoint of three lines: origin, size, head", hint="azlic export and inspect show one"
        )


def origin_of(connection: Connection, *, site: str, now: datetime) -> str:
    """The one name of this ledger, given when it is first asked for; ``connection`` may then have to write."""
    known = connection.execute(select(Origin.name)).scalar()
    if known is None:
        known = f"{site or 'site'}/{uuid_utils.uuid7()}"
        connection.execute(insert(Origin).values(name=known, made_at=now))
    return known
