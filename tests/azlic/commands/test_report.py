"""`azlic report` in each of its forms."""

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdfium2 import PdfDocument

from azlic.render.report.csv import report_csv
from azlic.render.report.json import REPORT
from azlic.render.report.markdown import report_markdown
from azlic.render.report.table import report_text
from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.site import CONTAINER_ID, METER, Site, a_plan
from tests.usage.commitments import day
from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.alerts.store import remember_audit
from usage.reporting.report import MonthlyReport

LONG = "CognitiveServices.TextTranslation.Container.OneDocumentTranslatedCharacters"


def use(site: Site, pages: int) -> None:
    """Let a container of the site deliver pages in March 2026."""
    site.install()
    with site.start_engine() as client:
        client.post(f"/count/{pages}").raise_for_status()


@pytest.fixture
def busy(site: Site) -> Mount:
    """A year of three containers: pages on working days, a part of a second each day, characters on no plan."""
    return used_for_a_year(site)


def used_for_a_year(site: Site) -> Mount:
    """The mount of a site with a year of use."""
    mount = Mount(site)
    site.enter_plan()
    at, lines = day("2025-04-01"), []
    while at < day("2026-03-20"):
        if at.weekday() < 5:
            lines.append(a_line(f"a{at}", 1000 + at.day, at=at))
            if at < day("2026-03-10"):
                lines.append(a_line(f"b{at}", 300, at=at, containerId="ba9876543210"))
        lines.append(
            a_line(f"c{at}", 0.25, at=at, containerId="reading:translator", meter={"name": LONG, "quantity": 0.25})
        )
        at += timedelta(days=1)
    mount.write(lines)
    mount.ingest()
    site.now = day("2026-03-20T10:00")
    return mount


def test_the_report_holds_the_month_against_the_plan_of_the_license(cli: Cli, site: Site) -> None:
    use(site, 1250)
    cli("ingest", "output")
    cli("plan", "import", "license")
    answer = cli("report", "2026-03")
    assert answer.status == 0
    for said in ("read-2026", "500,000", "1,250", "498,750", "0.2 %"):
        assert said in answer.out


def test_without_a_plan_the_usage_is_shown_all_the_same(cli: Cli, site: Site) -> None:
    use(site, 3)
    cli("ingest", "output")
    answer = cli("report", "2026-03")
    assert "No plan covers this month" in answer.out and "On no plan" in answer.out
    assert f"  {METER}\n  in the meter's unit; no plan has this meter" in answer.out


@clock_at("2026-03-15")
def test_the_month_left_out_is_this_one(cli: Cli, site: Site) -> None:
    site.ledger.dispose()
    assert json.loads(cli("report", "--json").out)["month"] == "2026-03"


@pytest.mark.parametrize("month", ["26", "2026-13", "march", "2026-3", "../../etc"])
def test_what_is_no_month_is_a_bad_command_line(cli: Cli, site: Site, month: str) -> None:
    site.ledger.dispose()
    answer = cli("report", month)
    assert answer.status == 2
    assert "is not a month" in answer.err and "try:" in answer.err


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("table", "Usage report 2026-03"),
        ("json", '{\n  "schema": "azlic.report/v1"'),
        ("csv", "month,"),
        ("markdown", "#"),
    ],
)
def test_each_form_is_written(cli: Cli, busy: Mount, form: str, begins: str) -> None:
    answer = cli("report", "2026-03", "--format", form)
    assert answer.status == 0 and answer.out.startswith(begins)


def test_the_text_fits_80_columns_and_its_numbers_line_up(busy: Mount) -> None:
    lines = report_text(busy.site.report("2026-03")).splitlines()
    assert max(map(len, lines)) <= 80
    plan = lines[lines.index("Plan read-2026: Read T1 x 1") + 2 :][:5]
    assert [line.split("  ")[1] for line in plan] == ["committed", "used", "remaining", "in 2026-03", "year to date"]
    ends = {len(line[: line.index(number) + len(number)]) for line in plan for number in [_number(line)]}
    assert len(ends) == 1


