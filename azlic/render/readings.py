"""Readings and their sources, for people and for scripts."""

import contextlib
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console

from licensing.core.errors import AzlicError
from licensing.core.instants import iso
from usage.quantity import from_micro, group_digits
from usage.readings.polling import Failure, Progress
from usage.readings.receipt import ReadingOutcome, ReadingsReceipt, ReceiptEntry
from usage.readings.sources import ListedSource

SCHEMA = "azlic.reading/v1"
WIDTH = 80
_encode = msgspec.json.Encoder(decimal_format="number").encode
_SAID = {
    ReadingOutcome.BOOKED: "booked",
    ReadingOutcome.FELL: "a counter fell and began anew",
    ReadingOutcome.UNCHANGED: "unchanged",
    ReadingOutcome.KNOWN: "is here already, counts nothing",
    ReadingOutcome.OLDER: "older than the newest reading: kept, counts nothing",
    ReadingOutcome.HELD_BACK: "held back",
    ReadingOutcome.COMPARED: "compared with the months",
}


@contextlib.contextmanager
def asking() -> Iterator[Progress]:
    """A line on stderr that says what is being asked for; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    with console.status("asking") if console.is_terminal else contextlib.nullcontext() as status:

        def report(what: str, number: int, count: int) -> None:
            if status is not None:
                status.update(f"asking for {what} ({number} of {count})")

        yield report


def readings_text(taken: ReadingsReceipt) -> str:
    """What became of each report, then what there is to look into."""
    told = [f"{taken.source}: {taken.records:,} {'record' if taken.records == 1 else 'records'} booked"]
    for entry in taken.entries:
        told += [f"  {entry.month or 'all time'!s:<9} {_SAID[entry.outcome]}", *_amounts(entry.amounts)]
    if taken.mirror_of and any(entry.amounts for entry in taken.entries):
        told += _wrap(
            f"It reports the mount of {taken.mirror_of}, and read more than that did last: take a reading of"
            f" {taken.mirror_of} to have it counted."
        )
    if taken.outside:
        told += _wrap("Its mount holds usage in months that were not read; name them with --month:")
        told += _amounts(taken.outside)
    for finding in taken.findings:
        told += _wrap(f"finding: {finding}")
    return "\n".join(told)


def readings_json(taken: ReadingsReceipt, failures: Sequence[Failure] = ()) -> str:
    """The same under the schema ``azlic.reading/v1``; a quantity is written with all its digits."""
    fields = {
        "schema": SCHEMA,
        "source": taken.source,
        "mirror_of": taken.mirror_of,
        "records": taken.records,
        "readings": [_entry(entry) for entry in taken.entries],
        "outside": _numbers(taken.outside),
        "findings": list(taken.findings),
        "failures": [{"month": _month(failure), "reason": failure.reason} for failure in failures],
    }
    return msgspec.json.format(_encode(fields), indent=2).decode()


def missing_reports(failures: Sequence[Failure]) -> AzlicError:
    """The error for reports that could not be had."""
    told = "; ".join(f"{failure.what}: {failure.reason}" for failure in failures)
    return AzlicError(
        f"not read: {told}",
        hint="look at the container's log and its output mount, then pull again; what was read is in the ledger",
    )


def sources_text(sources: Sequence[ListedSource]) -> str:
    """Each source with its last reading."""
    told: list[str] = []
    for source in sources:
        told.append(source.name)
        told += _wrap(f"last read {iso(source.last_reading_at)} from {source.origin}", indent=4)
        if source.epoch > 1:
            told += _wrap(f"epoch {source.epoch}: its counters began anew", indent=4)
        if source.mirror_of:
            told += _wrap(f"mirror of {source.mirror_of}: not counted", indent=4)
    return "\n".join(told) or "no container's report was read yet"


def sources_fields(sources: Sequence[ListedSource]) -> dict[str, Any]:
    """The sources under the schema ``azlic.sources/v1``."""
    return {
        "sources": [
            {
                "name": source.name,
                "origin": source.origin,
                "last_reading_at": iso(source.last_reading_at),
                "epoch": source.epoch,
                "mirror_of": source.mirror_of,
            }
            for source in sources
        ]
    }


def _entry(entry: ReceiptEntry) -> dict[str, Any]:
    return {
        "month": _month(entry),
        "taken_at": iso(entry.taken_at),
        "origin": entry.origin,
        "outcome": entry.outcome.value,
        "amounts": _numbers(entry.amounts),
    }


def _month(of: ReceiptEntry | Failure) -> str | None:
    return str(of.month) if of.month else None


def _numbers(micros: Mapping[str, int]) -> dict[str, Any]:
    return {meter: from_micro(micro) for meter, micro in micros.items()}


def _amounts(micros: Mapping[str, int]) -> list[str]:
    """Two lines for each meter: the names of real ones leave no room for a number beside them."""
    return [
        line for meter, micro in micros.items() for line in (*_wrap(meter, indent=4), f"      {group_digits(micro)}")
    ]


def _wrap(text: str, indent: int = 2) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)
