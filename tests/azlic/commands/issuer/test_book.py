"""The commands over the issuer's book: containers, plans, approvals, revocations, the audit log."""

import io
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.azlic.conftest import Answer, Cli
from tests.licensing.issuers import an_issuer, ask, code, given
from tests.site import Site

STORE = ("--database", "issuer.db")
NEXT_PLAN = ("--plan-type", "Read", "--quota", "600000", "--unit", "Transaction", "--period", "year")


@pytest.fixture
def issuer(cli: Cli, site: Site) -> Cli:
    """The commands of an issuer whose store holds ``plant-read``, approved, for 2026."""
    site.add_resource()

    def run(*words: object) -> Answer:
        return cli("issuer", *words, *STORE)

    return run


def fields(answer: Answer, schema: str, name: str) -> Any:
    assert answer.status == 0, answer
    told = json.loads(answer.out)
    assert told["schema"] == schema
    return told[name]


def download(site: Site) -> Any:
    return ask(an_issuer(site), site.api_keys["plant-read"][0])


def revoke_all(issuer: Cli, site: Site) -> str:
    license_id = given(site, download(site)).license_id
    assert issuer("revoke", license_id, "--reason", "the host was sold", "--yes").status == 0
    return license_id


def test_the_terms_of_a_container_are_set_and_listed(issuer: Cli, site: Site) -> None:
    done = issuer(
        *("container", "set", "plant-read", "--container", "read", "--version-below", "5", "--repository", "own/read"),
        *("--instance", "hall-7", "--instance", "hall-8", "--term", "10d", "--grace-days", "1"),
    )
    assert done.status == 0 and done.out.startswith("resource plant-read: read has these terms from the next download")
    (known,) = fields(issuer("container", "list", "--json"), "azlic.issuer-containers/v1", "containers")
    assert known["license_id"] in done.out
    assert (known["version_from"], known["version_below"], known["serial"]) == ("3.2", "5", 0)
    assert (known["repositories"], known["instances"]) == (["own/read"], ["hall-7", "hall-8"])
    assert (known["term_seconds"], known["grace_days"], known["revoked_at"]) == (864_000, 1, None)
    told = issuer("container", "list").out
    assert "Only on      hall-7, hall-8" in told and "Term         10 days" in told and "not issued yet" in told
    assert max(map(len, told.splitlines())) <= 80


def test_a_container_that_cannot_go_on_the_list_is_refused(issuer: Cli) -> None:
    refused = issuer("container", "add", "plant-read", "--container", "speech-to-text")
    assert refused.status == 2 and "of kind ComputerVision, cannot license speech-to-text" in refused.err
    assert "it may license: read" in refused.err
    refused = issuer("container", "add", "plant-read", "--container", "read")
    assert refused.status == 2 and "azlic issuer container set" in refused.err


def test_a_license_is_revoked_and_a_new_one_begun(issuer: Cli, site: Site) -> None:
    license_id = revoke_all(issuer, site)
    assert "nothing was changed" in issuer("revoke", license_id, "--reason", "again", "--yes").out
    assert code(download(site)) == "ContainerUseUnauthorized"
    assert "Revoked      20" in issuer("container", "list").out
    assert issuer("container", "renew-id", "plant-read", "--container", "read").status == 0
    assert given(site, download(site)).license_id != license_id
    refused = issuer("container", "renew-id", "plant-read", "--container", "read")
    assert refused.status == 2 and "is not revoked" in refused.err


def test_a_revocation_up_to_a_serial_lets_later_ones_go_on(issuer: Cli, site: Site) -> None:
    license_id = given(site, download(site)).license_id
    done = issuer("revoke", license_id, "--reason", "lost", "--up-to-serial", "1", "--yes")
    assert done.out == f"license {license_id} up to serial 1: revoked\n"
    assert given(site, download(site)).serial == 2