def test_a_number_is_never_cut_off_however_long_the_names(site: Site) -> None:
    mount = Mount(site)
    lines = [a_line(f"a{number}", 10**12, containerId="c" * 200) for number in range(3)]
    mount.write([*lines, a_line("b", 0.000001, containerId="c" * 200)])
    mount.ingest()
    told = report_text(site.report("2026-03")).splitlines()
    assert sum("3,000,000,000,000.000001" in line for line in told) >= 2
    assert "c" * 200 in "\n".join(told).replace("\\\n", "") and max(map(len, told)) <= 80


def _number(line: str) -> str:
    return next(word for word in line.split() if word.replace(",", "").isdigit() and "," in word)


def test_the_text_tells_pace_and_range_and_silence(busy: Mount) -> None:
    told = report_text(busy.site.report("2026-03"))
    assert "Transaction a day over 4 whole weeks (" in told
    assert "runs out " in told and "by its end " in told
    (silent,) = [line for line in told.splitlines() if line.endswith("SILENT")]
    assert silent.split() == ["-", "ba9876543210", "2026-03-09", "00:00", "10", "2", "SILENT"]


def test_bars_are_as_long_as_their_months_and_need_no_colour(busy: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    report = busy.site.report("2026-03")
    told = report_text(report, block="#")
    bars = [line for line in told.splitlines() if re.match(r"  20\d\d-\d\d ", line)][:12]
    assert len(bars) == 12 and "\x1b" not in told
    months = {str(month): quantity for month, quantity in report.plans[0].history}
    longest = max(months.values())
    assert [line.count("#") for line in bars] == [-(-quantity * 40 // longest) for quantity in months.values()]
    assert bars[-1].endswith(" so far")


def test_a_terminal_without_blocks_gets_other_bars(cli: Cli, busy: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "█" in cli("report", "2026-03").out
    monkeypatch.setattr("azlic.output.sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    from azlic.output import encodable

    assert encodable("█", instead="#") == "#"


def test_names_are_never_taken_for_markup(site: Site) -> None:
    mount = Mount(site)
    mount.write([a_line("a", containerId="[red]x[/red]", meter={"name": ":smile: [bold]m", "quantity": 1})])
    mount.ingest()
    told = report_text(site.report("2026-03"))
    assert "[red]x[/red]" in told and ":smile: [bold]m" in told


def test_the_old_fields_of_the_schema_stay(busy: Mount) -> None:
    fields = json.loads(REPORT.json(busy.site.report("2026-03")))
    assert {"schema", "month", "as_of", "plans", "unmapped", "quality"} <= set(fields)
    plan_fields = {"plan", "period_starts_at", "period_ends_at", "committed", "used", "remaining", "percent", "month"}
    assert plan_fields | {"year_to_date", "usages"} <= set(fields["plans"][0])
    row_fields = {"container_type", "container_id", "meter", "month", "year_to_date", "records", "last_at"}
    assert row_fields <= set(fields["plans"][0]["usages"][0]) and row_fields <= set(fields["unmapped"][0])
    quality = {"clean", "quarantined", "conflicts", "pending_bytes", "vanished", "findings", "unmapped_meters"}
    assert quality <= set(fields["quality"])


def test_json_keeps_every_digit(site: Site) -> None:
    mount = Mount(site)
    mount.write([a_line("a", 1), *(a_line(f"b{number}", 10**12) for number in range(4)), a_line("c", 0.000001)])
    mount.ingest()
    assert '"month": 4000000000001.000001' in REPORT.json(site.report("2026-03"))


def rows(report: MonthlyReport) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(report_csv(report))))


def test_csv_has_a_line_for_each_container_and_meter(busy: Mount) -> None:
    found = rows(busy.site.report("2026-03"))
    assert [(row["plan"], row["container_id"], row["meter"], row["quantity"], row["per"]) for row in found] == [
        ("read-2026", "", "", "", ""),
        ("read-2026", CONTAINER_ID, METER, "14145", "1"),
        ("read-2026", "ba9876543210", METER, "1800", "1"),
        ("", "reading:translator", LONG, "4.75", ""),
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", " =1+1", "\uff1d1"])
def test_csv_holds_no_formula(site: Site, name: str) -> None:
    mount = Mount(site)
    mount.write([a_line("a", containerId=name, containerType=name, meter={"name": name, "quantity": 1})])
    mount.ingest()
    (row,) = rows(site.report("2026-03"))
    assert [row[column] for column in ("container_id", "container_type", "meter")] == [f"'{name}"] * 3
    assert row["quantity"] == "1"


def test_markdown_tables_keep_their_columns_whatever_the_names(site: Site) -> None:
    mount = Mount(site)
    site.enter_plan(a_plan(name="a|b", meters=("m|*x*",)))
    mount.write([a_line("a", containerId="<b>|`c`", meter={"name": "m|*x*", "quantity": 1}), b"bad"])
    mount.ingest()
    told = report_markdown(site.report("2026-03"))
    for table in [block.splitlines() for block in told.split("\n\n") if block.startswith("|")]:
        widths = {line.replace("\\|", "").count("|") for line in table}
        assert len(widths) == 1 and set(table[1]) <= set("|-: ")
    assert r"\<b\>\|\`c\`" in told and r"m\|\*x\*" in told


@pytest.mark.parametrize("form", ["csv", "markdown", "html", "pdf"])
def test_two_formats_at_once_are_refused(cli: Cli, form: str) -> None:
    answer = cli("report", "2026-03", "--format", form, "--json")
    assert answer.status == 2 and f"--json and --format {form} are two formats" in answer.err


MONTHS = [("2026-03", form) for form in ("table", "json", "markdown", "html")]
YEARS = [("2026", form) for form in ("table", "json", "markdown", "html")]


def shown(cli: Cli, month: str, form: str, folder: Path) -> str:
    """A report in one form, as it is read: the words alone."""
    if form != "pdf":
        answer = cli("report", month, "--format", form)
        assert answer.status == 0, answer.err
        return " ".join(re.sub(r"<[^>]+>", " ", answer.out).split())
    assert cli("report", month, "--format", form, "-o", str(folder / "report.pdf")).status == 0
    with PdfDocument(folder / "report.pdf") as document:
        return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())


def test_an_audit_that_failed_last_stands_in_the_quality_of_every_form(cli: Cli, site: Site, tmp_path: Path) -> None:
    Mount(site).write([a_line("a", at=day("2026-03-01"))])
    site.ingest()
    site.enter_plan()
    states = {None: MONTHS, False: [*MONTHS, ("2026-03", "pdf"), *YEARS], True: MONTHS}
    for sound, spans in states.items():
        failed = sound is False
        if sound is not None:
            detail = "NOT SOUND: batch 1" if failed else "sound"
            remember_audit(site.ledger, sound=sound, detail=detail, now=day("2026-03-02"))
        assert ("NOT SOUND: batch 1" in cli("report", "2026-03", "--format", "csv").err) is failed
        for month, form in spans:
            words = shown(cli, month, form, tmp_path)
            assert ("NOT SOUND: batch 1" in words) is failed, (month, form)
            if form == "json":
                quality = json.loads(words)["quality"]
                assert quality["clean"] is not failed
                assert (quality["last_audit"] or {}).get("sound") is sound
            else:
                assert ("ook into this" in words) is failed or form == "markdown", form
                assert "sound" not in words


def test_what_counts_ahead_of_the_clock_stands_in_the_quality_of_every_form(cli: Cli, site: Site) -> None:
    site.now = day("2099-03-06")
    Mount(site).write([a_line("a", 5, at=day("2099-03-05")), a_line("b", 7, at=day("2099-03-05"))])
    site.ingest()
    for month, form in (*MONTHS, *YEARS):
        words = cli("report", month, "--format", form).out
        if form == "json":
            (one,) = json.loads(words)["quality"]["counted_ahead"]
            assert (one["month"], one["records"], one["quantity"]) == ("2099-03", 2, 12)
        else:
            shown = " ".join(re.sub(r"<[^>]+>", " ", words).split())
            assert f"records dated 2099-03, ahead of the clock: 12 of {METER}" in shown.replace("&#34;", ""), form
