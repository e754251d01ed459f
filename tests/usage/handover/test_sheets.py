"""The sheets: what goes into a spreadsheet comes out as it was, and none of it runs."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.core.text import printable
from usage.handover.sheets import CLOSES, CORRECTIONS, TOTALS, amount, guard_cell, write_sheets
from usage.handover.sums import Sums

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    '=cmd|"/c calc"!A1',
    "=HYPERLINK(1)",
    "＝1+1",
    "%0A=1",
]
REWRITTEN = [
    *("000123456789", "123456789012345678", "1e5", "123456e78901", "0x10", "1.50", "1,5", "3.2.0", "1/2", "TRUE"),
    *("2026-11", "2026-11-01", "mar-1", "SEPT1", "MARCH1", "Dec 1", "1 dec", "12:30", "10%", "$5", "€5", "(5)", " 5"),
]


@pytest.mark.parametrize("text", [*FORMULAS, *REWRITTEN, "'quoted", "''"])
def test_what_a_spreadsheet_would_rewrite_or_run_is_guarded(text: str) -> None:
    assert guard_cell(text) == f"'{printable(text)}"


@pytest.mark.parametrize(
    "text",
    ["read", "vision.read", "CognitiveServices.ComputerVision.Container.Read", "late", "", "2026-12-01T08:00:00Z"],
)
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert guard_cell(text) == text


@given(st.text())
def test_a_guarded_text_is_got_back_by_taking_one_apostrophe_away(text: str) -> None:
    cell = guard_cell(text)
    assert cell.removeprefix("'") == printable(text)
    assert not re.match(r"[=+\-@\t\r\n0-9]", cell) or re.fullmatch(r"[0-9-]{10}T[0-9:.]+Z", cell)


@pytest.mark.parametrize(
    ("micro", "cell"),
    [
        (0, "0"),
        (1_000_000, "1"),
        (999_999_999_999_999 * 10**6, "999999999999999"),
        (10**15 * 10**6, "'1000000000000000"),
        (250_000, "'0.25"),
        (1, "'0.000001"),
        (-1_000_000, "-1"),
        (10**6 * 10**6, "1000000"),
    ],
)
def test_a_quantity_is_a_number_where_every_spreadsheet_reads_the_same_one(micro: int, cell: str) -> None:
    assert amount(micro) == cell


def test_the_sheets_are_csv_with_a_mark_and_windows_line_ends() -> None:
    labels = ("=1+1", 'a "meter", quoted', "3.2.0", "read", "vision.read", "hall\n7")
    sums = Sums(days={(20513, 1): [1_500_000, 2, 20513 * 86_400_000]}, records=2)
    made = write_sheets(sums, {1: labels})
    assert {name: content[:3] for name, content in made.items()} == dict.fromkeys(made, b"\xef\xbb\xbf")
    assert made["totals.csv"].count(b"\r\n") == 2
    header, row = csv.reader(io.StringIO(made["totals.csv"].decode("utf-8-sig"), newline=""))
    assert tuple(header) == TOTALS
    assert row[:2] == ["2026", "3"] and row[-2:] == ["'1.5", "2"]
    found = [cell.removeprefix("'") for cell in row[2:8]]
    assert found == ["hall\\n7", "read", "=1+1", "3.2.0", 'a "meter", quoted', "vision.read"]
    for name, columns in (("closes.csv", CLOSES), ("corrections.csv", CORRECTIONS)):
        assert made[name].decode("utf-8-sig") == ",".join(columns) + "\r\n"
