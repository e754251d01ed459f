"""The walk of an audit along the batches: everything that a batch bound is computed again from what is stored.

A second computation on purpose: the bytes of a batch and the sums of its days are put together here once more, not by
the functions of ``usage.ledger`` that wrote them, whose faults an audit would otherwise repeat; and no row is trusted
to be of its type.
"""

import hashlib
import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from licensing.core.instants import from_milliseconds
from licensing.core.text import printable
from usage.auditing.booked import Entries, entries_of
from usage.auditing.diagnose import first_difference
from usage.auditing.faults import AuditCheck, Faults, month_text
from usage.auditing.months import read_closed_month
from usage.auditing.rows import (
    MOST_RECORDS,
    Unreadable,
    batches_behind,
    corrections_of,
    has_its_types,
    records_between,
    series_of,
)
from usage.ledger.canonical import ORIGIN, Labels, SealedBatch, batch_head
from usage.ledger.source_kinds import SourceKind
from usage.months import DAY_MS, Month


class StretchSizes(NamedTuple):
    """After so many records a reader lets go of the ledger, so that no ingest waits long; it reads pages of batches."""

    records: int = 500_000
    batches_a_page: int = 500


STRETCH = StretchSizes()

_RECORD_TYPES = {(int, str, int, int, int, *rest) for rest in product((int, type(None)), (str, type(None)))}
_CORRECTION_TYPES = (int, str, int, int, str, int, int, str)
_encode = msgspec.json.Encoder().encode

Sums = dict[int, dict[int, list[int]]]
"""By day and series: the quantity, the number of records, and the last one's time."""

_CLOSE = re.compile(rf"{SourceKind.CLOSE}([0-9]{{4}})-([0-9]{{2}})")


