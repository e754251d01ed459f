"""`azlic report` of a year, of any days and of a part of the use: it adds up, and says what it is and leaves out."""

import csv
import io
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pypdfium2 import PdfDocument

from azlic.render.report.span import sections
from licensing.db.database import reading
from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.site import CONTAINER_ID, METER, Site
from tests.usage.months import Months
from tests.usage.rich import MINUTES, OTHER, SECONDS, STRAY, ledgers_own, rich
from usage.quantity import MICRO
from usage.reporting.span import Span, span_report

YEAR = ("2026-01", "2026-02", "2026-03", "2026-04")
DAYS = ("--from", "2026-02-01", "--to", "2026-04-01")


@pytest.fixture
def ledger(site: Site) -> Months:
    return rich(site)


@pytest.fixture
def ask(ledger: Months, cli: Cli) -> Any:
    """Asks for a report as JSON, on the ledger's own day."""

    def run(*words: str) -> Any:
        with clock_at(ledger.site.now):
            answer = cli("report", *words, "--json")
        assert answer.status == 0, answer.err
        return json.loads(answer.out, parse_float=Decimal)

    return run


def own(ledger: Months, *months: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for month in months:
        for meter, micro in ledgers_own(ledger, month).items():
            sums[meter] += Decimal(micro) / MICRO
    return sums


def by(rows: Any, name: str, column: str = "quantity") -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row[name]] += Decimal(row[column] or 0)
    return sums


def test_quantities_of_one_column_have_the_same_decimals(ledger: Months) -> None:
    with reading(ledger.site.ledger) as connection:
        report = span_report(connection, Span.of_year("2026"), as_of=ledger.site.now)
    decimals = [
        {len(row[at].partition(".")[2]) for row in part.rows if row[at] != "-"}
        for part in sections(report)
        for at, heading in enumerate(part.headings)
        if heading.startswith(">") and "%" not in heading
    ]
    assert all(len(found) <= 1 for found in decimals) and {2} in decimals


def test_a_year_adds_up_in_every_way(ledger: Months, ask: Any) -> None:
    fields = ask("2026")
    assert (fields["schema"], fields["report"], fields["partial"]) == ("azlic.span-report/v1", "2026", False)
    wanted = own(ledger, *YEAR)
    for rows in (fields["uses"], fields["meters"], fields["containers"]):
        assert by(rows, "meter") == wanted
    april = ledger.site.report("2026-04")
    for plan, usage in zip(fields["plans"], april.plans, strict=True):
        (period,) = plan["periods"]
        assert (plan["plan"], period["used"] * MICRO, period["committed"] * MICRO) == (
            usage.plan.name,
            usage.used,
            usage.committed,
        )
        assert plan["quantity"] == sum(month["quantity"] for month in plan["months"]) == period["used"]
        mine = [row for row in fields["uses"] if row["plan"] == plan["plan"]]
        assert sum(row["plan_quantity"] for row in mine) == plan["quantity"]
        for sums in plan["subtotals"].values():
            assert sum(row["quantity"] for row in sums) == plan["quantity"]
        assert by(plan["subtotals"]["sites"], "site") == by(mine, "site", "plan_quantity")
        assert len(plan["months"]) == 12
    on_none = by((row for row in fields["uses"] if row["plan"] is None), "meter")
    for sums in ("sites", "resources"):
        assert {
            one["meter"]: sum(row["quantity"] for row in one[sums]) for one in fields["unmapped_subtotals"]
        } == on_none
    assert fields["closed"] == ["2026-01", "2026-02", "2026-03"]
    assert fields["closed_with"] == {"2026-01": "2026-01", "2026-02": "2026-02", "2026-03": "2026-03"}
    assert "burn-down" in fields["not_in_it"] and fields["left_out"] == []


