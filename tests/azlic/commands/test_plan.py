"""`azlic plan`, as an operator types it."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from licensing.containers import SPEECH_TO_TEXT
from licensing.db.store_kind import StoreKind
from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.site import METER, Site
from tests.tables import put_tables
from tests.usage.lines import a_line

(SECONDS,) = SPEECH_TO_TEXT.meters
TERM: dict[str, Any] = {
    "tier": "T1",
    "count": 2,
    "startDate": "2026-01-01T00:00:00Z",
    "endDate": "2027-01-01T00:00:00Z",
    "quota": {"quantity": 500000, "unit": "Transaction"},
}
BY_HAND = ("--type", "Read", "--quota", "1000", "--unit", "Transaction", "--start", "2026-01-01", "--end", "2027-01-01")


@pytest.fixture(autouse=True)
def ledger(site: Site) -> None:
    """It is there already."""
    put_tables(site.database, StoreKind.SITE, 0o640)


def azure(folder: Path, *, name: str = "plant", **properties: object) -> Path:
    """A file as Azure's command line prints it."""
    fields = {"planType": "Read", "autoRenew": True, "current": TERM, "next": None}
    path = folder / "plans.json"
    path.write_text(json.dumps({"value": [{"name": name, "properties": fields | properties}]}))
    return path


def plans(cli: Cli) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cli("plan", "list", "--json").out)["plans"]
    return found


def test_a_plan_entered_by_hand_is_listed(cli: Cli) -> None:
    assert cli("plan", "add", "by-hand", *BY_HAND, "--period", "month", "--meter", METER).status == 0
    assert [(plan["name"], plan["quota"], plan["period"]) for plan in plans(cli)] == [("by-hand", 1000, "month")]
    assert "1,000 Transaction/month" in " ".join(cli("plan", "list").out.split())


def test_a_plan_of_a_license_is_entered_once(cli: Cli, site: Site) -> None:
    site.install()
    assert "plan read-2026: entered" in cli("plan", "import", "license").out
    assert "already exists, nothing was changed" in cli("plan", "import", "license").out


def test_a_license_states_its_period_itself(cli: Cli, site: Site) -> None:
    site.install()
    answer = cli("plan", "import", "license", "--period", "month")
    assert answer.status == 2 and "a license states its period" in answer.err


def test_azures_plans_are_entered_once(cli: Cli, site: Site) -> None:
    path = azure(site.folder)
    first, second = (cli("plan", "import", path, "--period", "year") for _ in range(2))
    assert (first.status, second.status) == (0, 0)
    assert (first.out, second.out) == ("plan plant: entered\n", "plan plant: already exists, nothing was changed\n")
    (only,) = plans(cli)
    assert (only["count"], only["auto_renew"], only["meters"][0]["meter"]) == (2, True, METER)


def test_the_period_of_azures_quota_has_to_be_stated_and_why_is_said(cli: Cli, site: Site) -> None:
    answer = cli("plan", "import", azure(site.folder))
    assert answer.status == 2
    assert "the period of the quota has to be stated" in answer.err
    assert "does not say whether the quota is given each month or each year" in answer.err


def test_other_terms_under_the_same_name_are_refused_with_a_hint(cli: Cli, site: Site) -> None:
    cli("plan", "import", azure(site.folder), "--period", "year")
    answer = cli("plan", "import", azure(site.folder, current=TERM | {"count": 3}), "--period", "year")
    assert answer.status == 2
    assert "count 2 here, 3 there" in answer.err and "azlic plan amend plant --units 1 --from DATE" in answer.err
    assert cli("plan", "amend", "plant", "--units", "1", "--from", "2026-07-01").status == 0
    assert cli("plan", "import", azure(site.folder, current=TERM | {"count": 3}), "--period", "year").status == 0


def test_a_plan_left_out_is_said_and_is_status_1(cli: Cli, site: Site) -> None:
    answer = cli("plan", "import", azure(site.folder, provisioningState="Failed"), "--period", "year")
    assert answer.status == 1 and "left out: plan plant: its provisioningState is Failed" in answer.err


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "plans.json: it is not JSON"), ('{"name": "x"}', "plans.json: properties: Field required")],
)
def test_a_file_that_is_not_azures_is_status_3_with_its_place(cli: Cli, site: Site, content: str, message: str) -> None:
    path = site.folder / "plans.json"
    path.write_text(content)
    answer = cli("plan", "import", path, "--period", "year")
    assert answer.status == 3 and message in answer.err


