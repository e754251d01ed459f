"""`azlic close`, `azlic correct`, and what `azlic report` makes of them."""

import csv
import io
import json
import re

import pytest

from azlic.render.report.csv import report_csv
from azlic.render.report.markdown import report_markdown
from azlic.render.report.table import report_text
from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.site import METER, Site
from tests.usage.commitments import day
from tests.usage.ledgers import unguarded
from tests.usage.lines import a_line
from tests.usage.months import Months
from tests.usage.mount import Mount, rows
from usage.ledger.tables.months import ClosedMonthRow, CorrectionRow

APRIL = clock_at("2026-04-02T08:00:00")


@pytest.fixture
def months(site: Site) -> Months:
    """A record of 5 in March; it is the 2nd of April."""
    months = Months(Mount(site))
    months.site.enter_plan()
    months.use("a", 5, day("2026-03-02"))
    months.site.now = day("2026-04-02T08:00")
    return months


@pytest.fixture
def corrected(months: Months) -> Months:
    """March closed; in April 3 of its own, 7 late, and the record of March corrected to 4."""
    months.close("2026-03")
    months.use("b", 7, day("2026-03-03"))
    months.use("c", 3, day("2026-04-01"))
    months.correct("a", "4")
    return months


@APRIL
def test_a_month_is_closed_and_its_report_says_so(cli: Cli, months: Months) -> None:
    answer = cli("close", "2026-03", "--yes")
    assert answer.status == 0, answer.err
    assert "2026-03: 1 record in 1 series" in answer.out
    sealed = re.search(r"closed with (batch \d+, head \S{44})", answer.out)
    assert sealed is not None
    assert f"Closed at 2026-04-02T08:00:00Z, {sealed[1]}" in " ".join(cli("report", "2026-03").out.split())
    assert "Closed at" not in cli("report", "2026-04").out


@APRIL
def test_closing_asks_first(cli: Cli, months: Months, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert cli("close", "2026-03").status != 0
    assert not rows(months.ledger, ClosedMonthRow)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert cli("close", "2026-03").status == 0
    assert len(rows(months.ledger, ClosedMonthRow)) == 1


@APRIL
def test_what_stands_against_it_is_listed_and_may_be_accepted(cli: Cli, months: Months) -> None:
    months.mount.append([b"torn"], "usage-2026-03-02.jsonl")
    months.mount.ingest()
    answer = cli("close", "2026-03", "output", "--yes")
    assert answer.status == 1 and not rows(months.ledger, ClosedMonthRow)
    assert "bad-line: line 1 in quarantine: read/0123456789ab/usage-2026-03-02.jsonl:2" in answer.out
    assert "see: azlic quarantine list" in answer.out and "--accept REASON" in answer.err
    assert max(map(len, answer.out.splitlines())) <= 80
    fields = json.loads(cli("close", "2026-03", "--json").out)
    assert fields["schema"] == "azlic.close/v1" and fields["closed"] is None
    assert [item["kind"] for item in fields["obstacles"]] == ["bad-line"]
    fields = json.loads(cli("close", "2026-03", "--accept", "torn by the power cut", "--yes", "--json").out)
    assert fields["closed"]["reason"] == "torn by the power cut" and fields["closed"]["with"] == "2026-03"
    assert "although something was open: torn by the power cut" in cli("report", "2026-03").out


@APRIL
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2026-04",), "2026-04 has not ended"),
        (("2026-13",), "is not a month"),
        (("2026-03", "--accept", " "), "a reason is a line"),
    ],
)
def test_what_cannot_be_closed_is_a_bad_command_line(
    cli: Cli, months: Months, words: tuple[str, ...], said: str
) -> None:
    answer = cli("close", *words, "--yes")
    assert answer.status == 2 and said in answer.err and "try:" in answer.err


@APRIL
def test_an_output_folder_that_is_not_there_is_the_environment(cli: Cli, months: Months) -> None:
    assert cli("close", "2026-03", "nowhere", "--yes").status == 3


@APRIL
def test_a_record_is_corrected_in_the_next_open_month(cli: Cli, months: Months) -> None:
    cli("close", "2026-03", "--yes")
    answer = cli("correct", "a", "--quantity", "2.5", "--reason", "scanned twice", "--yes")
    assert answer.status == 0, answer.err
    assert "reported 5, counts 5, corrected 2.5" in answer.out and "booked in 2026-04" in answer.out
    fields = json.loads(cli("correct", "a", "--quantity", "0", "--reason", "a test", "--yes", "--json").out)
    assert fields["schema"] == "azlic.correction/v1"
    assert (fields["before"], fields["after"], fields["month"], fields["booked_month"]) == (
        2.5,
        0,
        "2026-03",
        "2026-04",
    )


