"""The digests that bind a batch: simple enough to be computed again by somebody else, years later.

Each is SHA-256 over JSON without spaces, in UTF-8, of an array that names what it is. Whoever writes or hands over uses
these. Two put the bytes together again on purpose, to prove them: ``usage.auditing``, from rows of which it trusts
nothing, and ``scripts/verify_export.py``, which has to run where no azlic is.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

Labels = tuple[str, str, str, str, str, str]
"""What names a series: container id, meter, container version, container type, api type, site."""

Row = tuple[int, str, int, int, int, int | None, str | None]
"""A record as it is stored: number, id, series, quantity, requested_at, sequence, extra."""
TIME = 4
"""Where a row holds its time, in milliseconds."""

Booking = tuple[int, str, int, int, str, int, int, str]
"""A correction as it is stored: number, kind, booked_month, month, record_id, series, quantity, reason."""

Frozen = tuple[Sequence[tuple[int, str, Sequence[tuple[str, str, str]]]], Sequence[tuple[int, str, str]]]
"""What a closing freezes beside totals, plans and places.

A plan is its number, its terms and its periods: first day, committed, used. A place is series, resource, output folder.
"""

ORIGIN = bytes(32)
"""The head before the first batch."""

encode = msgspec.json.Encoder().encode
"""The bytes that are digested."""


def canonical_digest(value: object) -> bytes:
    """The digest of a value's bytes."""
    return hashlib.sha256(encode(value)).digest()


def entries_digest(entries: Sequence[tuple[int, str, str, str | None]]) -> bytes:
    """The digest of a batch's entries: of each its number, table, key and image."""
    return canonical_digest(entries)


NO_ENTRIES = entries_digest(())
"""The digest of no entries."""


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """Everything about a batch that its head binds, beside the head before it.

    ``source`` is a key, ``taken_at`` Unix milliseconds, ``entries`` their digest. Earlier versions bound neither of the
    three: their batches have no ``entries``.
    """

    sequence: int
    file: str
    start: int
    stop: int
    consumed: bytes
    first_record: int
    records: int
    rows: bytes
    source: int = 0
    taken_at: int = 0
    entries: bytes | None = None


def rows_bytes(
    new_series: Sequence[tuple[int, Labels]], rows: Sequence[Row], corrections: Sequence[Booking] = ()
) -> bytes:
    """A batch's rows as stored, together with the series it introduces: ``[[series], [rows]]``.

    A batch that books corrections has a third array for them.
    """
    return encode((new_series, rows, corrections) if corrections else (new_series, rows))


def rows_digest(
    new_series: Sequence[tuple[int, Labels]], rows: Sequence[Row], corrections: Sequence[Booking] = ()
) -> bytes:
    """The digest of ``rows_bytes``."""
    return hashlib.sha256(rows_bytes(new_series, rows, corrections)).digest()


def close_bytes(
    month: str, reason: str, closed_at: str, totals: Sequence[tuple[int, int, int]], frozen: Frozen | None = None
) -> bytes:
    """A closed month: its name, why and when it was closed, its totals in the order of series, and what it froze.

    A total is series, quantity, records. None was frozen by earlier versions.
    """
    if frozen is None:
        return encode(("azlic.close/v1", month, reason, closed_at, totals))
    return encode(("azlic.close/v2", month, reason, closed_at, totals, *frozen))


def close_digest(
    month: str, reason: str, closed_at: str, totals: Sequence[tuple[int, int, int]], frozen: Frozen | None = None
) -> bytes:
    """The digest of ``close_bytes``."""
    return hashlib.sha256(close_bytes(month, reason, closed_at, totals, frozen)).digest()


def batch_head(previous: bytes, batch: SealedBatch) -> bytes:
    """The head of the ledger after a batch: it binds every field of it, and through ``previous`` all before it."""
    fields = (
        batch.sequence,
        batch.file,
        batch.start,
        batch.stop,
        batch.consumed.hex(),
        batch.first_record,
        batch.records,
        batch.rows.hex(),
    )
    if batch.entries is None:
        return canonical_digest(("azlic.batch/v1", previous.hex(), *fields))
    more = (batch.source, batch.taken_at, batch.entries.hex())
    return canonical_digest(("azlic.batch/v2", previous.hex(), *fields, *more))