def test_a_revocation_asks_first(issuer: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    license_id = given(site, download(site)).license_id
    for answer, status in (("", 1), ("n\n", 1), ("y\n", 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        asked = issuer("revoke", license_id, "--reason", "lost")
        assert (asked.status, f"Revoke license {license_id} for good?" in asked.err) == (status, True)
        assert asked.out.strip() == (f"license {license_id}: revoked" if status == 0 else "")


def test_a_plan_that_starts_later_takes_over_at_its_start(issuer: Cli, site: Site) -> None:
    done = issuer("plan", "set", "plant-read", *NEXT_PLAN, "--start", "2035-01-01", "--end", "2036-01-01")
    assert done.status == 0
    assert done.out == "resource plant-read: plan plant-read-plan-2035-01-01 takes over from read-2026 at 2035-01-01\n"
    (known,) = fields(issuer("resource", "list", "--json"), "azlic.resources/v2", "resources")
    assert (known["plan"]["name"], known["next_plan"]["quota"]["quantity"]) == ("read-2026", 600_000)
    assert known["next_plan"]["meters"] == known["plan"]["meters"]
    told = issuer("resource", "list").out
    assert "Then         Read T1 x 1, 600,000 Transaction" in told and max(map(len, told.splitlines())) <= 80


def test_a_plan_that_has_begun_counts_at_once(issuer: Cli, site: Site) -> None:
    dates = ("--start", "2026-02-01", "--end", "2036-01-01", "--name", "larger", "--meter", "A.Meter")
    done = issuer("plan", "set", "plant-read", *NEXT_PLAN, *dates)
    assert done.out == "resource plant-read: plan larger counts from now on\n"
    plan = given(site, download(site)).plan
    assert (plan.name, plan.meters) == ("larger", ("A.Meter",))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--end", "2026-01-01"), "--end: the plan ends before it starts"),
        (("--quota", "0"), "--quota: it is less than 1"),
        (("--meter", ""), "--meter: it is empty"),
        (("--name", ""), "--name: it is empty"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_its_option(issuer: Cli, wrong: tuple[str, str], said: str) -> None:
    dates = ("--start", "2027-01-01", "--end", "2028-01-01", "--name", "p")
    refused = issuer("plan", "set", "plant-read", *NEXT_PLAN, *dates, *wrong)
    assert (refused.status, said in refused.err) == (2, True), refused.err


def test_an_approval_is_given_and_withdrawn(issuer: Cli) -> None:
    name = "plant-read-subscription"
    told = [issuer(verb, name).out for verb in ("approve", "withdraw", "withdraw", "approve")]
    assert told == [
        f"subscription {name}: approved already, nothing was changed\n",
        f"subscription {name}: no longer approved\n",
        f"subscription {name}: was not approved, nothing was changed\n",
        f"subscription {name}: approved\n",
    ]


def test_a_resource_has_a_sku_and_versions_of_its_own(issuer: Cli, site: Site) -> None:
    words = ("--sku", "S0", "--version-from", "3", "--version-below", "3.2", "--container", "read")
    dates = ("--start", "2026-01-01", "--end", "2036-01-01", "--keys-to", "more-keys")
    assert issuer("resource", "add", "standard", *words, *NEXT_PLAN, *dates).status == 0
    told = issuer("resource", "list").out
    assert "Kind         ComputerVision, SKU S0" in told and "For          read, versions from 3, below 3.2" in told


def test_the_book_says_to_whom_each_license_was_given(issuer: Cli, site: Site) -> None:
    given(site, download(site))
    (line,) = fields(issuer("issued", "--json"), "azlic.issued/v1", "licenses")
    assert (line["site"], line["key_slot"], line["expires_at"]) == ("hall 7", 1, "2027-01-01T00:00:00Z")
    assert "by API key 1 of site hall 7" in " ".join(issuer("issued").out.split())
    with closing(sqlite3.connect(site.folder / "issuer.db", isolation_level=None)) as store:
        store.execute("UPDATE issuer_download SET key_slot = 0")
    assert "by offline request of site hall 7" in " ".join(issuer("issued").out.split())


def test_the_audit_log_is_read_back_and_checked(issuer: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    given(site, download(site))
    told = issuer("audit")
    assert told.status == 0 and "3 lines, none changed\nhead " in told.out
    assert "plant-read API key 1" in told.out and max(map(len, told.out.splitlines())) <= 80
    lines = fields(issuer("audit", "--json"), "azlic.issuer-audit/v1", "lines")
    assert [line["action"] for line in lines] == ["resource add", "approve", "download"]
    with closing(sqlite3.connect(site.folder / "issuer.db", isolation_level=None)) as store:
        store.execute("DROP TRIGGER issuer_audit_no_update")
        store.execute("UPDATE issuer_audit SET actor = 'eve' WHERE number = 2")
    bad = issuer("audit")
    assert bad.status == 1 and "the log was changed: line 2 is not what was written" in bad.out
    bad = issuer("audit", "--json")
    assert bad.status == 1 and json.loads(bad.out)["fault"].startswith("line 2 is not")


def test_what_was_taken_back_is_listed_and_marked_in_the_book(issuer: Cli, site: Site) -> None:
    assert issuer("revoked").out == "no license has been revoked yet\n"
    license_id = given(site, download(site)).license_id
    given(site, download(site))
    assert issuer("revoke", license_id, "--reason", "lost", "--up-to-serial", "1", "--yes").status == 0
    (one,) = fields(issuer("revoked", "--json"), "azlic.issuer-revoked/v1", "revoked")
    assert (one["license_id"], one["up_to_serial"], one["reason"]) == (license_id, 1, "lost")
    assert issuer("revoked").out == f"{license_id} up to serial 1\n  {one['revoked_at']}, lost\n"
    first, second = fields(issuer("issued", "--json"), "azlic.issued/v1", "licenses")
    assert (first["revoked_at"], second["revoked_at"]) == (one["revoked_at"], None)
    assert f"  revoked {one['revoked_at']}\n" in issuer("issued").out


@pytest.mark.parametrize(
    ("dates", "told"),
    [
        (("2025-01-01", "2026-01-01"), "ended at 2026-01-01T00:00:00Z"),
        (("2035-01-01", "2036-01-01"), "no plan runs from 2027-01-01T00:00:00Z up to 2035-01-01T00:00:00Z"),
    ],
)
def test_a_gap_between_plans_and_a_plan_that_is_over_are_warned_about(
    issuer: Cli, dates: tuple[str, str], told: str
) -> None:
    done = issuer("plan", "set", "plant-read", *NEXT_PLAN, "--start", dates[0], "--end", dates[1])
    assert done.status == 0 and f"warning: {'plan' if 'over' in told else ''}" in done.err and told in done.err