def test_a_file_that_is_not_there_is_status_3(cli: Cli) -> None:
    answer = cli("plan", "import", "nowhere.json", "--period", "year")
    assert answer.status == 3 and "nowhere.json cannot be read" in answer.err


def test_tiers_state_the_quota_that_a_plan_lacks(cli: Cli, site: Site) -> None:
    tiers = site.folder / "tiers.json"
    tier = {"hostingModel": "DisconnectedContainer", "planType": "Read", "tier": "T1", "quota": TERM["quota"]}
    tiers.write_text(json.dumps([tier]))
    path = azure(site.folder, current={name: value for name, value in TERM.items() if name != "quota"})
    assert "--tiers FILE" in cli("plan", "import", path, "--period", "year").err
    assert cli("plan", "import", path, "--period", "year", "--tiers", tiers).status == 0
    assert plans(cli)[0]["quota"] == 500_000


def test_a_plan_without_a_meter_says_how_to_map_one(cli: Cli) -> None:
    answer = cli("plan", "add", "by-hand", *BY_HAND, "--period", "year")
    assert answer.status == 0 and "azlic plan map by-hand METER" in answer.err


def test_a_meter_named_twice_is_a_bad_call(cli: Cli) -> None:
    answer = cli("plan", "add", "by-hand", *BY_HAND, "--period", "year", "--meter", METER, "--meter", METER)
    assert answer.status == 2 and f"meter {METER} is listed twice in plan by-hand" in answer.err


@pytest.mark.parametrize("date", ["2026-01-01T08:00", "2026-01-01T23:59:59"])
def test_a_date_with_a_time_that_is_not_midnight_is_refused(cli: Cli, date: str) -> None:
    words = ("--type", "Read", "--quota", "1", "--unit", "T", "--period", "year", "--end", "2027-01-01")
    answer = cli("plan", "add", "by-hand", *words, "--start", date)
    assert answer.status == 2 and "does not start and end at 00:00 UTC" in answer.err


def test_units_added_are_shown_with_what_each_period_commits_to(cli: Cli) -> None:
    cli("plan", "add", "by-hand", *BY_HAND, "--period", "month")
    told = cli("plan", "amend", "by-hand", "--units", "1", "--from", "2026-03-28").out
    assert told == "plan by-hand: +1 unit from 2026-03-28, 129 Transaction in that period, pro-rated\n"
    assert "nothing was changed" in cli("plan", "amend", "by-hand", "--units", "1", "--from", "2026-03-28").out
    assert "as stated" in cli("plan", "amend", "by-hand", "--units", "2", "--from", "2026-04-01", "--quota", "7").out
    shown = " ".join(cli("plan", "show", "by-hand").out.split())
    for line in ("2026-03-28 +1 1 to 2 129 pro-rated", "2026-04-01 +2 2 to 4 7 as stated"):
        assert line in shown
    for line in ("2026-02-01 2026-03-01 1 1,000", "2026-03-01 2026-04-01 2 1,129", "2026-05-01 2026-06-01 4 4,000"):
        assert line in shown


def test_a_unit_entered_by_mistake_is_taken_back(cli: Cli) -> None:
    cli("plan", "add", "by-hand", *BY_HAND, "--period", "year")
    for units in ("1", "-1"):
        assert cli("plan", "amend", "by-hand", "--units", units, "--from", "2026-03-28").status == 0
    shown = json.loads(cli("plan", "show", "by-hand", "--json").out)
    assert shown["schema"] == "azlic.plan/v1"
    assert [change["units"] for change in shown["plan"]["changes"]] == [1, -1]


def test_ending_a_plan_says_what_that_means(cli: Cli, site: Site) -> None:
    cli("plan", "import", azure(site.folder), "--period", "year")
    first, second = cli("plan", "end", "plant").out, cli("plan", "end", "plant").out
    assert "no longer renews itself" in first and "It ends at 2027-01-01 00:00 UTC" in first
    assert "nothing was changed" in second
    assert not plans(cli)[0]["auto_renew"]


