"""Two plans of the same meter, and the rules that say which takes what."""

import csv
import io
import json
import re

import pytest
from sqlalchemy import text

from licensing.db.database import reading
from tests.azlic.conftest import FORMATS, Cli, reported
from tests.frozen import clock_at
from tests.site import METER, Site
from tests.usage.attacks import attacked, audited, sql
from tests.usage.commitments import day
from tests.usage.lines import a_line
from tests.usage.months import Months
from tests.usage.mount import Mount

A, B = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
AZURE = {
    "planType": "Read",
    "current": {
        "tier": "T1",
        "startDate": "2026-01-01T00:00:00Z",
        "endDate": "2027-01-01T00:00:00Z",
        "quota": {"quantity": 10, "unit": "Page"},
    },
}
DATES = ("--start", "2026-01-01", "--end", "2027-01-01")
PLAN = ("--type", "Read", "--quota", 100, "--unit", "Transaction", "--period", "year", *DATES, "--meter", METER)


@pytest.fixture
def months(site: Site, cli: Cli) -> Months:
    """Two plans of one meter; container A used 5 in March and B 7. It is the 2nd of April."""
    months = Months(Mount(site))
    for name in ("hall-a", "hall-b"):
        assert cli("plan", "add", name, *PLAN).status == 0
    months.use("a", 5, day("2026-03-02"), containerId=A)
    months.use("b", 7, day("2026-03-03"), containerId=B)
    months.site.now = day("2026-04-02T08:00")
    return months


def used(cli: Cli, month: str = "2026-03") -> dict[str, float]:
    report = json.loads(cli("report", month, "--json").out)
    plans = {one["plan"]["name"]: one["used"] for one in report["plans"]}
    return plans | {"undecided": sum(row["month"] for row in report["undecided"])}


@clock_at("2026-04-02T08:00:00")
def test_what_no_rule_decides_is_shown_everywhere_and_not_guessed(cli: Cli, months: Months) -> None:
    assert used(cli) == {"hall-a": 0, "hall-b": 0, "undecided": 12}
    for form in FORMATS:
        told = " ".join(re.sub(r"<[^>]*>|\\", " ", cli("report", "2026-03", "--format", form).out).split())
        assert "ndecided" in told or "hall-a or hall-b" in told, form
        assert "hall-a" in told and "hall-b" in told, form
    rows = list(csv.DictReader(io.StringIO(cli("report", "2026-03", "--format", "csv").out)))
    assert {(row["container_id"], row["undecided"]) for row in rows if row["kind"] == "reported"} == {
        (A, "hall-a or hall-b"),
        (B, "hall-a or hall-b"),
    }
    assert json.loads(cli("report", "2026-03", "--json").out)["quality"]["undecided_meters"] == [METER]
    refused = cli("close", "2026-03")
    assert refused.status == 1 and "which of plans hall-a, hall-b takes all that was used" in refused.out
    assert f"plan-undecided:{METER}" in cli("alerts", "--json").out
    cli("plan", "rule", "add", "hall-a", "--container", A)
    assert used(cli) == {"hall-a": 5, "hall-b": 0, "undecided": 7}
    cli("plan", "rule", "add", "hall-b", "--site", "-")
    assert used(cli) == {"hall-a": 5, "hall-b": 7, "undecided": 0}
    assert "plan-undecided" not in cli("alerts", "--json").out
    assert cli("close", "2026-03", "--yes").status == 0