class Walk:
    """How far an audit has come, and what it has seen up to there. The stored heads stand until they are refuted."""

    def __init__(self, faults: Faults, *, sizes: Collection[int] = (), stretch: StretchSizes = STRETCH) -> None:
        self.faults = faults
        self.sequence = 0
        self.head = ORIGIN
        self.next_number = 1
        self.records = 0
        self.series: set[int] = set()
        self.corrections = 0
        self._handed_over = False
        self.entries = Entries()
        self.months: dict[int, int] = {}
        self.closed_until = 0
        self.booked: dict[int, dict[int, list[int]]] = {}
        self.sums: Sums = {}
        self.heads: dict[int, bytes] = {0: ORIGIN}
        self._sizes = set(sizes)
        self._stretch = stretch
        self._begun = False
        self._explained = False
        self._hasher = ThreadPoolExecutor(1)  # hashing is done beside the reading, on the other core

    def close(self) -> None:
        """Let go of the thread that makes digests."""
        self._hasher.shutdown()

    def stretch(self, connection: Connection) -> bool:
        """Go on for a while within one view of the ledger; False once there are no more batches."""
        until = self.records + self._stretch.records
        while self.records < until:
            page = batches_behind(connection, self.sequence if self._begun else None, self._stretch.batches_a_page)
            if not page:
                return False
            self._begun = True
            first, last = page[0][0], page[-1][0]
            series, corrections = series_of(connection, first, last), corrections_of(connection, first, last)
            entries = entries_of(connection, first, last)
            for batch in page:
                self._check(connection, batch, series.get(batch[0], []), corrections.get(batch[0], []))
                self._check_entries(batch, entries.get(batch[0], []))
        return True

    def _check(
        self,
        connection: Connection,
        batch: tuple[Any, ...],
        series: Sequence[tuple[int, Labels]],
        corrections: Sequence[tuple[Any, ...]],
    ) -> None:
        sequence, where = batch[0], _place(batch)
        follows = self._check_number(sequence)  # 1
        if not has_its_types(batch):
            self.faults.add(AuditCheck.HEADS, where, "its fields are not of the types that a batch has")
        else:
            self._check_head(batch, where, follows=follows)  # 2
            self.series.update(key for key, _ in series)
            self.corrections += len(corrections)
            self._check_rows(connection, batch, where, series, corrections)  # 3
            self.head = batch[8]
        self.sequence = sequence
        if sequence in self._sizes:
            self.heads[sequence] = self.head

    def _check_number(self, sequence: int) -> bool:
        if sequence == self.sequence + 1:
            return True
        if sequence < 1:
            self.faults.add(AuditCheck.NUMBERS, f"batch {sequence}", "no batch has such a number")
            return False
        gone = f"batch {self.sequence + 1}" if sequence == self.sequence + 2 else ""
        gone = gone or f"batches {self.sequence + 1} to {sequence - 1}"
        self.faults.add(AuditCheck.NUMBERS, gone, f"missing: after batch {self.sequence} comes batch {sequence}")
        return False

    def _check_head(self, batch: tuple[Any, ...], where: str, *, follows: bool) -> None:
        sequence, file, start, stop, consumed, first, records, rows, head, *more = batch
        sealed = SealedBatch(sequence, file, start, stop, consumed, first, records, rows, *more)
        if follows and batch_head(self.head, sealed) != head:
            before = f"batch {sequence - 1}" if sequence > 1 else "the beginning"
            what = f"its head does not follow from {before} and its own fields: one of the two was changed or moved"
            self.faults.add(AuditCheck.HEADS, where, what)
        if follows and first != self.next_number:
            what = f"it begins with record {first}, and the batch before ended with record {self.next_number - 1}"
            self.faults.add(AuditCheck.ROWS, where, what)
        self.next_number = first + min(max(records, 0), MOST_RECORDS)

    def _check_rows(
        self,
        connection: Connection,
        batch: tuple[Any, ...],
        where: str,
        series: Sequence[tuple[int, Labels]],
        corrections: Sequence[tuple[Any, ...]],
    ) -> None:
        try:
            closes = _CLOSE.fullmatch(batch[1])
            if closes:
                self._check_close(connection, batch, where, int(closes[1] + closes[2]))
                return
            rows = records_between(connection, batch[5], self.next_number)
        except Unreadable as error:
            self.faults.add(AuditCheck.ROWS, where, f"its records cannot be read, the database is damaged: {error}")
            return
        corrections = self._without_time(batch, where, corrections)
        content = _encode((series, rows, corrections) if corrections else (series, rows))
        digest = self._hasher.submit(hashlib.sha256, content)
        self.records += len(rows)
        self._handed_over = SourceKind.EXPORT.is_of(str(batch[1]))  # the site had closed the months, perhaps not we
        self._add(rows, where, corrections)
        if digest.result().digest() != batch[7]:
            self.faults.add(AuditCheck.ROWS, where, self._difference(connection, batch, rows))

    def _without_time(
        self, batch: tuple[Any, ...], where: str, corrections: Sequence[tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        """Corrections as they were digested; they were booked when their batch was taken."""
        for *fields, booked_at in corrections:
            if batch[11] is not None and (type(booked_at), booked_at) != (int, batch[10]):
                what = f"correction {printable(fields[0])} was not booked when its batch was taken"
                self.faults.add(AuditCheck.ROWS, where, what)
        return [correction[:-1] for correction in corrections]

    def _check_entries(self, batch: tuple[Any, ...], entries: list[tuple[Any, ...]]) -> None:
        """12: a batch binds its entries; once one did, all that follow do."""
        where, digest = _place(batch), batch[11]
        if digest is None:
            if self.entries.since is not None:
                what = f"it binds no entries, and since batch {self.entries.since} every batch does"
                self.faults.add(AuditCheck.HEADS, where, what)
            if entries:
                self.faults.add(AuditCheck.OUTSIDE, where, "there are entries of it that it does not bind")
            return
        if self.entries.since is None:
            self.entries.since = batch[0]
        wrong = self.entries.take(entries, batch[0])
        if wrong is None and hashlib.sha256(_encode(entries)).digest() != digest:
            wrong = "its entries are not those that were booked"
        if wrong:
            self.faults.add(AuditCheck.BOOKED, where, wrong)

    def _difference(self, connection: Connection, batch: tuple[Any, ...], rows: Sequence[tuple[Any, ...]]) -> str:
        """What is wrong with a batch's rows, as closely as that can be said."""
        first, stop = batch[5], self.next_number
        numbers = [first - 1, *(row[0] for row in rows), stop]
        gaps = ((low, high) for low, high in pairwise(numbers) if high != low + 1)
        for low, high in gaps:
            return f"record {low + 1} is missing" if high == low + 2 else f"records {low + 1} to {high - 1} are missing"
        what = "its records, series or corrections are not those that were stored"
        if self._explained:  # the file is read for the first bad batch alone
            return what
        self._explained = True
        found = first_difference(connection, batch, rows)
        return f"{what}: {found}" if found else what

    def _add(self, rows: Sequence[tuple[Any, ...]], where: str, corrections: Sequence[tuple[Any, ...]]) -> None:
        """Add a batch to the sums of its days; what came late is a correction instead."""
        late = self._check_corrections(rows, where, corrections) if corrections else frozenset()
        counted = [row for row in rows if row[1] not in late] if late else rows
        if not {tuple(map(type, row)) for row in rows} <= _RECORD_TYPES:  # JSON has the same text for some of them
            self.faults.add(AuditCheck.ROWS, where, "the fields of a record are not of the types that it has")
            counted = [row for row in counted if (int,) * 3 == tuple(map(type, row[2:5]))]  # the others still count
        days = _sums(counted)
        for day, sums in days.items():
            totals = self.sums.setdefault(day, {})
            for key, (quantity, records, last) in sums.items():
                before = totals.get(key, (0, 0, last))
                totals[key] = [before[0] + quantity, before[1] + records, max(before[2], last)]
        for unknown in sorted(set[int]().union(*days.values()) - self.series):
            self.faults.add(AuditCheck.OUTSIDE, where, f"it has records of series {unknown}, which no batch introduced")

    def _check_corrections(
        self, rows: Sequence[tuple[Any, ...]], where: str, corrections: Sequence[tuple[Any, ...]]
    ) -> frozenset[str]:
        """Hold corrections to their rule; the ids of the late records."""
        records = {row[1]: row for row in rows}
        late: set[str] = set()
        for correction in corrections:
            number, kind, booked, month, identity, series, quantity, _ = correction
            name = f"correction {printable(number)}"
            if tuple(map(type, correction)) != _CORRECTION_TYPES:
                self.faults.add(
                    AuditCheck.ROWS, where, f"the fields of {name} are not of the types that they were stored as"
                )
                continue
            if booked <= self.closed_until:
                self.faults.add(
                    AuditCheck.MONTHS, where, f"{name} is booked in {month_text(booked)}, which was closed then"
                )
            if not self._handed_over and month > self.closed_until and (kind == "late" or month != booked):
                self.faults.add(AuditCheck.MONTHS, where, f"{name} is about {month_text(month)}, which was open then")
            total = self.booked.setdefault(booked, {}).setdefault(series, [0, 0])
            total[0] += quantity
            total[1] += kind == "late"
            if kind == "late":
                late.add(identity)
                record = records.get(identity)
                if self._handed_over and not rows:
                    continue  # of a site that hands over totals: the record stays there
                if record is None or (record[2], record[3], _month_of(record[4])) != (series, quantity, month):
                    what = f"{name} is not the late record {printable(identity)} that it stands for"
                    self.faults.add(AuditCheck.MONTHS, where, what)
        return frozenset(late)

    def _check_close(self, connection: Connection, batch: tuple[Any, ...], where: str, month: int) -> None:
        """A close binds the month's totals as they are in the closed totals."""
        if month in self.months:
            self.faults.add(
                AuditCheck.MONTHS, where, f"{month_text(month)} was closed before, by batch {self.months[month]}"
            )
        elif month < self.closed_until:
            what = f"{month_text(self.closed_until)} was closed before it, by batch {self.months[self.closed_until]}"
            self.faults.add(AuditCheck.MONTHS, where, what)
        self.months.setdefault(month, batch[0])
        self.closed_until = max(self.closed_until, month)
        closed = read_closed_month(connection, month)
        if closed is None:
            what = f"batch {batch[0]} closed it, but it is not marked as closed"
            self.faults.add(AuditCheck.MONTHS, month_text(month), what)
        elif closed.batch != batch[0] or not closed.digest == closed.totals == batch[7]:
            what = f"its closed totals are not those that batch {batch[0]} closed it with"
            self.faults.add(AuditCheck.MONTHS, month_text(month), what)
        elif batch[11] is not None and closed.closed_at != batch[10]:
            what = f"it was not closed at the time of batch {batch[0]}, which closed it"
            self.faults.add(AuditCheck.MONTHS, month_text(month), what)


def _place(batch: tuple[Any, ...]) -> str:
    sequence, file, start, stop = batch[:4]
    if stop:
        return f"batch {sequence} ({printable(file)}, {printable(start)} to {printable(stop)})"
    return f"batch {sequence} ({printable(file)})"


def _sums(rows: Sequence[tuple[Any, ...]]) -> Sums:
    """The sums of rows. The one loop over every record."""
    days: Sums = {}
    day: dict[int, list[int]] = {}
    day_start = day_end = 0
    for _, _, series, quantity, time, _, _ in rows:
        if not day_start <= time < day_end:
            day_start = time - time % DAY_MS
            day_end = day_start + DAY_MS
            day = days.setdefault(day_start // DAY_MS, {})
        total = day.get(series)
        if total is None:
            day[series] = [quantity, 1, time]
            continue
        total[0] += quantity
        total[1] += 1
        if time > total[2]:  # noqa: PLR1730 - max() would take as long as the rest of the loop
            total[2] = time
    return days


def _month_of(time: Any) -> int | None:
    """The number of the month that a record's time lies in; None for what is not a time."""
    try:
        return Month.of(from_milliseconds(time)).number
    except (TypeError, ValueError, OverflowError, OSError):
        return None
