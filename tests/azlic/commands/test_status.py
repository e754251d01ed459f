"""`azlic status`: one screen, and each number is the one that the command for it says."""

import json
from pathlib import Path

import pytest

import usage.plans.azure_decode  # noqa: F401 - its models are made before a test stops the clock
from azlic.monitoring.status import site_status
from azlic.render.status import STATUS
from azlic.settings import load_settings
from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.site import METER, Site, a_license
from tests.usage.commitments import day
from tests.usage.lines import a_line
from tests.usage.months import Months
from tests.usage.mount import Mount

AT = "2026-04-09T08:00:00Z"


@pytest.fixture
def busy_site(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Five licenses, one of them damaged; a plan and records of two containers; March closed."""
    monkeypatch.setenv("AZLIC_LICENSES", "licenses")
    monkeypatch.setenv("AZLIC_SITE", "hall-7")
    for number in range(5):
        site.install(a_license(), site.folder / "licenses" / f"read-{number}") if number else None
    return site


@pytest.fixture
def licenses(site: Site) -> Path:
    folder = site.folder / "licenses"
    folder.mkdir()
    return folder


@pytest.fixture
def kept(cli: Cli, licenses: Path, busy_site: Site) -> Site:
    (licenses / "read-2" / "license.dat").write_bytes(b"{}")
    usage = busy_site.output / "read" / "0123456789ab" / "usage-2026-03-01.jsonl"
    usage.parent.mkdir(parents=True)
    usage.write_bytes(b"".join(a_line(str(number), 100) + b"\n" for number in range(7)) + b"not a record\n")
    with clock_at("2026-04-02T08:00:00Z"):
        cli("ingest", "output")
        cli("plan", "import", "licenses/read-1")
        cli("close", "2026-03", "--yes", "--accept", "it is known")
    return busy_site


def test_it_says_what_the_commands_for_it_say(cli: Cli, kept: Site) -> None:
    with clock_at(AT):
        status = json.loads(cli("status", "--json").out)
        verdicts = json.loads(cli("verify", "licenses", "--json").out)["verdicts"]
        audit, alerts = (json.loads(cli(command, "--json").out) for command in ("audit", "alerts"))
        (plan,) = json.loads(cli("report", "2026-04", "--json").out)["plans"]
    assert status["schema"] == "azlic.status/v1" and status["site"] == "hall-7"
    ledger = status["ledger"]
    assert (ledger["records"], ledger["batches"], ledger["head"]) == (7, audit["batches"], audit["head"])
    assert audit["records"] == 7 and ledger["closed_up_to"] == "2026-03" and ledger["fault"] is None
    of_license = [(one["path"], one["status"], one["days_left"]) for one in status["licenses"]]
    assert of_license == [(one["path"], one["status"], one["days_left"]) for one in verdicts]
    assert [one["id"] for one in status["alerts"]] == [one["id"] for one in alerts["alerts"]]
    assert [(one["plan"], one["used"], one["percent"]) for one in status["plans"]] == [
        (plan["plan"]["name"], plan["used"], plan["percent"])
    ]


def test_it_is_one_screen_and_leaves_as_the_alerts_do(cli: Cli, kept: Site) -> None:
    with clock_at(AT):
        answer = cli("status")
        assert answer.status == cli("alerts").status == 1
    lines = answer.out.splitlines()
    assert len(lines) <= 24
    assert any("closed up to 2026-03" in line for line in lines)
    assert "and 1 more: azlic verify" in answer.out and "7 records in " in answer.out


def test_a_site_with_nothing_is_told_so(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZLIC_DATABASE")
    settings = load_settings()._replace(licenses=(), database=str(site.folder / "none" / "azlic.db"))
    found = site_status(settings, trust=None, database=None, now=site.now, unit_folders=[site.folder / "systemd"])
    said = STATUS.text(found)
    assert "none is wanted" in said and "not known" in said and "no unit: azlic units writes them" in said


def test_the_units_that_are_enabled_are_named(cli: Cli, site: Site) -> None:
    wants = site.folder / "systemd" / "timers.target.wants"
    wants.mkdir(parents=True)
    cli("units", "systemd")
    (wants / "azlic-ingest.timer").symlink_to(site.folder / "systemd" / "azlic-ingest.timer")
    found = site_status(load_settings(), trust=None, database=None, now=site.now, unit_folders=[wants.parent])
    assert found.enabled == ["azlic-ingest.timer"]


def test_a_ledger_that_cannot_be_read_hides_nothing_else(cli: Cli, kept: Site) -> None:
    (kept.folder / "azlic.db").write_bytes(b"no database" * 100)
    with clock_at(AT):
        answer = cli("status")
    assert answer.status == 1 and "cannot be read" in answer.out and "read-1" in answer.out


def test_without_a_ledger_plans_are_not_known_and_it_is_status_3_as_of_a_report(cli: Cli, site: Site) -> None:
    absent = ("--database", site.folder / "none.db")
    answer = cli("status", *absent)
    assert answer.status == cli("report", *absent).status == 3
    assert "not known" in answer.out and "none runs now" not in answer.out and "there is no ledger at" in answer.err


def test_a_share_has_the_decimals_that_a_report_gives_it(cli: Cli, site: Site) -> None:
    terms = ("--type", "Read", "--quota", 10**9, "--unit", "Transaction", "--period", "year")
    cli("plan", "add", "read", *terms, "--start", "2026-01-01", "--end", "2027-01-01", "--meter", METER)
    months = Months(Mount(site))
    months.use("a", 7, day("2026-03-02"))
    with clock_at(AT):
        assert all("0.000001 %" in cli(*words).out for words in (("status",), ("report", "2026-04")))