@clock_at("2026-04-02T08:00:00")
def test_the_most_specific_rule_decides(cli: Cli, months: Months, site: Site) -> None:
    def rule(verb: str, plan: str, *what: object) -> dict[str, float]:
        answer = cli("plan", "rule", verb, plan, *what)
        assert answer.status == 0, answer.err
        return used(cli)

    assert rule("add", "hall-b", "--container", "read") == {"hall-a": 0, "hall-b": 12, "undecided": 0}
    assert rule("add", "hall-a", "--site", "-") == {"hall-a": 12, "hall-b": 0, "undecided": 0}
    assert rule("add", "hall-b", "--output", site.output) == {"hall-a": 0, "hall-b": 12, "undecided": 0}
    assert rule("add", "hall-a", "--container", A) == {"hall-a": 5, "hall-b": 7, "undecided": 0}
    assert rule("remove", "hall-b", "--output", site.output) == {"hall-a": 12, "hall-b": 0, "undecided": 0}
    told = cli("plan", "rule", "list").out
    assert [line.split() for line in told.splitlines()[1:]] == [
        ["container", "id", A, "hall-a"],
        ["site", "-", "hall-a"],
        ["container", "type", "read", "hall-b"],
    ]
    assert "container id  aaaaaaaaaaaa" in cli("plan", "show", "hall-a").out


@clock_at("2026-04-02T08:00:00")
def test_a_resource_takes_what_ran_under_its_licenses(cli: Cli, months: Months, site: Site) -> None:
    (site.license / "license.dat").write_bytes(b"opaque")
    stated = ("--container", "read", "--expires", "2027-01-01", "--resource", "hall-7")
    assert cli("adopt", site.license, *stated).status == 0
    cli("plan", "rule", "add", "hall-a", "--resource", "Hall-7")
    assert used(cli) == {"hall-a": 12, "hall-b": 0, "undecided": 0}
    (plan, other) = json.loads(cli("report", "2026-03", "--json").out)["plans"]
    assert {(row["resource"], row["rule"]["scope"], row["rule"]["value"]) for row in plan["usages"]} == {
        ("hall-7", "resource", "Hall-7")
    }
    assert [(one["resource"], one["period"]) for one in plan["subtotals"]["resources"]] == [("hall-7", 12)]
    assert other["subtotals"] == {"sites": [], "resources": []}
    for form in FORMATS:
        told = " ".join(re.sub(r"<[^>]*>|\\", " ", cli("report", "2026-03", "--format", form).out).split())
        assert form == "json" or ("resource Hall-7" in told and "hall-7" in told), form
    told = cli("report", "2026", "--json").out
    assert {row["rule"]["value"] for row in json.loads(told)["uses"]} == {"Hall-7"}
    assert "by rule --resource Hall-7" in cli("report", "2026").out


@clock_at("2026-04-02T08:00:00")
def test_a_container_that_changed_its_resource_is_of_both(cli: Cli, months: Months, site: Site) -> None:
    (site.license / "license.dat").write_bytes(b"opaque")
    stated = ("adopt", site.license, "--container", "read", "--expires", "2027-01-01", "--yes", "--resource")
    for plan, container in (("hall-a", A), ("hall-b", B)):
        cli("plan", "rule", "add", plan, "--container", container)
    assert cli(*stated, "hall-7").status == 0
    months.close("2026-03")
    months.use("more", 2, day("2026-04-01"), containerId=A)
    assert cli(*stated, "hall-8").status == 0
    for month, wanted in (("2026-03", {"hall-7": 5}), ("2026-04", {"hall-7": 5, "hall-8": 2})):
        plan = json.loads(cli("report", month, "--json").out)["plans"][0]
        assert {one["resource"]: one["period"] for one in plan["subtotals"]["resources"]} == wanted
    rows = list(csv.DictReader(io.StringIO(cli("report", "2026-04", "--format", "csv").out)))
    mine = [row for row in rows if row["kind"] == "resource" and row["plan"] == "hall-a"]
    assert [(row["resource"], row["resource_month"], row["resource_period_to_date"]) for row in mine] == [
        ("hall-7", "0", "5"),
        ("hall-8", "2", "2"),
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "hall-b", "--container", A), f"container {A} already goes to plan hall-a"),
        (("add", "hall-b"), "a rule names one thing"),
        (("add", "hall-b", "--site", "x", "--container", "y"), "a rule names one thing"),
        (("add", "nobody", "--site", "x"), "there is no plan named nobody"),
        (("add", "hall-b", "--site", ""), "is not a valid site"),
        (("remove", "hall-b", "--site", "x"), "plan hall-b has no rule site x"),
    ],
)
@clock_at("2026-04-02T08:00:00")
def test_what_is_no_rule_is_refused(cli: Cli, months: Months, words: tuple[str, ...], told: str) -> None:
    cli("plan", "rule", "add", "hall-a", "--container", A)
    answer = cli("plan", "rule", *words)
    assert answer.status == 2 and told in answer.err


