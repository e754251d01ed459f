"""`azlic verify`: words, fields, exit status."""

import json

import pytest

from tests.azlic.conftest import Cli
from tests.site import Site, a_license

AT = ("--at", "2026-06-01")


def test_a_good_license_is_said_to_be_valid_with_all_its_dates(cli: Cli, site: Site) -> None:
    site.install()
    answer = cli("verify", "license", *AT)
    assert answer.status == 0
    assert answer.out.startswith("License for Read (OCR): VALID\n")
    for said in ("2026-03-01T08:00:00Z", "2027-01-01T00:00:00Z (214 days left)", "read-2026: Read T1 x 1"):
        assert said in answer.out


def test_an_ended_license_is_refused_with_what_to_do(cli: Cli, site: Site) -> None:
    site.install()
    answer = cli("verify", "license", "--at", "2027-01-02")
    assert answer.status == 1
    assert "EXPIRED" in answer.out
    assert "azlic download" in answer.out
    assert "10 NO not ended" in answer.out


def test_json_names_its_schema_and_keeps_no_secret(cli: Cli, site: Site) -> None:
    key = "A" * 43 + "="
    site.install(a_license(content_keys={"k1": key}))
    answer = cli("verify", "license", "--json", *AT)
    verdict = json.loads(answer.out)
    assert next(iter(verdict)) == "schema" and verdict["schema"] == "azlic.verdict/v1"
    assert (verdict["status"], verdict["may_run"], verdict["days_left"]) == ("valid", True, 214)
    assert [check["number"] for check in verdict["checks"]] == list(range(1, 11))
    assert key not in answer.out


def test_a_missing_folder_speaks_with_the_containers_message(cli: Cli) -> None:
    answer = cli("verify", "nowhere", *AT)
    assert answer.status == 1
    assert "The provided license path was not found." in " ".join(answer.out.split())


def test_a_license_of_another_container_names_both(cli: Cli, site: Site) -> None:
    site.install()
    answer = cli("verify", "license", "--container", "speech-to-text", *AT)
    assert answer.status == 1
    assert "'read'" in answer.out and "'speech-to-text'" in answer.out


def test_the_warning_starts_as_many_days_before_the_end_as_the_settings_say(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install()
    assert "VALID" in cli("verify", "license", *AT).out
    monkeypatch.setenv("AZLIC_EXPIRING_DAYS", "300")
    answer = cli("verify", "license", *AT)
    assert answer.status == 0 and "EXPIRING" in answer.out


def test_no_line_is_wider_than_a_terminal(cli: Cli, site: Site) -> None:
    site.install()
    for answer in (
        cli("verify", "license", *AT),
        cli("verify", "nowhere"),
        cli("verify", "license", "--at", "2030-01-01"),
    ):
        assert max(map(len, answer.out.splitlines())) <= 80


def test_nothing_is_coloured_in_a_pipe(cli: Cli, site: Site) -> None:
    site.install()
    assert "\x1b" not in cli("verify", "license", *AT).out
