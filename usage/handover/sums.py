"""What a stretch of batches adds up to: use by day and series, corrections, closed months."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from licensing.core.instants import from_milliseconds
from usage.handover.contents import ClosingEntry, Contents, Corrections, check_corrections, parse_close
from usage.handover.errors import BadPackage, OtherForm
from usage.ledger.canonical import Booking, Labels, encode
from usage.ledger.correction_kinds import LATE
from usage.ledger.counts import Booked, Counts, count
from usage.ledger.totals import sums_by_day
from usage.months import DAY_MS, Month
from usage.records.record import LATEST_MS

Day = tuple[int, int, int, int, int]
"""What a series used on a day: day, series, quantity, records, the last one's time."""

_Size = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
_Time = Annotated[int, msgspec.Meta(ge=0, lt=LATEST_MS)]


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    totals: list[tuple[_Size, int, _Size, _Size, _Time]]
    corrections: Corrections
    closes: list[tuple[int, msgspec.Raw]]


_decode = msgspec.json.Decoder(_Document).decode


@dataclass(slots=True)
class Sums:
    """The sums of batches. A record that came late for a closed month counts as its correction, not on its day.

    ``batches`` are those of corrections by their numbers; an export of totals does not say them.
    """

    days: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    corrections: list[Booking] = field(default_factory=list)
    closes: list[tuple[int, ClosingEntry]] = field(default_factory=list)
    records: int = 0
    batches: dict[int, int] = field(default_factory=dict)

    def add(self, batch: int, contents: Contents | ClosingEntry) -> None:
        """Count what a batch stored."""
        if isinstance(contents, ClosingEntry):
            self.closes.append((batch, contents))
            return
        self.records += len(contents.rows)
        self.corrections += contents.corrections
        self.batches |= {booked[0]: batch for booked in contents.corrections}
        late = {booked[4] for booked in contents.corrections if booked[1] == LATE}
        rows = [row for row in contents.rows if row[1] not in late] if late else contents.rows
        for day, sums in sums_by_day(rows).items():
            for series, (quantity, records, last) in sums.items():
                total = self.days.setdefault((day, series), [0, 0, last])
                total[:] = total[0] + quantity, total[1] + records, max(total[2], last)

    def totals(self) -> list[Day]:
        """Use by day and series, in their order."""
        return [(day, series, *self.days[day, series]) for day, series in sorted(self.days)]  # type: ignore[misc]

    def counts(self, names: Mapping[int, Labels]) -> dict[Month, dict[str, Counts]]:
        """What counts in each month by meter: use of its days, and what is booked in it late or by hand."""
        days: dict[Month, list[tuple[str, int, int]]] = {}
        booked: dict[Month, list[Booked]] = {}
        for (month, series), (quantity, records) in self.by_month().items():
            days.setdefault(month, []).append((names[series][1], quantity, records))
        for number, kind, booked_month, _, record, series, quantity, reason in self.corrections:
            one = Booked(kind, record, names[series][1], quantity, reason, self.batches.get(number, 0))
            booked.setdefault(Month.from_number(booked_month), []).append(one)
        return {month: count(days.get(month, ()), booked.get(month, ())) for month in sorted({*days, *booked})}

    def by_month(self) -> dict[tuple[Month, int], tuple[int, int]]:
        """Quantity and records by month and series, in their order."""
        months: dict[tuple[Month, int], tuple[int, int]] = {}
        for day, series, quantity, records, _ in self.totals():
            key = Month.of(from_milliseconds(day * DAY_MS)), series
            before = months.get(key, (0, 0))
            months[key] = before[0] + quantity, before[1] + records
        return {key: months[key] for key in sorted(months)}

    def to_bytes(self) -> bytes:
        """The sums as the document that replaces the records where an export holds totals."""
        closes = [(batch, msgspec.Raw(encode(close.fields))) for batch, close in self.closes]
        return encode(_Document(self.totals(), self.corrections, closes))

    @classmethod
    def parse(cls, content: bytes, *, records: int) -> "Sums":
        """Read such a document, from bytes that were found to be what was signed. Raises ``BadPackage``."""
        try:
            document = _decode(content)
            closes = [(batch, parse_close(close)) for batch, close in document.closes]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise OtherForm(f"its totals cannot be read: {error}") from error
        check_corrections(document.corrections, "its totals")
        days = {(day, series): [*amounts] for day, series, *amounts in document.totals}
        late = sum(booked[1] == LATE for booked in document.corrections)
        if len(days) != len(document.totals) or any(time // DAY_MS != day for (day, _), (_, _, time) in days.items()):
            raise BadPackage("its totals name a day twice, or a time on another day")
        if sum(amounts[1] for amounts in days.values()) + late != records:
            raise BadPackage("its totals are not of as many records as it says")
        return cls(days, list(document.corrections), closes, records)


SeriesNames = Mapping[int, Labels]


def read_series(content: bytes) -> dict[int, Labels]:
    """The series that an export names, by their key at the site. Raises ``BadPackage``."""
    try:
        named: list[tuple[int, Labels]] = _decode_series(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OtherForm(f"its series cannot be read: {error}") from error
    names = dict(named)
    if len(names) != len(named):
        raise BadPackage("it names a series twice")
    return names


_decode_series = msgspec.json.Decoder(list[tuple[int, Labels]]).decode