def test_a_meter_is_mapped_in_a_stated_ratio(cli: Cli) -> None:
    cli("plan", "add", "by-hand", *BY_HAND, "--period", "year")
    ratio = ("plan", "map", "by-hand", "Speech.Seconds", "--units", "1", "--per")
    assert "3,600 are 1 Transaction" in cli(*ratio, "3600").out
    assert "nothing was changed" in cli(*ratio, "3600").out
    assert "60 are 1 Transaction (before: 3,600 are 1 Transaction)" in cli(*ratio, "60").out
    assert "60 are 1 Transaction" in cli("plan", "show", "by-hand").out
    assert "no longer" in cli("plan", "map", "by-hand", "Speech.Seconds", "--remove").out
    assert cli("plan", "map", "by-hand", "Speech.Seconds", "--remove").status == 2


@pytest.mark.parametrize(
    "words", [("show",), ("end",), ("map", METER), ("amend", "--units", "1", "--from", "2026-07-01")]
)
def test_a_plan_that_is_not_there_is_a_bad_call(cli: Cli, site: Site, words: tuple[str, ...]) -> None:
    site.ledger.dispose()
    command, *rest = words
    answer = cli("plan", command, "nothing", *rest)
    assert answer.status == 2 and "there is no plan named nothing" in answer.err


def test_no_plan_is_a_list_too(cli: Cli, site: Site) -> None:
    site.ledger.dispose()
    assert "no plans; enter one with" in cli("plan", "list").out


def two_accounts(folder: Path, **second: Any) -> Path:
    """Two accounts with a plan of one name, as Azure lists them for a subscription."""
    listed = []
    for account, changes in (("hall-1", {}), ("hall-2", second)):
        azure(folder, name="plant", **changes)
        (one,) = json.loads((folder / "plans.json").read_text())["value"]
        scope = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg"
        identity = f"{scope}/providers/Microsoft.CognitiveServices/accounts/{account}/commitmentPlans/plant"
        listed.append({"id": identity} | one)
    path = folder / "plans.json"
    path.write_text(json.dumps({"value": listed}))
    return path


def test_the_account_is_shown_beside_the_name(cli: Cli, site: Site) -> None:
    path = two_accounts(site.folder)
    assert cli("plan", "import", path, "--period", "year").out.splitlines() == [
        "plan plant (account hall-1): entered",
        "plan plant@hall-2 (account hall-2): entered",
    ]
    assert "plant@hall-2 (account hall-2)\n" in cli("plan", "list").out
    assert max(map(len, cli("plan", "list").out.splitlines())) <= 80
    identity = plans(cli)[1]["arm_id"]
    for name in ("plant@hall-2", identity, identity.lower()):
        shown = cli("plan", "show", name).out
        assert "Plan plant@hall-2 (account hall-2): Read T1 x 2" in shown and identity in "".join(shown.split())
        assert max(map(len, shown.splitlines())) <= 80
    assert "(account hall-1)" in cli("report", "2026-03").out
    assert "(account hall-1)" in cli("report", "2026-03", "--format", "markdown").out
    assert [plan["account"] for plan in plans(cli)] == ["hall-1", "hall-2"]
    cli("plan", "end", "plant@hall-2")
    with clock_at("2026-12-20"):
        told = " ".join(cli("alerts").out.split())
        listed = json.loads(cli("alerts", "--json").out)["alerts"]
    assert "It is a plan of account hall-2." in told
    assert "plan plant@hall-2 (account hall-2)" in {alert["subject"] for alert in listed}
    assert cli("plan", "rename", identity, "hall-2").out == "plan plant@hall-2: now called hall-2\n"
    assert cli("plan", "amend", identity.upper(), "--units", "1", "--from", "2026-07-01").status == 0
    assert "+1" in cli("plan", "show", "hall-2").out


def test_one_that_cannot_be_taken_does_not_stop_the_others(cli: Cli, site: Site) -> None:
    path = two_accounts(site.folder, current=TERM | {"endDate": "2025-01-01T00:00:00Z"})
    for _ in range(2):
        answer = cli("plan", "import", path, "--period", "year")
        assert answer.status == 1 and "plan plant (account hall-1)" in answer.out
        assert "refused: plan plant: plans.json: plan plant: plan plant ends before it starts" in answer.err
    told = cli("plan", "import", path, "--period", "year", "--json")
    document = json.loads(told.out)
    assert (told.status, document["schema"]) == (1, "azlic.plan-import/v1")
    assert [entry["plan"]["account"] for entry in document["plans"]] == ["hall-1"]
    (refused,) = document["refused"]
    assert "ends before it starts" in refused["reason"] and refused["hint"]


