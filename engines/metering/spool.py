"""The spool of a connected container: what it reports to its billing endpoint, and what is acknowledged.

It lies beside the container's usage records, as ``billing.spool``, a line for each thing that happened; it only grows,
and a line that was cut off counts as never written. What was delivered is in the records, and the spool says how far
they are reported: so a container that was killed at any moment, or another one in its place, goes on where it was.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec
import uuid_utils

from licensing.core.errors import AzlicError
from licensing.core.files import sync_folder
from usage.months import DAY_MS
from usage.quantity import from_micro, to_micro
from usage.records.output_scan import scan_folder
from usage.records.record import BadLine, MeteredQuantity, UsageRecord, encode, interpret
from usage.records.usage_files import Block, OpenFile
from usage.records.usage_names import SPOOL_NAME

_HINT = "mount the output folder where Mounts:Output says, writable for the container's user, with free space"


class Report(msgspec.Struct, frozen=True):
    """The sum of the records of one meter and day from ``first`` to ``last``, as a usage record of its own."""

    first: int
    last: int
    record: UsageRecord


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: what counts from a record on is connected use, or is not; a round of reports; one is acknowledged."""

    connected_after: int | None = None
    disconnected_after: int | None = None
    through: int | None = None
    reports: tuple[Report, ...] = ()
    acknowledged: str | None = None
    endpoint: str | None = None


class _Span(NamedTuple):
    """Records behind ``after``, up to ``through`` or without end, that are connected use and not reported yet."""

    after: int
    through: int | None

    def has(self, sequence: int) -> bool:
        """Whether a record is in it."""
        return self.after < sequence and (self.through is None or sequence <= self.through)


class _Key(NamedTuple):
    meter: str
    api_type: str
    container_type: str
    container_version: str
    container_id: str
    day: int


class _Sum(NamedTuple):
    micro: int
    first: int
    last: int
    last_ms: int


_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(_Entry, float_hook=Decimal)