@clock_at("2026-04-02T08:00:00")
def test_rules_are_frozen_with_the_month_and_audited(cli: Cli, months: Months, site: Site) -> None:
    cli("plan", "rule", "add", "hall-a", "--container", A)
    cli("plan", "rule", "add", "hall-b", "--output", site.output)
    months.close("2026-03")
    closed = reported(cli, "2026-03")
    for call in (
        ("plan", "rule", "remove", "hall-b", "--output", site.output),
        ("plan", "rule", "add", "hall-b", "--container", B),
        ("plan", "rule", "remove", "hall-a", "--container", A),
    ):
        answer = cli(*call)
        assert "it counts from 2026-04 on" in answer.err
        assert reported(cli, "2026-03") == closed
    months.check()
    with reading(site.ledger) as connection:
        places = connection.execute(text("SELECT output FROM closed_place")).scalars().all()
    assert places == [str(site.output)] * 2
    for attack in (
        "UPDATE closed_place SET output = '/elsewhere'",
        "UPDATE closed_place SET resource = 'r'",
        "UPDATE closed_place SET series = series + 1 WHERE series = (SELECT max(series) FROM closed_place)",
        "DELETE FROM closed_place",
        f"UPDATE closed_plan SET terms = replace(terms, '{A}', '{B}')",  # noqa: S608
    ):
        assert not audited(attacked(months.mount, sql(attack))).sound, attack


@clock_at("2026-04-02T08:00:00")
def test_one_plan_alone_takes_all_whatever_its_rules(cli: Cli, site: Site) -> None:
    cli("plan", "add", "only", *PLAN)
    cli("plan", "rule", "add", "only", "--container", "elsewhere")
    months = Months(Mount(site))
    months.use("a", 5, day("2026-03-02"))
    assert used(cli) == {"only": 5, "undecided": 0}


@clock_at("2026-04-02T08:00:00")
def test_a_renamed_plan_keeps_its_closed_months_in_every_span(cli: Cli, months: Months) -> None:
    cli("plan", "rule", "add", "hall-a", "--container", A)
    cli("plan", "rule", "add", "hall-b", "--container", B)
    assert cli("close", "2026-03", "--yes").status == 0
    assert cli("plan", "rename", "hall-b", "hall-bee").status == 0
    for words in (("2026",), ("2026-03",), ("--from", "2026-03-01", "--to", "2026-04-01")):
        for name in ("hall-bee", "hall-b"):  # closed months know it by the name before
            answer = cli("report", *words, "--plan", name, "--json")
            told = json.loads(answer.out)
            assert [one["plan"] for one in told["plans"]] == ["hall-bee"], words
            assert {(use["plan"], use["quantity"]) for use in told["uses"]} == {("hall-bee", 7)}, words
    assert "hall-b," not in cli("report", "2026", "--format", "csv").out


@clock_at("2026-04-02T08:00:00")
@pytest.mark.parametrize(
    ("words", "is_said"),
    [(("--plan", "hall-a"), True), (("--container", A), True), ((), True), (("--plan", "speech-2026"), False)],
)
def test_a_span_says_what_is_undecided_where_it_may_belong(
    cli: Cli, months: Months, words: tuple[str, ...], is_said: bool
) -> None:
    other = ("--type", "S", "--quota", "9", "--unit", "H", "--period", "year")
    cli("plan", "add", "speech-2026", *other, "--start", "2026-01-01", "--end", "2027-01-01")
    quality = json.loads(cli("report", "2026", *words, "--json").out)["quality"]
    assert (quality["undecided_meters"] != [], quality["unmapped_meters"]) == (is_said, [])
    assert ("undecided between plans" in " ".join(cli("report", "2026", *words).out.split())) is is_said