def test_renewal_is_turned_off_and_on_and_told_at_80_columns(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    cli("plan", "add", "by-hand", *BY_HAND, "--period", "year", "--auto-renew")
    assert "no longer renews itself" in cli("plan", "end", "by-hand", "--from", "2026-05-01").out
    assert "plan by-hand: renews itself\n" in cli("plan", "renew", "by-hand", "--from", "2026-06-01").out
    stated = cli("plan", "renew", "by-hand", "--tier", "T2", "--quota", "3000", "--count", "2", "--from", "2026-07-01")
    assert stated.out == "plan by-hand: renews itself as T2 x 2 of 3,000 Transaction, up to 2028-01-01\n"
    shown = cli("plan", "show", "by-hand").out
    assert max(map(len, shown.splitlines())) <= 80
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    since = [line for line in lines if line.startswith(("2026-05-01", "2026-06-01", "2026-07-01"))]
    assert [line.split()[1] for line in since] == ["ends", "renews", "renews"]
    assert [plan["name"] for plan in plans(cli)] == ["by-hand", "by-hand@2027-01-01"]
    assert plans(cli)[1]["renewed_from"] == "by-hand" and plans(cli)[1]["tier"] == "T2"
    assert "what was noted of plan by-hand" in " ".join(cli("plan", "show", "by-hand@2027-01-01").out.split())


def test_the_report_draws_on_the_term_that_renewed_itself(cli: Cli) -> None:
    cli("plan", "add", "by-hand", *BY_HAND, "--period", "year", "--meter", METER, "--auto-renew")
    (usage,) = json.loads(cli("report", "2028-03", "--format", "json").out)["plans"]
    assert (usage["plan"]["name"], usage["committed"]) == ("by-hand@2028-01-01", 1000)
    cli("plan", "end", "by-hand", "--from", "2026-05-01")
    assert json.loads(cli("report", "2028-03", "--format", "json").out)["plans"] == []


def test_a_plan_entered_by_mistake_is_removed_and_one_that_was_used_is_not(cli: Cli, site: Site) -> None:
    words = (*BY_HAND, "--period", "year", "--meter", METER)
    cli("plan", "add", "by-hand", *words)
    assert "Remove plan by-hand?" in cli("plan", "remove", "by-hand").err and len(plans(cli)) == 1
    assert cli("plan", "remove", "by-hand", "--yes").out == "plan by-hand: removed\n"
    assert plans(cli) == []
    cli("plan", "add", "by-hand", *words)
    usage = site.output / "read" / "0123456789ab" / "usage-2026-03-01.jsonl"
    usage.parent.mkdir(parents=True)
    usage.write_bytes(a_line("a") + b"\n")
    cli("ingest", "output")
    refused = cli("plan", "remove", "by-hand", "--yes")
    assert refused.status == 2 and f"meter {METER} was used on days of plan by-hand" in refused.err
    cli("plan", "map", "by-hand", METER, "--remove")
    assert cli("plan", "remove", "by-hand", "--yes").status == 0


def test_units_in_a_closed_month_are_refused_with_the_first_day_that_is_open(cli: Cli, site: Site) -> None:
    cli("plan", "add", "by-hand", *BY_HAND, "--period", "year", "--meter", METER)
    for units, start in (("2", "2026-02-10"), ("1", "2026-05-01")):
        cli("plan", "amend", "by-hand", "--units", units, "--from", start)
    usage = site.output / "read" / "0123456789ab" / "usage-2026-03-01.jsonl"
    usage.parent.mkdir(parents=True)
    usage.write_bytes(a_line("a") + b"\n")
    cli("ingest", "output")
    assert cli("close", "2026-03", "--yes").status == 0
    refused = cli("plan", "amend", "by-hand", "--units", "1", "--from", "2026-03-10")
    assert refused.status == 2 and "2026-03 is closed" in refused.err
    assert "--from 2026-04-01 --quota 813" in refused.err
    assert cli("plan", "amend", "by-hand", "--units", "1", "--from", "2026-04-01", "--quota", "813").status == 0
    refused = cli("plan", "amend", "by-hand", "--units", "-2", "--from", "2026-02-10")
    assert refused.status == 2 and "--from 2026-04-01" in refused.err
    taken = cli("plan", "amend", "by-hand", "--units", "-2", "--from", "2026-04-01")
    assert "-2 units from 2026-04-01, -1,780 Transaction in that period" in taken.out, taken
    refused = cli("plan", "amend", "by-hand", "--units", "-2", "--from", "2026-04-01")
    assert refused.status == 2 and "no 2 units were added" in refused.err, "nothing is taken back twice"
    assert cli("plan", "remove", "by-hand", "--yes").status == 2
    cli("plan", "add", "too-late", *BY_HAND, "--period", "year")
    assert cli("plan", "remove", "too-late", "--yes").status == 0, "no closed month knows of it"


@pytest.mark.parametrize(
    ("period", "units", "taken"),
    [
        ("year", "1", ("2026-04-01",)),
        ("year", "-1", ("2026-04-01", "2026-04-02")),
        ("month", "1", ("2026-04-01", "2026-04-02")),
        ("month", "-1", ()),
    ],
)
def test_the_hint_for_a_closed_day_names_one_without_other_units(
    cli: Cli, site: Site, period: str, units: str, taken: tuple[str, ...]
) -> None:
    cli("plan", "add", "by-hand", *BY_HAND, "--period", period, "--meter", METER)
    for start in ("2026-03-05", *taken):
        assert cli("plan", "amend", "by-hand", "--units", 1, "--from", start).status == 0
    usage = site.output / "read" / "0123456789ab" / "usage-2026-03-01.jsonl"
    usage.parent.mkdir(parents=True)
    usage.write_bytes(a_line("a") + b"\n")
    cli("ingest", "output")
    assert cli("close", "2026-03", "--yes").status == 0
    closed_day = "2026-03-06" if units == "1" else "2026-03-05"
    refused = cli("plan", "amend", "by-hand", "--units", units, "--from", closed_day)
    (told,) = re.findall(r"--from [-\d]+(?: --quota \d+)?", refused.err)
    assert (" --quota" in told) is (units == "1" and period == "year"), "what a month adds ends with it"
    done = cli("plan", "amend", "by-hand", "--units", units, *told.split())
    assert done.status == 0 and "nothing was changed" not in done.out, done
    changes = json.loads(cli("plan", "show", "by-hand", "--json").out)["plan"]["changes"]
    assert len({change["effective_at"] for change in changes}) == len(changes), "each on a day of its own"
    assert sum(change["units"] for change in changes) == 1 + len(taken) + int(units)
    again = cli("plan", "amend", "by-hand", "--units", 1, "--from", "2026-03-05")
    (way,) = re.findall(r"azlic (plan amend by-hand --units 1 --from [-\d]+)\n", again.err)
    assert "+1 unit" in cli(*way.split()).out


def test_fewer_units_by_import_are_an_amendment_with_both_numbers(cli: Cli, site: Site) -> None:
    arm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a/commitmentPlans/plant"
    for units in (5, 3):
        path = azure(site.folder, current=TERM | {"count": units})
        path.write_text(json.dumps({"value": [json.loads(path.read_text())["value"][0] | {"id": arm}]}))
        told = cli("plan", "import", path, "--period", "year", "--from", "2026-03-01")
        assert told.status == 0, told
    assert "-2 units from 2026-03-01 (5 to 3), " in told.out
    shown = cli("plan", "show", "plant").out
    assert "5 to 3" in shown and "taken back" not in shown
    (change,) = json.loads(cli("plan", "show", "plant", "--json").out)["plan"]["changes"]
    assert (change["units"], change["units_before"], change["units_after"]) == (-2, 5, 3)
    for more in (4, -4):
        cli("plan", "amend", "plant", "--units", more, "--from", "2026-04-01")
    lines = cli("plan", "show", "plant").out.splitlines()
    rows = [line.split() for line in lines if re.match(r" +2026-0\d-01 +[+-]", line)]
    assert [(" ".join(row[1:5]), "taken" in row) for row in rows] == [
        ("-2 5 to 3", False),
        ("+4 3 to 7", False),
        ("-4 7 to 3", True),
    ]


def test_an_empty_list_of_plans_is_said_to_be_one(cli: Cli, site: Site) -> None:
    (site.folder / "empty.json").write_text("[]")
    answer = cli("plan", "import", site.folder / "empty.json", "--period", "year")
    assert (answer.status, answer.out) == (0, "") and f"no plan in {site.folder / 'empty.json'}" in answer.err


def test_as_many_units_once_more_are_added_as_it_is_told(cli: Cli) -> None:
    cli("plan", "add", "read 2026", *BY_HAND, "--period", "year", "--meter", METER)
    amend = ("plan", "amend", "read 2026", "--units", "1", "--from", "2026-07-01")
    cli(*amend)
    answer = cli(*amend)
    assert answer.status == 0 and "nothing was changed" in answer.out
    for told in answer.err.strip().removeprefix("to add as many once more: ").split(", then "):
        assert cli(*shlex.split(told)[1:]).status == 0
    (plan,) = plans(cli)
    assert sum(change["units"] for change in plan["changes"]) == 2


@pytest.mark.parametrize("name", ["  a", "a ", "a  b", " ", "", "a\u00a0 b", "/subscriptions/a"])
def test_a_name_that_nobody_can_type_again_is_refused(cli: Cli, name: str) -> None:
    assert cli("plan", "add", "read-2026", *BY_HAND, "--period", "year", "--meter", METER).status == 0
    for words in (("add", name, *BY_HAND, "--period", "year", "--meter", METER), ("rename", "read-2026", name)):
        assert cli("plan", *words).status == 2
    assert [plan["name"] for plan in plans(cli)] == ["read-2026"]


@clock_at("2026-06-01")
def test_the_next_term_that_was_entered_is_shown_at_a_plans_end(cli: Cli) -> None:
    cli("plan", "add", "read-2026", *BY_HAND, "--period", "year", "--meter", METER)
    assert "no next term follows it" in cli("plan", "show", "read-2026").out
    later = ("--type", "Read", "--quota", "3000", "--unit", "Transaction", "--period", "year", "--meter", METER)
    cli("plan", "add", "other-2028", *later, "--start", "2028-01-01", "--end", "2029-01-01")
    assert "no next term follows it" in cli("plan", "show", "read-2026").out
    cli("plan", "add", "read-2027", *later, "--start", "2027-01-01", "--end", "2028-01-01")
    told = " ".join(cli("plan", "show", "read-2026").out.split())
    assert "goes on as plan read-2027: T1 x 1 of 3,000 Transaction, up to 2028-01-01" in told
    assert "no next term follows it" not in told


@clock_at("2026-06-01")
def test_the_next_term_of_azure_is_shown_once_it_was_imported(cli: Cli, site: Site) -> None:
    later = TERM | {"tier": "T2", "startDate": "2027-01-01T00:00:00Z", "endDate": "2028-01-01T00:00:00Z"}
    for current in (TERM, later):
        path = azure(site.folder, autoRenew=False, current=current)
        assert cli("plan", "import", path, "--period", "year", "--meter", METER).status == 0
    assert [plan["name"] for plan in plans(cli)] == ["plant", "plant@2027-01-01"]
    told = " ".join(cli("plan", "show", "plant").out.split())
    assert "goes on as plan plant@2027-01-01: T2 x 2 of 500,000 Transaction, up to 2028-01-01" in told


@pytest.mark.parametrize(("unit", "seconds"), [("Hour", 3600), ("Second", 1)])
def test_the_seconds_of_speech_are_parts_of_an_hour_however_a_plan_is_entered(
    cli: Cli, tmp_path: Path, unit: str, seconds: int
) -> None:
    current = TERM | {"quota": {"quantity": 2000, "unit": unit}}
    imported = ("plan", "import", azure(tmp_path, planType="STT", current=current), "--period", "year")
    by_hand = ("plan", "add", "by-hand", "--type", "STT", "--quota", "2000", "--unit", unit, "--period", "year")
    assert cli(*imported, "--meter", SECONDS).status == 0
    assert cli(*by_hand, "--start", "2027-01-01", "--end", "2028-01-01", "--meter", SECONDS).status == 0
    for name in ("plant", "by-hand"):
        (share,) = json.loads(cli("plan", "show", name, "--json").out)["ratios"][SECONDS]
        assert share["per"] == seconds