@APRIL
def test_correcting_asks_first(cli: Cli, months: Months, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    answer = cli("correct", "a", "--quantity", "1", "--reason", "scanned twice")
    assert answer.status != 0 and "counts 5, corrected 1" in answer.err
    assert not rows(months.ledger, CorrectionRow)


@pytest.mark.parametrize("quantity", ["-1", "many", "0.0000001"])
def test_a_quantity_that_is_none_is_refused(cli: Cli, months: Months, quantity: str) -> None:
    answer = cli("correct", "a", "--quantity", quantity, "--reason", "why", "--yes")
    assert answer.status == 2 and "quantity" in answer.err


def test_the_table_names_late_and_corrected_with_their_month(corrected: Months) -> None:
    told = report_text(corrected.site.report("2026-04"))
    assert "Late and corrected: included in 2026-04 above, though it belongs elsewhere" in told
    lines = [line.split() for line in told.splitlines() if line.strip().startswith(("late", "corrected"))]
    assert lines == [
        ["corrected", "2026-03", "-", "0123456789ab", "-1", "0"],
        ["late", "2026-03", "-", "0123456789ab", "7", "1"],
    ]
    assert max(map(len, told.splitlines())) <= 80
    assert "Late and corrected" not in report_text(corrected.site.report("2026-03"))


def test_the_lines_of_the_csv_add_up_to_the_month(corrected: Months) -> None:
    found = list(csv.DictReader(io.StringIO(report_csv(corrected.site.report("2026-04")))))
    assert [(row["kind"], row["belongs_to"], row["quantity"], row["records"]) for row in found] == [
        ("plan", "", "", ""),
        ("reported", "2026-04", "3", "1"),
        ("corrected", "2026-03", "-1", "0"),
        ("late", "2026-03", "7", "1"),
    ]
    assert {row["plan"] for row in found} == {"read-2026"}
    assert corrected.used("2026-04") == sum(float(row["quantity"] or 0) for row in found) == 9


def test_markdown_and_json_name_them_too(cli: Cli, corrected: Months) -> None:
    told = report_markdown(corrected.site.report("2026-04"))
    assert "## Late and corrected" in told and f"| late | 2026-03 | - | 0123456789ab | {METER} | 7 | 1 |" in told
    assert (
        report_markdown(corrected.site.report("2026-03")).splitlines()[4].startswith("Closed at 2026-04-02T08:00:00Z")
    )
    fields = json.loads(cli("report", "2026-04", "--json").out)
    assert fields["closed"] is None
    assert fields["plans"][0]["usages"][0]["late_and_corrected"] == [
        {"kind": "corrected", "month": "2026-03", "quantity": -1, "records": 0},
        {"kind": "late", "month": "2026-03", "quantity": 7, "records": 1},
    ]


def test_recompute_proves_the_totals(cli: Cli, corrected: Months) -> None:
    answer = cli("report", "2026-04", "--recompute")
    assert (
        answer.status == 0
        and "recomputed: 2026-04: 2 records, 1 of them late, 1 correction, which make its totals" in answer.err
    )
    with unguarded(corrected.ledger) as connection:
        connection.exec_driver_sql("UPDATE record SET quantity = 4000000 WHERE id = 'c'")
    answer = cli("report", "2026-04", "--recompute")
    assert answer.status == 1 and "first difference: 2026-04-01, series 1: the records make 4" in answer.err
    answer = cli("report", "2026-04", "--recompute", "--json")
    assert answer.status == 1 and "the records make 4" in json.loads(answer.out)["recomputed"]["difference"]


@APRIL
def test_an_ingest_says_what_came_late(cli: Cli, months: Months) -> None:
    cli("close", "2026-03", "--yes")
    months.mount.write([b'{"id":"x"}'], "usage-2026-03-09.jsonl")
    assert "late records" not in cli("ingest", "output").out
    months.mount.append([a_line("late", 1, at=day("2026-03-09"))], "usage-2026-03-09.jsonl")
    assert "1  late records       their month is closed: booked in an open one" in cli("ingest", "output").out