@clock_at("2026-04-02T08:00:00")
def test_a_period_to_come_was_not_used_up_to_any_day(cli: Cli, months: Months) -> None:
    other = ("--type", "S", "--quota", "9", "--unit", "H", "--period", "year")
    cli("plan", "add", "later", *other, "--start", "2027-01-01", "--end", "2028-01-01")
    told = cli("report", "2027", "--plan", "later").out
    assert "It has not begun." in told and "Used up to" not in told


@clock_at("2026-04-02T08:00:00")
def test_a_rule_takes_the_same_however_it_is_written(
    cli: Cli, months: Months, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = site.folder / "link-to-output"
    link.symlink_to(site.output)
    monkeypatch.chdir(site.folder)
    ways = (
        site.output,
        f"{site.output}/",
        f"{site.output}/../{site.output.name}",
        site.output.relative_to(site.folder),
        link,
        f"{link}/.",
    )
    for way in ways:
        added = cli("plan", "rule", "add", "hall-a", "--output", way)
        assert (added.status, added.out) == (0, f"plan hall-a: output {site.output} goes to it\n"), way
        assert "note" not in added.err and used(cli)["hall-a"] == 12, way
        for other in ways:
            assert "goes to it already" in cli("plan", "rule", "add", "hall-a", "--output", other).out
            refused = cli("plan", "rule", "add", "hall-b", "--output", other)
            assert refused.status == 2 and f"output {site.output} already goes to plan hall-a" in refused.err, other
        assert cli("plan", "rule", "remove", "hall-a", "--output", way).status == 0
        assert used(cli)["undecided"] == 12
    cli("plan", "rule", "add", "hall-a", "--resource", "Hall-7")
    assert "already goes to plan hall-a" in cli("plan", "rule", "add", "hall-b", "--resource", "HALL-7").err
    assert cli("plan", "rule", "remove", "hall-a", "--resource", "hall-7").out.startswith(
        "plan hall-a: resource Hall-7"
    )


@pytest.mark.parametrize(
    ("scope", "idle", "known"),
    [
        ("output", "nonexistent", "output"),
        ("site", "nowhere", "-"),
        ("resource", "nobody", "hall-7"),
        ("container", "cccccccccccc", A),
        ("container", "speech", "read"),
    ],
)
@pytest.mark.usefixtures("months")
@clock_at("2026-04-02T08:00:00")
def test_a_rule_that_decides_nothing_so_far_is_taken_with_a_note(
    cli: Cli, site: Site, scope: str, idle: str, known: str
) -> None:
    (site.license / "license.dat").write_bytes(b"opaque")
    stated = ("--container", "read", "--expires", "2027-01-01", "--resource", "hall-7")
    assert cli("adopt", site.license, *stated).status == 0
    folder = f"{site.folder}/" if scope == "output" else ""
    for value, is_idle in ((idle, True), (known, False)):
        added = cli("plan", "rule", "add", "hall-a", f"--{scope}", f"{folder}{value}")
        assert added.status == 0 and ("nothing was taken from there so far" in added.err) is is_idle, value
        assert ("azlic adopt --resource" in added.err) is (is_idle and scope == "resource")
    (wrong,) = [{"plan": "hall-a", "scope": scope, "value": f"{folder}{idle}"}]
    (listed,) = json.loads(cli("plan", "rule", "list", "--json").out)["plans"]
    assert [rule["value"] for rule in listed["rules"] if rule["idle"]] == [wrong["value"]]
    assert sorted(line.endswith("no use so far") for line in cli("plan", "rule", "list").out.splitlines()) == [0, 0, 1]
    for span in ("2026-03", "2026"):
        assert json.loads(cli("report", span, "--json").out)["quality"]["idle_rules"] == [wrong], span
        for form in ("table", "markdown", "html"):
            told = " ".join(re.sub(r"<[^>]*>|\\", "", cli("report", span, "--format", form).out).split())
            assert f"--{scope} {wrong['value']} of plan hall-a" in told, (span, form)


@clock_at("2026-04-02T08:00:00")
def test_a_row_that_several_rules_decided_names_them_all(cli: Cli, months: Months, site: Site) -> None:
    account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/hall-acc"
    azure = {"id": f"{account}/commitmentPlans/p", "name": "p", "properties": AZURE}
    (site.folder / "azure.json").write_text(json.dumps(azure))
    assert cli("plan", "import", "azure.json", "--period", "year").status == 0
    cli("plan", "map", "p", METER)
    for rule in (("--container", B), ("--site", "-")):
        cli("plan", "rule", "add", "p", *rule)
    months.close("2026-03")
    cli("plan", "rule", "remove", "p", "--site", "-")
    cli("plan", "rule", "add", "p", "--container", A)
    months.use("c", 2, day("2026-04-01"), containerId=A)
    (plan,) = [one for one in json.loads(cli("report", "2026-04", "--json").out)["plans"] if one["usages"]]
    both = [{"scope": "site", "value": "-"}, {"scope": "container", "value": A}]
    assert [(row["rules"], row["rule"]) for row in plan["usages"]] == [(both, both[1]), ([_OF_B], _OF_B)]
    lines = _rows(cli, "2026-04")
    assert [line["rule"] for line in lines if line["kind"] == "reported"] == [
        f"site -; container {A}",
        f"container {B}",
    ]
    for words in (("2026", "--plan", str(azure["id"]).upper()), ("2026", "--plan", "p")):
        assert {row["plan"] for row in _rows(cli, *words) if row["kind"] == "reported"} == {"p"}, words
    (year,) = [one for one in json.loads(cli("report", "2026", "--json").out)["plans"] if one["quantity"]]
    assert (year["account"], year["arm_id"]) == ("hall-acc", azure["id"])
    for span in ("2026-04", "2026"):
        told = [(line["plan"], line["account"]) for line in _rows(cli, span)]
        assert set(told) == {("p", "hall-acc"), ("hall-a", ""), ("hall-b", "")}, span
        said = "".join(cli("report", span).out.split())
        assert f"byrule--container{A},--container{B},--site-" in said, span


def test_what_is_undecided_says_so_in_the_csv_of_a_span(cli: Cli, months: Months) -> None:
    lines = [line for line in _rows(cli, "2026") if line["kind"] == "reported"]
    assert [(line["quantity"], line["plan"], line["undecided"]) for line in lines] == [
        ("5", "", "hall-a or hall-b"),
        ("7", "", "hall-a or hall-b"),
    ]
    cli("plan", "rule", "add", "hall-a", "--container", A)
    assert {line["undecided"]: line["plan"] for line in _rows(cli, "2026") if line["kind"] == "reported"} == {
        "": "hall-a",
        "hall-a or hall-b": "",
    }


_OF_B = {"scope": "container", "value": B}


def _rows(cli: Cli, *span: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(cli("report", *span, "--format", "csv").out)))


