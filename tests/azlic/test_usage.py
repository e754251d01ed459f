"""`azlic ingest`, `azlic plan` and `azlic report`, as a user runs them."""

import csv
import io
import json

import pytest
from freezegun import freeze_time

from tests.azlic.conftest import Cli
from tests.site import METER, Site


def use(site: Site, pages: int) -> None:
    """Let a container of the site deliver pages in March 2026."""
    site.install()
    with site.start_engine() as client:
        client.post(f"/count/{pages}").raise_for_status()


def test_ingest_tells_what_it_took_and_twice_is_once(cli: Cli, site: Site) -> None:
    use(site, 3)
    first, second = (cli("ingest", "output", "--json") for _ in range(2))
    assert (first.status, second.status) == (0, 0)
    receipts = [json.loads(answer.out) for answer in (first, second)]
    assert [receipt["schema"] for receipt in receipts] == ["azlic.receipt/v1"] * 2
    assert [receipt["new"] for receipt in receipts] == [1, 0]


def test_a_bad_line_makes_the_exit_status_1_and_stays_in_every_report(cli: Cli, site: Site) -> None:
    use(site, 3)
    with next(site.output.rglob("*.jsonl")).open("ab") as file:
        file.write(b"no record\n")
    answer = cli("ingest", "output")
    assert answer.status == 1
    assert "1  quarantined lines" in answer.out
    report = json.loads(cli("report", "2026-03", "--json").out)
    assert report["quality"]["quarantined"] == 1


def test_the_report_holds_the_month_against_the_plan_of_the_license(cli: Cli, site: Site) -> None:
    use(site, 1250)
    cli("ingest", "output")
    assert "entered" in cli("plan", "import", "license").out
    assert "nothing was changed" in cli("plan", "import", "license").out
    answer = cli("report", "2026-03")
    assert answer.status == 0
    for said in ("read-2026", "500,000", "1,250", "498,750", "0.2 %"):
        assert said in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80


def test_without_a_plan_the_usage_is_shown_all_the_same(cli: Cli, site: Site) -> None:
    use(site, 3)
    cli("ingest", "output")
    answer = cli("report", "2026-03")
    assert "On no plan" in answer.out
    assert METER in "".join(answer.out.split())


def test_csv_has_a_line_for_each_container_and_meter(cli: Cli, site: Site) -> None:
    use(site, 3)
    cli("ingest", "output")
    cli("plan", "import", "license")
    rows = list(csv.DictReader(io.StringIO(cli("report", "2026-03", "--format", "csv").out)))
    assert [(row["plan"], row["meter"], row["quantity"]) for row in rows] == [("read-2026", METER, "3")]


@freeze_time("2026-03-15")
def test_the_month_left_out_is_this_one(cli: Cli, site: Site) -> None:
    site.ledger.dispose()
    assert json.loads(cli("report", "--json").out)["month"] == "2026-03"


@pytest.mark.parametrize("month", ["2026", "2026-13", "march", "2026-3", "../../etc"])
def test_what_is_no_month_is_a_bad_command_line(cli: Cli, site: Site, month: str) -> None:
    site.ledger.dispose()
    answer = cli("report", month)
    assert answer.status == 2
    assert "is not a month" in answer.err and "try:" in answer.err


def test_a_plan_entered_by_hand_is_listed(cli: Cli) -> None:
    words = ("--type", "Read", "--quota", "1000", "--unit", "Transaction", "--period", "month", "--meter", METER)
    assert cli("plan", "add", "by-hand", *words, "--start", "2026-01-01", "--end", "2027-01-01").status == 0
    plans = json.loads(cli("plan", "list", "--json").out)["plans"]
    assert [(plan["name"], plan["quota"], plan["period"]) for plan in plans] == [("by-hand", 1000, "month")]
    assert "1,000 Transaction/month" in " ".join(cli("plan", "list").out.split())
