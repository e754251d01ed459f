"""`azlic pull`, `azlic import` and `azlic sources`, as an operator runs them."""

import json

import pytest
from fastapi import FastAPI, Response

from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.serving import serving
from tests.site import METER, Site
from tests.usage.reports import DOCUMENTS, WORDS, body

MARCH = ("--month", "2026-03")
SAMPLE = (
    '{"type": "CommerceUsageResponse", "meters": ['
    f'{{"name": "{DOCUMENTS}", "quantity": 1250000, "billedUnit": 1875000}},'
    f'{{"name": "{WORDS}", "quantity": 1250000, "billedUnit": 1250000}}],'
    '"apiType": "texttranslation", "serviceName": "texttranslation"}'
)


def translator(answers: dict[str, bytes]) -> FastAPI:
    """A container that answers these paths below /records/usage-logs, and 500 elsewhere."""
    app = FastAPI()

    @app.get("/records/usage-logs/{path:path}")
    def answer(path: str) -> Response:
        return Response(answers[path]) if path in answers else Response(status_code=500)

    return app


def save(site: Site, content: bytes | str, name: str = "march.json") -> str:
    (site.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def quantities(cli: Cli, month: str = "2026-03") -> dict[str, int]:
    report = json.loads(cli("report", month, "--json").out)
    return {usage["meter"]: usage["month"] for usage in report["unmapped"]}


def test_a_report_on_a_stick_is_booked_and_shows_in_the_month(cli: Cli, site: Site) -> None:
    answer = cli("import", save(site, SAMPLE), "--source", "translator", *MARCH)
    assert answer.status == 0
    for said in ("translator: 2 records booked", "2026-03", "1,875,000", "1,250,000", WORDS):
        assert said in answer.out
    assert quantities(cli) == {DOCUMENTS: 1875000, WORDS: 1250000}


def test_twice_is_once(cli: Cli, site: Site) -> None:
    words = ("import", save(site, SAMPLE), "--source", "translator", *MARCH, "--json")
    first, second = (json.loads(cli(*words).out) for _ in range(2))
    assert (first["schema"], first["records"], second["records"]) == ("azlic.reading/v1", 2, 0)
    assert [reading["outcome"] for reading in first["readings"] + second["readings"]] == ["booked", "known"]
    assert first["readings"][0]["amounts"] == {DOCUMENTS: 1875000, WORDS: 1250000}
    assert first["readings"][0]["origin"] == "march.json"


def test_a_counter_that_falls_is_status_1_and_a_finding(cli: Cli, site: Site) -> None:
    cli("import", save(site, body({WORDS: 100})), "--source", "translator", *MARCH)
    answer = cli("import", save(site, body({WORDS: 30}), "later.json"), "--source", "translator", *MARCH)
    assert answer.status == 1
    assert "finding:" in answer.out and "fell from 100 to 30" in " ".join(answer.out.split())
    findings = json.loads(cli("findings", "list", "--json").out)["findings"]
    assert [(finding["kind"], finding["container_id"]) for finding in findings] == [("counter-fell", "translator")]
    assert max(map(len, answer.out.splitlines())) <= 80


def test_the_time_it_was_taken_can_be_stated(cli: Cli, site: Site) -> None:
    cli("import", save(site, body({WORDS: 100})), "--source", "t", *MARCH, "--taken-at", "2026-03-02")
    answer = cli("import", save(site, body({WORDS: 30})), "--source", "t", *MARCH, "--taken-at", "2026-03-01T12:00")
    assert answer.status == 0
    assert "older than the newest reading: kept, counts nothing" in answer.out


def test_exact_decimals_reach_the_json(cli: Cli, site: Site) -> None:
    file = save(site, f'{{"meters": [{{"name": "{WORDS}", "quantity": 123456789012.345678}}]}}')
    assert "123456789012.345678" in cli("import", file, "--source", "t", *MARCH, "--json").out


def test_garbage_on_a_stick_is_status_3_and_nothing_is_booked(cli: Cli, site: Site) -> None:
    answer = cli("import", save(site, "<html>"), "--source", "translator", *MARCH)
    assert answer.status == 3
    assert "march.json is not a usage report" in answer.err and "nothing was booked" in answer.err
    assert cli("import", "nowhere.json", "--source", "translator", *MARCH).status == 3
    site.ledger.dispose()
    assert json.loads(cli("sources", "list", "--json").out)["sources"] == []


@pytest.mark.parametrize(
    "words",
    [(), ("--month", "2026-13"), (*MARCH, "--all-time"), ("--month", "2190-01"), (*MARCH, "--taken-at", "2190-01-01")],
)
def test_a_report_is_of_a_month_that_was(cli: Cli, site: Site, words: tuple[str, ...]) -> None:
    answer = cli("import", save(site, body({})), "--source", "translator", *words)
    assert answer.status == 2
    assert "try:" in answer.err


def test_pull_reads_the_months_and_books_them(cli: Cli, site: Site) -> None:
    months = {"": body({WORDS: 9}), "02/2026": body({WORDS: 5}), "03/2026": body({WORDS: 3})}
    with serving(translator(months)) as url, clock_at("2026-03-15T08:00:00Z"):
        answer = cli("pull", url, "--source", "translator")
    assert answer.status == 0, answer
    told = " ".join(answer.out.split())
    assert f"holds usage in months that were not read; name them with --month: {WORDS} 1" in told
    assert (quantities(cli, "2026-02"), quantities(cli)) == ({WORDS: 5}, {WORDS: 3})


def test_a_container_that_the_settings_name_needs_its_name_alone(cli: Cli, site: Site) -> None:
    with serving(translator({"": body({WORDS: 9}), "03/2026": body({WORDS: 3})})) as url:
        (site.folder / "azlic.toml").write_text(f'[pull]\n"hall 7" = "{url}"\n')
        assert cli("pull", "hall 7", *MARCH).status == 0
        assert cli("units", "units").status == 0
    assert [source["name"] for source in json.loads(cli("sources", "list", "--json").out)["sources"]] == ["hall 7"]
    assert [path for path in (site.folder / "units").iterdir() if url in path.read_text()] == []


@pytest.mark.parametrize("words", [("operator:hunter2@hall:5000", "--source", "t"), ("hall 8",), ("http://hall:5000",)])
def test_a_container_is_an_address_with_a_name_or_a_name_of_the_settings(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli("pull", *words)
    assert answer.status == 2 and "try:" in answer.err and "hunter2" not in answer.err


def test_pull_takes_the_months_it_gets_and_leaves_with_3(cli: Cli, site: Site) -> None:
    with serving(translator({"": body({WORDS: 9}), "03/2026": body({WORDS: 3})})) as url:
        answer = cli("pull", url, "--source", "t", "--month", "2026-02", *MARCH, "--json")
    assert answer.status == 3
    assert "2026-02" in answer.err and "500 Internal Server Error" in answer.err
    told = json.loads(answer.out)
    assert [failure["month"] for failure in told["failures"]] == ["2026-02"]
    assert [reading["month"] for reading in told["readings"]] == [None, "2026-03"]
    assert quantities(cli) == {WORDS: 3}


def test_a_container_that_is_not_there_is_status_3(cli: Cli, site: Site) -> None:
    answer = cli("pull", "http://127.0.0.1:1", "--source", "t")
    assert answer.status == 3
    assert "azlic: not read: all time: http://127.0.0.1:1/records/usage-logs/" in answer.err


def test_pull_from_our_own_container_needs_nothing_else(cli: Cli, site: Site) -> None:
    site.install()
    with site.start_engine() as client:
        client.post("/count/7").raise_for_status()
        assert cli("pull", str(client.base_url), "--source", "read", *MARCH).status == 0
    assert quantities(cli) == {METER: 7}


def test_a_mirror_is_shown_and_separated_by_hand(cli: Cli, site: Site) -> None:
    for source, status in (("one", 0), ("two", 1)):
        assert cli("import", save(site, body({WORDS: 4})), "--source", source, *MARCH).status == status
    assert quantities(cli) == {WORDS: 4}
    told = cli("sources", "list").out
    assert "mirror of one: not counted" in told and "from march.json" in told
    assert cli("sources", "separate", "two").status == 2
    answer = cli("sources", "separate", "two", "--yes")
    assert (answer.status, answer.out) == (0, "two: 1 record booked\n")
    sources = json.loads(cli("sources", "list", "--json").out)["sources"]
    assert [(source["name"], source["epoch"], source["mirror_of"]) for source in sources] == [
        ("one", 1, None),
        ("two", 1, None),
    ]
    assert cli("sources", "separate", "two", "--yes").status == 2


def test_a_rounding_is_shown_by_sources_receipt_and_audit(cli: Cli, site: Site) -> None:
    report = site.folder / "march.json"
    report.write_text('{"meters":[{"name":"A","quantity":5},{"name":"B","quantity":4217.299999997811}]}')
    words = ("import", report, "--source", "translator", "--month", "2026-03")
    first = cli(*words)
    assert first.status == 1 and "B of 2026-03 is not counted" in " ".join(first.out.split())
    command = "azlic sources round translator --reason TEXT"
    assert command in " ".join(first.out.split()) and "too finely to be counted" in cli("findings", "list").out
    done = cli(*command.split()[1:-1], "adds up in doubles")
    told = " ".join(done.out.split())
    assert done.status == 0 and "rounded to the millionth: B, reported as 4217.299999997811" in told
    assert "4,217.3" in done.out and cli("findings", "list").out == "no findings\n"
    assert "rounded to the millionth, since" in " ".join(cli("sources", "list").out.split())
    assert json.loads(cli("sources", "list", "--json").out)["sources"][0]["rounding"]["reason"] == "adds up in doubles"
    assert "readings of translator are rounded to the millionth: adds up in doubles" in cli("audit").out