@clock_at("2026-04-02T08:00:00")
def test_a_rule_of_a_folder_that_leads_elsewhere_by_now_can_be_removed(cli: Cli, months: Months, site: Site) -> None:
    once = site.folder / "once"
    cli("plan", "rule", "add", "hall-a", "--output", once)
    once.symlink_to(site.output)
    assert cli("plan", "rule", "remove", "hall-a", "--output", once).out.startswith(f"plan hall-a: output {once} ")
    assert "no rules" in cli("plan", "rule", "list").out
    loop = site.folder / "loop"
    loop.symlink_to(loop)
    refused = cli("plan", "rule", "add", "hall-a", "--output", loop)
    assert refused.status == 2 and "leads nowhere" in refused.err


@clock_at("2026-04-02T08:00:00")
def test_rules_are_listed_in_the_order_in_which_they_decide(cli: Cli, months: Months, site: Site) -> None:
    (site.license / "license.dat").write_bytes(b"opaque")
    stated = ("--container", "read", "--expires", "2027-01-01", "--resource", "hall-7")
    assert cli("adopt", site.license, *stated).status == 0
    rules = [
        ("container type", "read", "hall-a"),
        ("site", "-", "hall-b"),
        ("resource", "hall-7", "hall-a"),
        ("output", str(site.output.parent), "hall-b"),
        ("output", str(site.output), "hall-a"),
        ("container id", A, "hall-b"),
    ]
    for number, (what, value, plan) in enumerate(rules, 1):
        assert cli("plan", "rule", "add", plan, f"--{what.split()[0]}", value).status == 0
        assert used(cli)[plan] >= 5  # A is the one that all of them name: the newest rule decides
        listed = [re.split(r" {2,}", line.strip())[:3] for line in cli("plan", "rule", "list").out.splitlines()[1:]]
        assert [tuple(line) for line in listed] == rules[:number][::-1]
        for name in ("hall-a", "hall-b"):
            own = [value for _, value, plan in rules[:number][::-1] if plan == name]
            told = cli("plan", "show", name).out
            assert sorted(own, key=lambda value: told.index(f" {value}\n")) == own
            for one in json.loads(cli("plan", "rule", "list", "--json").out)["plans"]:
                assert one["plan"] != name or [rule["value"] for rule in one["rules"]] == own


