"""Whatever changes plans changes no report on a closed month, in any format, and says from when on it counts."""

import json
import re
from pathlib import Path

import pytest

from tests.azlic.conftest import FORMATS, Cli, reported
from tests.frozen import clock_at
from tests.site import METER, Site
from tests.usage.commitments import day
from tests.usage.months import Months
from tests.usage.mount import Mount
from usage.plans.azure_decode import MAX_BYTES  # its models are made before the clock is frozen

OPEN = "2026-04"
ADD = ("--type", "Read", "--quota", 100, "--unit", "Transaction", "--period", "year")
AZURE = {
    "name": "from-azure",
    "properties": {
        "planType": "Read",
        "current": {
            "tier": "T1",
            "startDate": "2026-01-01T00:00:00Z",
            "endDate": "2027-01-01T00:00:00Z",
            "quota": {"quantity": 10, "unit": "Page"},
        },
    },
}
CHANGES: dict[str, list[tuple[object, ...]]] = {
    "plan map": [
        ("plan", "map", "read-2026", METER, "--units", 60),
        ("plan", "map", "read-2026", "Another.Meter"),
        ("plan", "map", "read-2026", METER, "--remove"),
        ("plan", "map", "read-2026", METER, "--per", 7),
    ],
    "plan amend": [
        ("plan", "amend", "read-2026", "--units", 1, "--from", "2026-04-01"),
        ("plan", "amend", "read-2026", "--units", -1, "--from", "2026-04-01"),
        ("plan", "amend", "read-2026", "--units", 3, "--from", "2026-04-02", "--quota", 9),
    ],
    "plan end": [("plan", "end", "renewing")],
    "plan renew": [
        ("plan", "renew", "renewing"),
        ("plan", "renew", "renewing", "--tier", "T2", "--quota", 7, "--count", 2),
    ],
    "plan rename": [("plan", "rename", "read-2026", "renamed"), ("plan", "rename", "renamed", "read-2026")],
    "plan add": [
        ("plan", "add", "other", *ADD, "--start", "2026-01-01", "--end", "2027-01-01", "--meter", "Unmapped.Meter"),
        ("plan", "add", "later", *ADD, "--start", "2027-01-01", "--end", "2028-01-01", "--meter", METER),
    ],
    "plan import": [("plan", "import", "azure.json", "--period", "year")],
    "plan rule add": [("plan", "rule", "add", "read-2026", "--site", "x")],
    "plan rule remove": [("plan", "rule", "remove", "read-2026", "--site", "x")],
    "plan remove": [("plan", "remove", "later", "--yes"), ("plan", "remove", "from-azure", "--yes")],
}
"""For each command that changes plans, calls of it that change something."""


def written_commands() -> set[str]:
    """The commands of plans that docs/commands.md lists among those that write."""
    text = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
    return set(re.findall(r"`(plan [^`]+)`", text))


@pytest.fixture
def months(site: Site, cli: Cli) -> Months:
    """February and March are closed; it is the 2nd of April."""
    months = Months(Mount(site))
    site.enter_plan()
    dates = ("--start", "2026-01-01", "--end", "2027-01-01")
    cli("plan", "add", "renewing", *ADD, *dates, "--auto-renew", "--meter", "Rare.Meter")
    months.use("a", 5, day("2026-02-02"))
    months.use("b", 7, day("2026-03-31"))
    months.use("c", 8, day("2026-03-03"), meter={"name": "Unmapped.Meter", "quantity": 8})
    months.use("d", 2, day("2026-03-04"), meter={"name": "Rare.Meter", "quantity": 2})
    months.use("e", 100, day("2026-04-01"))
    months.site.now = day("2026-04-02T08:00")
    months.close("2026-02")
    months.close("2026-03")
    return months


@clock_at("2026-04-02T08:00:00")
def test_no_change_of_plans_moves_a_closed_month(cli: Cli, months: Months, site: Site) -> None:
    assert (site.folder / "azure.json").write_text(json.dumps(AZURE)) < MAX_BYTES
    closed = {month: reported(cli, month) for month in ("2026-02", "2026-03")}
    present = reported(cli, OPEN)
    assert set(CHANGES) == written_commands(), "each command that changes plans is tried here"
    for calls in CHANGES.values():
        for call in calls:
            answer = cli(*call)
            assert answer.status == 0, answer.err
            told = "2027-01 on\n" if "later" in call else "2026-04 on; the months before are closed and stay as billed"
            assert f"it counts from {told}" in answer.err, call
            for month, before in closed.items():
                assert reported(cli, month) == before, call
    assert all(text != present[form] for form, text in reported(cli, OPEN).items() if form != "csv")
    assert cli("audit").status == 0


