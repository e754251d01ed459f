"""Counts: how many records, late records and corrections there are, and what they come to. Every outlet counts here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from usage.ledger.correction_kinds import LATE, REPLACEMENT, REVERSAL


class Counts(NamedTuple):
    """What a meter counts: records in their time, records that came late, corrections by hand; with their quantities.

    Quantities are millionths of the meter's unit; those of corrections are what they change.
    """

    in_time: int = 0
    in_time_quantity: int = 0
    late: int = 0
    late_quantity: int = 0
    corrections: int = 0
    corrected_quantity: int = 0

    @property
    def records(self) -> int:
        """All records, in their time and late."""
        return self.in_time + self.late

    @property
    def quantity(self) -> int:
        """All that counts."""
        return self.in_time_quantity + self.late_quantity + self.corrected_quantity


class Booked(NamedTuple):
    """One row of the table of corrections, as far as it is counted; ``batch`` is 0 where it is not known."""

    kind: str
    record_id: str
    meter: str
    quantity: int
    reason: str
    batch: int


def count(in_time: Iterable[tuple[str, int, int]], booked: Iterable[Booked]) -> dict[str, Counts]:
    """The counts of each meter: meter, quantity and records of days or series, and what is booked, in its order.

    A correction by hand is a reversal with its replacement, or the one of them that it takes: one correction. Both are
    of one batch, and have one reason.
    """
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(Counts._fields))
    for meter, quantity, records in in_time:
        sums[meter][0] += records
        sums[meter][1] += quantity
    reversed_before: tuple[str, str, int] | None = None
    for row in booked:
        mine = sums[row.meter]
        if row.kind == LATE:
            mine[2] += 1
            mine[3] += row.quantity
        else:
            mine[4] += not (row.kind == REPLACEMENT and reversed_before == (row.record_id, row.reason, row.batch))
            mine[5] += row.quantity
        reversed_before = (row.record_id, row.reason, row.batch) if row.kind == REVERSAL else None
    return {meter: Counts(*sums[meter]) for meter in sorted(sums)}


def together(counts: Mapping[str, Counts]) -> Counts:
    """All meters' counts together; their quantities are in different units and stay 0."""
    return Counts(
        in_time=sum(one.in_time for one in counts.values()),
        late=sum(one.late for one in counts.values()),
        corrections=sum(one.corrections for one in counts.values()),
    )
