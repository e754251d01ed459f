"""Readings and their sources, for people and for scripts."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.text import indented
from licensing.core.errors import AzlicError
from licensing.core.instants import iso
from licensing.core.text import counted
from usage.quantity import from_micro, group_digits
from usage.readings.polling import Failure
from usage.readings.receipt import ReadingOutcome, ReadingsReceipt, ReceiptEntry
from usage.readings.rounding import Rounding
from usage.readings.sources import ListedSource

_SAID = {
    ReadingOutcome.BOOKED: "booked",
    ReadingOutcome.FELL: "a counter fell and started again",
    ReadingOutcome.UNCHANGED: "unchanged",
    ReadingOutcome.KNOWN: "already here, counts nothing",
    ReadingOutcome.OLDER: "older than the newest reading: kept, counts nothing",
    ReadingOutcome.HELD_BACK: "held back",
    ReadingOutcome.COMPARED: "compared with the months",
}


def readings_text(taken: ReadingsReceipt, _failures: Sequence[Failure] = ()) -> str:
    """What became of each report, then what there is to look into."""
    told = [f"{taken.source}: {counted(taken.records, 'record')} booked"]
    for entry in taken.entries:
        told += [f"  {entry.month or 'all time'!s:<9} {_SAID[entry.outcome]}", *_amounts(entry.amounts)]
        for meter, written in entry.rounded.items():
            told += indented(f"rounded to the millionth: {meter}, reported as {written}", 4)
    if taken.mirror_of and any(entry.amounts for entry in taken.entries):
        told += indented(
            f"It reports the same mount as {taken.mirror_of}, and read more than that did last: take a reading of"
            f" {taken.mirror_of} to have it counted."
        )
    if taken.outside:
        told += indented("Its mount holds usage in months that were not read; name them with --month:")
        told += _amounts(taken.outside)
    for finding in taken.findings:
        told += indented(f"finding: {finding}")
    return joined(told)


def _readings_fields(taken: ReadingsReceipt, failures: Sequence[Failure] = ()) -> object:
    return {
        "source": taken.source,
        "mirror_of": taken.mirror_of,
        "records": taken.records,
        "readings": list(map(_entry, taken.entries)),
        "outside": _numbers(taken.outside),
        "findings": taken.findings,
        "failures": [{"month": failure.month, "reason": failure.reason} for failure in failures],
    }


READINGS = Answer("azlic.reading/v1", readings_text, _readings_fields)


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
        told += indented(f"last read {iso(source.last_reading_at)} from {source.origin}", 4)
        if source.epoch > 1:
            told += indented(f"epoch {source.epoch}: its counters started again", 4)
        if source.mirror_of:
            told += indented(f"mirror of {source.mirror_of}: not counted", 4)
        if stated := source.rounding:
            how = "rounded to the millionth" if stated.rounds else "not rounded any more"
            told += indented(f"{how}, since {iso(stated.stated_at)} by {stated.stated_by}: {stated.reason}", 4)
    return joined(told) or "no container's report has been read yet"


SOURCES = Answer("azlic.sources/v1", sources_text, lambda sources: {"sources": list(map(_source, sources))})


def _source(source: ListedSource) -> object:
    return {
        "name": source.name,
        "origin": source.origin,
        "last_reading_at": source.last_reading_at,
        "epoch": source.epoch,
        "mirror_of": source.mirror_of,
        "rounding": source.rounding and _rounding(source.rounding),
    }


def _rounding(stated: Rounding) -> object:
    return {
        "rounds": stated.rounds,
        "reason": stated.reason,
        "stated_at": stated.stated_at,
        "stated_by": stated.stated_by,
    }


def _entry(entry: ReceiptEntry) -> object:
    return {
        "month": entry.month,
        "taken_at": entry.taken_at,
        "origin": entry.origin,
        "outcome": entry.outcome,
        "amounts": _numbers(entry.amounts),
        "rounded": entry.rounded,
    }


def _numbers(micros: Mapping[str, int]) -> dict[str, int | Decimal]:
    return {meter: from_micro(micro) for meter, micro in micros.items()}


def _amounts(micros: Mapping[str, int]) -> list[str]:
    """Two lines for each meter: the names of real ones leave no room for a number beside them."""
    return [line for meter, micro in micros.items() for line in (*indented(meter, 4), f"      {group_digits(micro)}")]