@clock_at("2026-04-02T08:00:00")
def test_each_month_of_a_period_counts_in_its_own_ratio(cli: Cli, months: Months) -> None:
    cli("plan", "map", "read-2026", METER, "--units", 60)
    (known, _) = json.loads(cli("report", OPEN, "--json").out)["plans"]
    assert (known["used"], known["month"], known["year_to_date"]) == (5 + 7 + 6000, 6000, 6012)
    assert known["usages"][0]["ratios"] == [
        {"from": "2026-02", "plan_units": 1, "per": 1},
        {"from": "2026-04", "plan_units": 60, "per": 1},
    ]
    told = " ".join(cli("report", OPEN).out.split())
    assert "from 2026-02 1 of its own unit are 1 Transaction; from 2026-04 1 of its own unit are 60 Transaction" in told
    shown = json.loads(cli("plan", "show", "read-2026", "--json").out)["ratios"]
    assert shown == {
        METER: [{"from": "2026-01", "plan_units": 1, "per": 1}, {"from": "2026-04", "plan_units": 60, "per": 1}]
    }
    told = " ".join(cli("plan", "show", "read-2026").out.split())
    assert "1 is 1 Transaction from 2026-01 1 are 60 Transaction from 2026-04" in told
    months.use("late", 10, day("2026-03-20"))
    assert json.loads(cli("report", OPEN, "--json").out)["plans"][0]["used"] == 5 + 7 + 6000 + 600
    assert "Closed: 2026-02, and 2026-01 closed with it; 2026-03." in cli("report", "2026").out, "nobody closed January"
    known = {"2026-01": "2026-02", "2026-02": "2026-02", "2026-03": "2026-03"}
    assert json.loads(cli("report", "2026", "--json").out)["closed_with"] == known


@clock_at("2026-04-02T08:00:00")
@pytest.mark.parametrize(
    ("call", "since"),
    [
        (("plan", "amend", "read-2026", "--units", 1, "--from", "2026-08-01"), "2026-08"),
        (("plan", "add", "autumn", *ADD, "--start", "2026-11-01", "--end", "2027-11-01"), "2026-11"),
        (("plan", "end", "renewing", "--from", "2026-09-01"), "2026-09"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
def test_what_begins_later_is_said_to_count_from_then(
    cli: Cli, months: Months, call: tuple[object, ...], since: str
) -> None:
    answer = cli(*call)
    assert answer.status == 0 and f"note: it counts from {since} on\n" in answer.err, answer


@clock_at("2026-04-02T08:00:00")
def test_a_plan_that_closed_months_know_by_another_name_says_so(cli: Cli, months: Months) -> None:
    assert "in closed months" not in cli("report", "2026").out
    cli("plan", "rename", "read-2026", "hall-1")
    cli("plan", "rename", "renewing", "read-2026")
    for words in (("2026",), ("2026-03", "--plan", "hall-1"), ("2026-03", "--plan", "read-2026")):
        told = cli("report", *words).out
        assert ("Called read-2026 in closed months." in told) is ("read-2026" not in words)
        assert ("Called renewing in closed months." in told) is ("hall-1" not in words)
        (first, *_) = json.loads(cli("report", *words, "--json").out)["plans"]
        assert first["called"] == {"hall-1": ["read-2026"], "read-2026": ["renewing"]}[first["plan"]]
    assert "in closed months" not in cli("report", "--from", "2026-04-01", "--to", "2026-05-01").out


@clock_at("2026-04-02T08:00:00")
def test_a_meter_taken_off_keeps_what_it_drew_in_closed_months(cli: Cli, months: Months) -> None:
    cli("plan", "map", "read-2026", METER, "--remove")
    told = " ".join(cli("plan", "show", "read-2026").out.split())
    assert (
        "1 is 1 Transaction from 2026-01 draws on it no longer from 2026-04" in told and "No meter draws on it" in told
    )
    report = json.loads(cli("report", OPEN, "--json").out)
    assert (report["plans"][0]["used"], report["plans"][0]["month"]) == (12, 0)
    assert {row["meter"]: row["month"] for row in report["unmapped"]}[METER] == 100
    for form in FORMATS:
        assert cli("report", OPEN, "--format", form).status == 0


@clock_at("2026-04-02T08:00:00")
def test_a_plan_that_a_license_brings_late_counts_from_the_first_open_month(cli: Cli, site: Site) -> None:
    months = Months(Mount(site))
    months.use("a", 5, day("2026-03-02"))
    months.use("b", 7, day("2026-04-01"))
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    before = reported(cli, "2026-03")
    site.install()
    assert "it counts from 2026-04 on" in cli("plan", "import", "license").err
    assert "it counts" not in cli("plan", "import", "license").err, "it is there already"
    assert reported(cli, "2026-03") == before
    assert json.loads(cli("report", OPEN, "--json").out)["plans"][0]["used"] == 7


@clock_at("2026-04-02T08:00:00")
def test_a_term_that_began_unentered_is_frozen_as_it_was_noted(cli: Cli, site: Site) -> None:
    dates = ("--start", "2025-03-01", "--end", "2026-03-01")
    cli("plan", "add", "read", *ADD, *dates, "--auto-renew", "--meter", METER)
    months = Months(Mount(site))
    months.use("a", 5, day("2026-03-02"))
    months.site.now = day("2026-04-02")
    before = json.loads(cli("report", "2026-03", "--json").out)["plans"]
    assert [(one["plan"]["name"], one["used"]) for one in before] == [("read@2026-03-01", 5)]
    months.close("2026-03")
    assert json.loads(cli("report", "2026-03", "--json").out)["plans"][0]["used"] == 5
    closed = reported(cli, "2026-03")
    assert cli("plan", "map", "read@2026-03-01", METER, "--units", 9).status == 0
    assert cli("plan", "end", "read@2026-03-01").status == 0
    assert reported(cli, "2026-03") == closed
    months.check()
