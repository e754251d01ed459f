"""Readings: what Microsoft's containers say of their own usage goes into the ledger, as increases.

1. Each report is kept as it came. One that is here already counts nothing, nor does one older than the newest.
2. A source that reads as another one does reports the same mount: the younger of the two is held back.
3. Of every other source the increase of each month's counters is booked. A counter that fell started again, as on a
   fresh mount: all of it is an increase, and a finding says so. A meter that cannot be taken is a finding, too, and
   keeps no other out.
4. The report of everything is never booked, but held against the months that were read.

A reading knows no days: its increase counts on the day it was taken, or on its month's last day if that is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Self

from sqlalchemy import Connection, Engine

from licensing.core.errors import AzlicError, BadCall
from licensing.core.instants import iso
from licensing.core.text import name_word
from licensing.db.database import writing
from licensing.db.lock import holding
from usage.ledger.receipt import Receipt
from usage.ledger.writer import Ledger
from usage.months import Month
from usage.quantity import group_digits
from usage.readings import duplicate_mounts, rounding
from usage.readings.archive import ArchivedReading, ArrivalOrder, archive_reading, count_copies, month_readings
from usage.readings.booking import Increase, append
from usage.readings.counters import Counters, Step, load_counters, save_counters, sum_of_months
from usage.readings.inbox import Arrival
from usage.readings.receipt import ReadingOutcome, ReadingsReceipt, ReceiptEntry
from usage.readings.rounding import list_roundings
from usage.readings.sources import KnownSource, enter_source, find_source, list_sources
from usage.records.usage_logs import UsageLogs, parse_usage_logs


def take_readings(
    engine: Engine, name: str, arrivals: Iterable[Arrival], *, now: datetime, site: str = ""
) -> ReadingsReceipt:
    """Take reports of one source into the ledger, in the order they were taken: all of them in one transaction.

    Raises ``AzlicError`` when the ledger cannot be used, ``BadCall`` for a name that is none; nothing is booked then.
    """
    ordered = sorted(arrivals, key=lambda arrival: arrival.taken_at)
    with (
        holding(engine),
        writing(engine) as connection,
        _Desk(connection, enter_source(connection, name), now=now, site=site) as desk,
    ):
        return desk.take(ordered)


def separate(engine: Engine, name: str, *, now: datetime, site: str = "") -> ReadingsReceipt:
    """Let a mirror count for itself after all, and book what was held back.

    Raises ``BadCall`` where it is not a mirror.
    """
    with holding(engine), writing(engine) as connection:
        source = find_source(connection, name)
        if source.mirror_of is None:
            raise BadCall(f"{name} is not held back as a mirror", hint="see: azlic sources list")
        duplicate_mounts.release(connection, source)
        with _Desk(connection, source, now=now, site=site) as desk:
            return desk.catch_up()


class _Books(Ledger):
    """The ledger as readings are booked into it: of each, its month is named and has begun."""

    keeps_waiting = False


def round_source(
    engine: Engine, name: str, *, rounds: bool, reason: str, now: datetime, stated_by: str, site: str = ""
) -> ReadingsReceipt:
    """Let numbers of a source be rounded that are too fine to be counted, or no longer; what was refused is booked.

    Raises ``BadCall`` where that stands already, and without a reason.
    """
    with holding(engine), writing(engine) as connection:
        source = find_source(connection, name)
        if source.rounds is rounds:
            raise BadCall(f"{name} is {'rounded already' if rounds else 'not rounded'}", hint="see: azlic sources list")
        rounding.state_rounding(connection, source.key, rounds=rounds, reason=reason, now=now, stated_by=stated_by)
        with _Desk(connection, replace(source, rounds=rounds), now=now, site=site) as desk:
            if not rounds:
                return desk.take([])
            rounding.settle_findings(connection, source.file_key, reason=reason, now=now)
            return desk.take([]) if source.mirror_of else desk.take_refused()


_COUNTED = (ReadingOutcome.BOOKED, ReadingOutcome.FELL, ReadingOutcome.UNCHANGED)


class _Desk:
    """Where one source's reports are taken, within one transaction."""

    def __init__(self, connection: Connection, source: KnownSource, *, now: datetime, site: str) -> None:
        self._connection = connection
        self._source = source
        self._site = site
        self._receipt = Receipt()
        self._ledger = _Books(connection, now=now, receipt=self._receipt, site=site)
        self._increases: list[Increase] = []
        self._findings: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ledger.close()

    def take(self, arrivals: Sequence[Arrival]) -> ReadingsReceipt:
        """The four steps."""
        if self._source.rounds:
            arrivals = [arrival.rounded() for arrival in arrivals]
        places = [(arrival, archive_reading(self._connection, self._source.key, arrival)) for arrival in arrivals]  # 1
        newest = [arrival for arrival, place in places if place is ArrivalOrder.NEWEST]
        first = self._mirror_of(newest)  # 2
        entries = [self._entry(arrival, place, first) for arrival, place in places]  # 3
        self._book()
        outside = {} if first else self._outside(newest)  # 4
        return self._summarise(entries, outside, first)

    def catch_up(self) -> ReadingsReceipt:
        """Go through all readings again, in the order they came: what is booked already is known by its id."""
        months: dict[int, Counters] = {}
        newest: dict[int, ArchivedReading] = {}
        stated = [one for one in list_roundings(self._connection) if one.source == self._source.key]
        rounds = False
        for kept in month_readings(self._connection, self._source.key):
            while stated and stated[0].after_reading < kept.key:
                rounds = stated.pop(0).rounds
                for before in newest.values() if rounds else ():
                    self._go_on(months[before.month], before, rounds)
            if kept.taken_at >= newest.setdefault(kept.month, kept).taken_at:
                newest[kept.month] = kept
                self._go_on(months.setdefault(kept.month, Counters()), kept, rounds)
        for before in newest.values() if self._source.rounds else ():
            self._go_on(months[before.month], before, self._source.rounds)
        self._book()
        return self._summarise([], {}, None)

    def take_refused(self) -> ReadingsReceipt:
        """Book what the newest reading of each month holds beyond its counters, now that its numbers are rounded."""
        newest: dict[int, ArchivedReading] = {}
        for kept in month_readings(self._connection, self._source.key):
            if kept.taken_at >= newest.setdefault(kept.month, kept).taken_at:
                newest[kept.month] = kept
        entries: list[ReceiptEntry] = []
        for number, kept in sorted(newest.items()):
            logs, steps = self._go_on(load_counters(self._connection, self._source.key, number), kept, rounds=True)
            rose = {step.meter: step.increase for step in steps if step.increase}
            if rose:
                month = Month.from_number(number)
                entries.append(ReceiptEntry(month, kept.taken_at, "", ReadingOutcome.BOOKED, rose, logs.rounded))
        self._book()
        return self._summarise(entries, {}, None)

    def _go_on(self, counters: Counters, kept: ArchivedReading, rounds: bool) -> tuple[UsageLogs, list[Step]]:
        month = Month.from_number(kept.month)
        logs = parse_usage_logs(kept.content, month=month, rounds=rounds)
        return logs, self._advance(counters, month, logs, kept.taken_at)

    def _mirror_of(self, newest: Sequence[Arrival]) -> KnownSource | None:
        """The source whose mirror this one is, as known before or as found now."""
        if self._source.mirror_of is not None:
            known = {source.key: source for source in list_sources(self._connection)}
            return known[self._source.mirror_of]
        same = duplicate_mounts.find_duplicate_mount(self._connection, self._source, newest)
        if same is None:
            return None
        duplicate_mounts.hold_back(self._connection, same)
        self._report(duplicate_mounts.KIND, same.detail, source=same.second, container_id=same.first.name)
        return same.first if same.second.key == self._source.key else None

    def _entry(self, arrival: Arrival, place: ArrivalOrder, first: KnownSource | None) -> ReceiptEntry:
        outcome, amounts = self._outcome(arrival, place, first)
        rounded = arrival.logs.rounded if outcome in _COUNTED else {}
        return ReceiptEntry(arrival.month, arrival.taken_at, arrival.origin, outcome, amounts, rounded)

    def _outcome(
        self, arrival: Arrival, place: ArrivalOrder, first: KnownSource | None
    ) -> tuple[ReadingOutcome, Mapping[str, int]]:
        if place is not ArrivalOrder.NEWEST:
            return ReadingOutcome(place), {}
        if first is not None:
            self._doubt_mirror(arrival, first)
            return ReadingOutcome.HELD_BACK, duplicate_mounts.ahead_of(self._connection, first, arrival)
        if arrival.month is None:
            return ReadingOutcome.COMPARED, {}
        self._report_refused(arrival)
        counters = load_counters(self._connection, self._source.key, arrival.month.number)
        steps = self._advance(counters, arrival.month, arrival.logs, arrival.taken_at)
        self._doubt_return(arrival, steps)
        rose = {step.meter: step.increase for step in steps if step.increase}
        if any(step.fell for step in steps):
            return ReadingOutcome.FELL, rose
        return (ReadingOutcome.BOOKED if rose else ReadingOutcome.UNCHANGED), rose

    def _advance(self, counters: Counters, month: Month, logs: UsageLogs, taken_at: datetime) -> list[Step]:
        """Move a month's counters on to a reading; what they rose by waits to be booked."""
        steps = counters.advance(logs.charges, logs.refused)
        save_counters(self._connection, self._source.key, month.number, steps)
        self._increases += [Increase(month, step, logs, taken_at) for step in steps]
        for step in steps:
            if step.fell:
                detail = (
                    f"{step.meter} of {month} fell from {group_digits(step.before)} to {group_digits(step.value)}"
                    f" in the reading of {iso(taken_at)}: a fresh mount, or records were lost."
                    " What it shows now counts as new"
                )
                self._report("counter-fell", detail, source=self._source, container_id=self._source.name)
        return steps

    def _report_refused(self, arrival: Arrival) -> None:
        """Meters that cannot be taken stand out until they can: the others of the same report are counted."""
        for meter, reason in arrival.logs.refused.items():
            fine = meter in arrival.logs.too_fine
            mend = (
                f". If it may be rounded: azlic sources round {name_word(self._source.name)} --reason TEXT"
                if fine
                else ""
            )
            self._report(
                rounding.KIND if fine else "meter-refused",
                f"{meter} of {arrival.what} is not counted: {reason}{mend}",
                source=self._source,
                container_id=self._source.name,
            )

    def _doubt_mirror(self, arrival: Arrival, first: KnownSource) -> None:
        """A mirror that reads less than the other did before is none any more, or their mount is a fresh one."""
        if duplicate_mounts.differs_from(self._connection, first, arrival):
            detail = (
                f"{self._source.name} is held back as a mirror of {first.name}, but reads less than it did for"
                f" {arrival.what}. If they are two mounts: azlic sources separate {name_word(self._source.name)} --yes"
            )
            self._report(duplicate_mounts.KIND, detail, source=self._source, container_id=first.name)

    def _doubt_return(self, arrival: Arrival, steps: Sequence[Step]) -> None:
        """Counters that rise from 0 to what they were before they fell: perhaps the old mount has come back."""
        back = all(step.epoch > 1 and step.before == 0 for step in steps)
        if steps and back and count_copies(self._connection, self._source.key, arrival) > 1:
            detail = (
                f"{self._source.name} reads for {arrival.what} on {iso(arrival.taken_at)} what it read before it fell."
                f" If the old mount came back, {duplicate_mounts.amounts(arrival.logs.nonzero)} are counted twice"
            )
            self._report(duplicate_mounts.KIND, detail, source=self._source, container_id=self._source.name)

    def _book(self) -> None:
        append(self._connection, self._ledger, self._source, self._increases, site=self._site)
        if self._receipt.conflicts or self._receipt.quarantined:
            raise AzlicError(
                f"the increases of {self._source.name} do not fit into the ledger: a day's total would grow too large",
                hint="look at the counters that the container reports; nothing was booked",
            )

    def _outside(self, newest: Sequence[Arrival]) -> dict[str, int]:
        """What the report of everything holds beyond the months that were read."""
        whole = [arrival for arrival in newest if arrival.month is None]
        if not whole:
            return {}
        read = sum_of_months(self._connection, self._source.key)
        used = whole[-1].logs.nonzero
        return {meter: micro - read.get(meter, 0) for meter, micro in used.items() if micro > read.get(meter, 0)}

    def _report(self, kind: str, detail: str, *, source: KnownSource, container_id: str) -> None:
        fresh = self._ledger.report_finding(
            self._connection,
            kind=kind,
            source=source.file_key,
            file=source.file,
            detail=detail,
            container_id=container_id,
        )
        if fresh:
            self._findings.append(detail)

    def _summarise(
        self, entries: Sequence[ReceiptEntry], outside: Mapping[str, int], first: KnownSource | None
    ) -> ReadingsReceipt:
        return ReadingsReceipt(
            source=self._source.name,
            mirror_of=first.name if first else None,
            entries=tuple(entries),
            records=self._receipt.new,
            findings=tuple(self._findings),
            outside=outside,
        )