class Tally:
    """What was delivered and is in no report yet, by meter and day. It is told of records in their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[_Key, _Sum] = {}
        self._through = 0

    def add(self, record: UsageRecord) -> None:
        """Count a record."""
        assert record.sequence is not None  # noqa: S101 - ours have one
        at: int = record.request_time
        names = (record.container_type, record.container_version, record.container_id)
        key = _Key(record.meter.name, record.api_type, *names, at // DAY_MS)
        with self._lock:
            before = self._sums.get(key) or _Sum(0, record.sequence, 0, 0)
            micro = before.micro + to_micro(record.meter.quantity)
            self._sums[key] = _Sum(micro, before.first, record.sequence, max(before.last_ms, at))
            self._through = record.sequence

    @property
    def is_empty(self) -> bool:
        """Whether all that was delivered is in a report."""
        return not self._sums

    def draw(self) -> "Drawn":
        """Take everything out, as reports with new ids."""
        with self._lock:
            sums, self._sums = self._sums, {}
            return Drawn(sums, self._through)

    def put_back(self, drawn: "Drawn") -> None:
        """Count again what could not be reported."""
        with self._lock:
            for key, later in self._sums.items():
                sooner = drawn.sums.get(key) or _Sum(0, later.first, 0, 0)
                micro, last_ms = sooner.micro + later.micro, max(sooner.last_ms, later.last_ms)
                drawn.sums[key] = _Sum(micro, sooner.first, later.last, last_ms)
            self._sums = drawn.sums


class Drawn(NamedTuple):
    """What was taken out of a tally: sums, and the last record in them."""

    sums: dict[_Key, _Sum]
    through: int

    def reports(self) -> tuple[Report, ...]:
        """The sums as reports, each with an id that no other has."""
        return tuple(
            Report(
                one.first,
                one.last,
                UsageRecord(
                    id=str(uuid_utils.uuid7()),
                    container_type=key.container_type,
                    container_version=key.container_version,
                    container_id=key.container_id,
                    meter=MeteredQuantity(key.meter, from_micro(one.micro)),
                    request_time=one.last_ms,
                    api_type=key.api_type,
                ),
            )
            for key, one in self.sums.items()
        )


class Spool:
    """The spool in a container's folder, whose lock the caller holds. Raises ``AzlicError`` where it cannot be used."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / SPOOL_NAME
        self._file = -1
        self._fault: OSError | None = None
        self._spans: list[_Span] = []
        self._through = 0
        self.endpoint: str | None = None
        self.pending: dict[str, Report] = {}
        try:
            for entry in _entries(self._path):
                self._follow(entry)
        except OSError as error:
            raise self._refusal(error) from error

    def connect(self, sequence: int, endpoint: str) -> None:
        """Let what is recorded from here on be connected use; what was before, and is not reported yet, stays."""
        open_already = bool(self._spans) and self._spans[-1].through is None and sequence >= self._through
        if not open_already or endpoint != self.endpoint:
            self._write(_Entry(connected_after=None if open_already else sequence, endpoint=endpoint))

    def disconnect(self, sequence: int) -> None:
        """Let what is recorded from here on be no connected use."""
        if self._spans and self._spans[-1].through is None:
            self._write(_Entry(disconnected_after=sequence))

    def recover(self, tally: Tally, sequence: int | None = None) -> int:
        """Tell a tally of the records on the disk that are in no report yet.

        Gives how many of those up to ``sequence`` are not there any more.
        """
        found = _records(self._path.parent, self._spans)
        for record in found:
            tally.add(record)
        if sequence is None:
            return 0
        ends = [(span.after, sequence if span.through is None else span.through) for span in self._spans]
        return sum(max(0, end - after) for after, end in ends) - len(found)

    def report(self, tally: Tally) -> None:
        """Put what a tally holds into reports, all of it or nothing."""
        drawn = tally.draw()
        if not drawn.sums:
            return
        try:
            self._write(_Entry(through=drawn.through, reports=drawn.reports()))
        except BaseException:
            tally.put_back(drawn)
            raise

    def acknowledge(self, identity: str) -> None:
        """Note that a report is booked."""
        self._write(_Entry(acknowledged=identity))

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _follow(self, entry: _Entry) -> None:
        if entry.endpoint is not None:
            self.endpoint = entry.endpoint
        if entry.connected_after is not None:
            if entry.connected_after < self._through:  # the container's records begin anew: the old ones are gone
                self._through, self._spans = entry.connected_after, []
            self._spans.append(_Span(entry.connected_after, None))
        if entry.disconnected_after is not None and self._spans:
            self._spans.append(_Span(self._spans.pop().after, entry.disconnected_after))
        if entry.through is not None:
            through = self._through = entry.through
            left = [_Span(max(span.after, through), span.through) for span in self._spans]
            self._spans = [span for span in left if span.through is None or span.after < span.through]
        self.pending |= {report.record.id: report for report in entry.reports}
        if entry.acknowledged is not None:
            self.pending.pop(entry.acknowledged, None)

    def _write(self, entry: _Entry) -> None:
        if self._fault is not None:
            raise self._refusal(self._fault)
        try:
            self._append(_encoder.encode(entry) + b"\n")
        except OSError as error:
            raise self._refusal(error) from error
        self._follow(entry)

    def _append(self, line: bytes) -> None:
        """Put a line on the disk, whole or not at all."""
        if self._file < 0:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o640)
            sync_folder(self._path.parent)
        before = os.fstat(self._file).st_size
        if before and os.pread(self._file, 1, before - 1) != b"\n":
            line = b"\n" + line  # a kill cut the last one off
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(28, "the line did not fit")
            os.fsync(self._file)
        except OSError:
            try:
                os.ftruncate(self._file, before)
            except OSError as error:
                self._fault = error  # nobody knows whether it is on the disk: the next start will
            raise

    def _refusal(self, error: OSError) -> AzlicError:
        return AzlicError(f"{self._path} cannot be written: {error.strerror or error}", hint=_HINT)


def _entries(path: Path) -> Iterator[_Entry]:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                if line.endswith(b"\n"):
                    yield _decoder.decode(line)


def _records(folder: Path, spans: Sequence[_Span]) -> list[UsageRecord]:
    """The records of a container in some spans, in their order; each once, however many copies of a file lie there."""
    found: dict[int, UsageRecord] = {}
    first = min((span.after for span in spans), default=0)
    for file in reversed(scan_folder(folder).files if spans else []):
        lowest = None
        for sequence, record in _in_file(file.path):
            lowest = sequence if lowest is None else min(lowest, sequence)
            if any(span.has(sequence) for span in spans):
                found.setdefault(sequence, record)
        if lowest is not None and lowest <= first + 1:
            break
    return [found[sequence] for sequence in sorted(found)]


def _in_file(path: Path) -> Iterator[tuple[int, UsageRecord]]:
    with OpenFile(path) as file:
        for block in file.blocks(0):
            for line in block.data.split(b"\n") if isinstance(block, Block) else ():
                with contextlib.suppress(BadLine):
                    record, *_ = interpret(line)
                    if record.sequence is not None:
                        yield record.sequence, record


def report_line(report: Report) -> bytes:
    """A report as it is sent: a usage record as JSON."""
    return encode(report.record)