TERMS = ("--type", "Read", "--quota", 100, "--unit", "Transaction", "--period", "year", "--meter", METER)


def _calendar(cli: Cli) -> str:
    return cli("calendar").out.replace("\r\n ", "").replace("\n ", "").replace("\\,", ",")


@clock_at("2026-12-20T08:00:00")
def test_a_plan_that_runs_beside_one_that_ends_does_not_follow_it_and_all_say_what_takes_its_use(
    cli: Cli, months: Months
) -> None:
    def told(words: str) -> None:
        alerts = json.loads(cli("alerts", "--json").out)["alerts"]
        (ending,) = [alert for alert in alerts if alert["id"] == "plan-ending:hall-a"]
        ended = cli("plan", "end", "hall-a").out
        for said in (ending["meaning"], " ".join(ended.split()), _calendar(cli)):
            assert f"What is used from then on {words}" in said, said

    for plan, container in (("hall-a", A), ("hall-b", B)):
        cli("plan", "rule", "add", plan, "--container", container)
    assert "draws on no plan; every report" in " ".join(cli("plan", "end", "hall-a").out.split())
    assert "plan-ending:hall-a" in cli("alerts", "--json").out
    cli("plan", "renew", "hall-b")
    told("draws on plan hall-b@2027-01-01")
    cli("plan", "add", "beside", *TERMS, "--start", "2026-06-01", "--end", "2027-06-01")
    told("is undecided, as no rule says which of plans beside, hall-b@2027-01-01 takes it")
    cli("plan", "rule", "add", "beside", "--site", "-")
    told("draws on plan beside")
    cli("plan", "add", "next", *TERMS, "--start", "2027-01-01", "--end", "2028-01-01")
    assert "plan-ending:hall-a" not in cli("alerts", "--json").out
    assert "Buy what follows plan hall-a" not in _calendar(cli)


@clock_at("2026-04-02T08:00:00")
def test_use_from_no_one_folder_goes_by_no_folder_not_even_the_root(cli: Cli, months: Months, site: Site) -> None:
    other = site.folder / "other/read" / A / "usage-2026-03-04.jsonl"
    other.parent.mkdir(parents=True)
    other.write_bytes(a_line("elsewhere", at=day("2026-03-04"), containerId=A) + b"\n")
    assert cli("ingest", site.folder / "other").status == 0
    assert cli("plan", "rule", "add", "hall-a", "--output", "/").status == 0
    assert used(cli) == {"hall-a": 7, "hall-b": 0, "undecided": 6}
    assert cli("close", "2026-03", "--accept", "known", "--yes").status == 0
    assert cli("audit").status == 0