def test_days_are_half_open(ledger: Months, ask: Any) -> None:
    assert by(ask(*DAYS)["meters"], "meter") == own(ledger, "2026-02", "2026-03")
    assert by(ask("--from", "2026-02-11", "--to", "2026-02-12")["meters"], "meter") == own(ledger, "2026-02")
    assert ask("--from", "2026-02-12", "--to", "2026-03-11")["meters"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("--site", "north"),
        ("--site", "-"),
        ("--container", "read"),
        ("--plan", "speech"),
        ("--container", OTHER),
        ("--site", "north", "--plan", "read-2026"),
        ("--container", CONTAINER_ID, "--container", OTHER),
    ],
)
def test_a_part_and_what_it_leaves_out_are_the_whole(ledger: Months, ask: Any, words: tuple[str, ...]) -> None:
    for span in (("2026",), DAYS, ("2026-04",)):
        days = ("--from", "2026-04-01", "--to", "2026-05-01") if span == ("2026-04",) else span
        whole = by(ask(*days)["meters"], "meter")
        part = ask(*span, *words)
        assert part["partial"] is True
        together = by([*part["meters"], *part["left_out"]], "meter")
        assert together == whole
        amounts = [period["used"] for plan in part["plans"] for period in plan["periods"]]
        assert (None in amounts) == ("--plan" not in words or "--site" in words)
        assert ("committed" in part["not_in_it"]) == (None in amounts)


def test_every_format_names_the_part_and_adds_up_alike(
    ledger: Months, ask: Any, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = ("2026", "--site", "north", "--plan", "speech")
    wanted = by(ask(*words)["meters"], "meter")
    assert set(wanted) == {SECONDS, MINUTES}
    told: dict[str, str] = {}
    with clock_at(ledger.site.now):
        for form in ("table", "csv", "markdown", "html"):
            answer = cli("report", *words, "--format", form)
            assert answer.status == 0, answer.err
            told[form] = answer.out
        assert cli("report", *words, "--format", "pdf", "-o", "part.pdf").status == 0
    sheets = PdfDocument(Path("part.pdf").read_bytes())
    told["pdf"] = " ".join("".join(sheet.get_textpage().get_text_range() for sheet in sheets).split())
    for form, text in told.items():
        assert "2026, only site north; plan speech" in text.replace("\\", ""), form
        if form != "csv":
            assert "Left out by this choice" in text
            for quantity in wanted.values():
                assert f"{quantity:,}" in text, form
    assert max(map(len, told["table"].splitlines())) <= 80
    rows = list(csv.DictReader(io.StringIO(told["csv"])))
    kept = [row for row in rows if row["kind"] not in {"left-out", "plan"}]
    assert by(kept, "meter") == wanted
    assert by([row for row in rows if row["kind"] != "plan"], "meter") == own(ledger, *YEAR)
    assert STRAY in {row["meter"] for row in rows if row["kind"] == "left-out"}


@pytest.mark.parametrize(
    ("words", "known"),
    [(("--site", "nroth"), "north"), (("--plan", "speach"), "speech"), (("--container", "0123"), OTHER)],
)
def test_a_wrong_name_is_refused_with_the_known_ones(
    ledger: Months, cli: Cli, words: tuple[str, str], known: str
) -> None:
    answer = cli("report", "2026", *words)
    assert answer.status == 2 and f"there is no {words[0][2:]} '{words[1]}'" in answer.err and known in answer.err


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "2026-02-01"),
        ("--to", "2026-02-01"),
        ("2026-02", *DAYS),
        ("--from", "2026-02-01T08:00", "--to", "2026-03-01"),
        ("--from", "2026-03-01", "--to", "2026-03-01"),
        ("--from", "1990-03-01", "--to", "2026-03-01"),
        ("2026", "--recompute"),
        ("1969",),
    ],
)
def test_what_is_no_span_is_a_bad_command_line(site: Site, cli: Cli, words: tuple[str, ...]) -> None:
    site.ledger.dispose()
    answer = cli("report", *words)
    assert answer.status == 2 and "try:" in answer.err


def test_a_meter_of_the_whole_month_needs_no_span(ledger: Months, ask: Any) -> None:
    assert ask("2026-04")["schema"] == "azlic.report/v1"
    assert METER in {row["meter"] for row in ask("2026-04", "--site", "north")["meters"]}
