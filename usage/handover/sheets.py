"""The sheets of an export, for people: CSV that comes out of a spreadsheet as it went in.

UTF-8 with a byte-order mark, commas, CRLF (RFC 4180). Year and month are two numbers, for a spreadsheet makes a date of
``2026-11``. A text that a spreadsheet could take for a formula, a number or a date begins with an apostrophe; so does a
quantity that is not whole, or of more than 15 digits. To read the text, take one apostrophe away from its beginning.
Nothing is booked from them: what head office reads are the JSON members beside them.
"""

import csv
import io
import re
from collections.abc import Iterable

from licensing.core.text import printable
from usage.handover.errors import BadPackage
from usage.handover.sums import SeriesNames, Sums
from usage.ledger.canonical import Labels
from usage.months import Month
from usage.quantity import from_micro

_LABELS = ("site", "container type", "container id", "container version", "meter", "api type")
_AMOUNTS = ("quantity", "records")
TOTALS = ("year", "month", *_LABELS, *_AMOUNTS)
CLOSES = ("year", "month", "closed at", "reason", *_LABELS, *_AMOUNTS)
CORRECTIONS = ("booked year", "booked month", "year", "month", "kind", "record id", *_LABELS, "quantity", "reason")

# letters, and words of letters: no digit, for 3.2.0 and mar-1 are dates to a spreadsheet, and 1e5 is a number
_PLAIN = re.compile(
    r"(?!(?i:true|false|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))[^\W\d_][^\W\d]*([ ./-][^\W\d]+)*"
)
_INSTANT = re.compile(r"[0-9-]{10}T[0-9:.]{8,15}Z")


def guard_cell(text: str) -> str:
    """A text as a cell that no spreadsheet rewrites or runs."""
    text = printable(text)
    return text if not text or _PLAIN.fullmatch(text) or _INSTANT.fullmatch(text) else f"'{text}"


def amount(micro: int) -> str:
    """A quantity as a cell: a number where every spreadsheet reads the same number, else its digits as text."""
    quantity = from_micro(abs(micro))
    number = str(quantity) if isinstance(quantity, int) else f"{quantity:f}"
    text = f"-{number}" if micro < 0 else number
    return text if number.isdigit() and len(number) <= 15 else f"'{text}"


def write_sheets(sums: Sums, names: SeriesNames) -> dict[str, bytes]:
    """The three sheets by their names. Raises ``BadPackage`` for sums of a series without a name."""
    try:
        return {
            "totals.csv": _csv(TOTALS, _totals(sums, names)),
            "closes.csv": _csv(CLOSES, _closes(sums, names)),
            "corrections.csv": _csv(CORRECTIONS, _corrections(sums, names)),
        }
    except KeyError as error:
        raise BadPackage(f"series {error} is unnamed in it") from error


def _totals(sums: Sums, names: SeriesNames) -> Iterable[list[str]]:
    for (month, series), (quantity, records) in sums.by_month().items():
        yield [*_month(month), *_label_cells(names[series]), amount(quantity), str(records)]


def _closes(sums: Sums, names: SeriesNames) -> Iterable[list[str]]:
    for _, close in sums.closes:
        head = [*_month(Month.parse(close.month)), guard_cell(close.closed_at), guard_cell(close.reason)]
        for series, quantity, records in close.totals:
            yield [*head, *_label_cells(names[series]), amount(quantity), str(records)]


def _corrections(sums: Sums, names: SeriesNames) -> Iterable[list[str]]:
    for _, kind, booked, month, record, series, quantity, reason in sums.corrections:
        months = [*_month(Month.from_number(booked)), *_month(Month.from_number(month))]
        labels = _label_cells(names[series])
        yield [*months, guard_cell(kind), guard_cell(record), *labels, amount(quantity), guard_cell(reason)]


def _month(month: Month) -> list[str]:
    return [str(month.year), str(month.month)]


def _label_cells(labels: Labels) -> list[str]:
    container, meter, version, kind, api, site = labels
    return [guard_cell(label) for label in (site, kind, container, version, meter, api)]


def _csv(header: Iterable[str], rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
