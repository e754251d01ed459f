"""`azlic records list` and `azlic corrections list`."""

import json

import pytest

from tests.azlic.conftest import Cli
from tests.site import CONTAINER_ID, METER, Site
from tests.usage.rich import OTHER, SECONDS, rich


@pytest.fixture
def ledger(cli: Cli, site: Site) -> Cli:
    rich(site)
    site.ledger.dispose()
    return cli


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ((), 42),
        (("--month", "2026-03"), 10),
        (("--from", "2026-03-11", "--to", "2026-04-11"), 8),
        (("--from", "2026-03-11", "--to", "2026-04-11T00:00:00.001Z"), 16),
        (("--site", "north"), 20),
        (("--site", ""), 22),
        (("--site", "-"), 22),
        (("--container", OTHER, "--meter", METER), 5),
        (("--meter", SECONDS, "--month", "2026-03"), 3),
        (("--month", "2024-01"), 0),
    ],
)
def test_records_are_chosen(ledger: Cli, words: tuple[str, ...], number: int) -> None:
    answer = ledger("records", "list", *words, "--json")
    assert answer.status == 0, answer.err
    found = json.loads(answer.out)
    assert (found["schema"], len(found["records"]), found["more"]) == ("azlic.records/v1", number, False)
    told = ledger("records", "list", *words).out.splitlines()
    assert len([line for line in told if line.startswith("20")]) == number


def test_a_list_is_bounded_and_says_so(ledger: Cli) -> None:
    told = ledger("records", "list", "--limit", "2").out
    assert told.splitlines()[-1] == "and more: these are the 2 last used; see others with --limit"
    assert json.loads(ledger("records", "list", "--limit", "2", "--json").out)["more"] is True
    assert "and more" in ledger("corrections", "list", "--limit", "1").out
    assert ledger("records", "list", "--limit", "0").status == 2


def test_records_are_listed_by_the_time_of_their_use_or_as_they_came(ledger: Cli) -> None:
    def times(*words: str) -> list[str]:
        found = json.loads(ledger("records", "list", *words, "--json").out)
        assert found["order"] == (words[1] if "--order" in words else "used")
        return [row["requested_at"] for row in found["records"]]

    every = times()
    assert every == sorted(every, reverse=True)
    taken = times("--order", "taken")
    assert taken != every and sorted(taken, reverse=True) == every
    assert times("--limit", "5") == every[:5] and times("--order", "taken", "--limit", "5") == taken[:5]
    assert "the 2 last taken" in ledger("records", "list", "--order", "taken", "--limit", "2").out
    assert "the 1 last booked" in ledger("corrections", "list", "--limit", "1").out
    refused = ledger("records", "list", "--order", "newest")
    assert refused.status == 2 and "'used', 'taken'" in refused.err


def test_what_came_late_or_was_corrected_says_what_it_counts(ledger: Cli) -> None:
    found = {row["id"]: row for row in json.loads(ledger("records", "list", "--json").out)["records"]}
    assert found["late"]["late_in"] == "2026-04" and found["late"]["counts"] == 7.25
    assert (found[f"2026-04-11  {METER}"]["quantity"], found[f"2026-04-11  {METER}"]["counts"]) == (1000, 12)
    told = ledger("records", "list").out
    assert "1,000, corrected to 12" in told and "7.25, late: counts in 2026-04" in told
    assert max(len(line) for line in told.splitlines() if line[2:] not in found) <= 80  # an id is never broken


def test_corrections_tell_their_reasons(ledger: Cli) -> None:
    found = json.loads(ledger("corrections", "list", "--json").out)
    assert [row["kind"] for row in found["corrections"]] == [
        "replacement",
        "reversal",
        "reversal",
        "replacement",
        "reversal",
        "late",
        "late",
    ]
    march = json.loads(ledger("corrections", "list", "--month", "2026-03", "--json").out)["corrections"]
    assert {row["month"] for row in march} == {"2026-03"} and len(march) == 4
    told = ledger("corrections", "list").out
    assert "=wrong (2026-04-20T10:00:00Z)" in told and "it came after 2026-03 was closed" in told
    ids = {row["record_id"] for row in found["corrections"]}
    assert max(len(line) for line in told.splitlines() if line[2:] not in ids) <= 80


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (("--site", "nroth"), "north"),
        (("--container", "0123"), CONTAINER_ID),
        (("--meter", "Reed"), SECONDS),
    ],
)
def test_a_wrong_name_is_refused_with_the_known_ones(ledger: Cli, words: tuple[str, str], known: str) -> None:
    answer = ledger("records", "list", *words)
    assert answer.status == 2 and f"there is no {words[0][2:]} '{words[1]}'" in answer.err and known in answer.err


@pytest.mark.parametrize(
    "words", [("--month", "2026-03", "--from", "2026-03-01"), ("--from", "march"), ("--month", "x")]
)
def test_what_is_no_span_is_a_bad_command_line(ledger: Cli, words: tuple[str, ...]) -> None:
    assert ledger("records", "list", *words).status == 2


def test_an_empty_ledger_lists_nothing(cli: Cli, site: Site) -> None:
    site.ledger.dispose()
    assert cli("records", "list").out == "no records\n"
    assert cli("corrections", "list").out == "no corrections\n"
