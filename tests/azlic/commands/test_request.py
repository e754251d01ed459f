"""The offline request as the site and the issuer run it."""

import json
from pathlib import Path

import pytest

from azlic.settings import load_settings
from tests.azlic.conftest import Cli
from tests.site import Site

STORE = ("--database", "issuer.db", "--keys", "keys")
RESOURCE = (
    *("plant-read", "--container", "read", "--plan-type", "Read", "--quota", "500000", "--unit", "Transaction"),
    *("--period", "year", "--start", "2026-01-01", "--end", "2036-01-01", "--keys-to", "api-keys"),
)
WANTED = ("--resource", "plant-read", "--container", "read", "--image-version", "3.2.0")
ANSWER = ("issuer", "answer", "request.dsse", "-o", "license.dat", *STORE)
INTO = ("license", "--container", "read", "--image-version", "3.2.0")


@pytest.fixture
def offline(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """An issuer with one approved resource, and an enrolled site that trusts it."""
    monkeypatch.setenv("AZLIC_TRUST", str(site.folder / "trusted"))
    monkeypatch.setenv("AZLIC_SITE", "hall 7")
    monkeypatch.setenv("AZLIC_SITE_KEYS", "site-keys")
    monkeypatch.setenv("AZLIC_ISSUER_URL", "https://issuer.example")
    for words in (
        ("issuer", "init", *STORE),
        ("issuer", "resource", "add", *RESOURCE, "--database", "issuer.db"),
        ("issuer", "approve", "--database", "issuer.db"),
        ("site", "init"),
        ("issuer", "site", "add", "hall 7", "site-keys/site.pem", "--resource", "plant-read", *STORE[:2]),
        ("trust", "add", "keys/issuer.pem"),
    ):
        answer = cli(*words)
        assert answer.status == 0, answer
    return cli


def test_the_site_and_the_issuer_see_one_fingerprint(offline: Cli, site: Site) -> None:
    told = offline("request", *WANTED, "-o", "request.dsse", "--json")
    request = json.loads(told.out)
    (known,) = json.loads(offline("issuer", "site", "list", *STORE[:2], "--json").out)["sites"]
    assert known["key_id"] == request["key_id"]
    assert (known["name"], known["resources"]) == ("hall 7", ["plant-read"])
    assert known["key_id"] in offline("issuer", "site", "list", *STORE[:2]).out


def test_installed_it_is_told_as_verify_tells_it_with_the_lead_time_of_this_site(offline: Cli, site: Site) -> None:
    (site.folder / "azlic.toml").write_text("lead_days = 90")
    offline("request", *WANTED, "-o", "request.dsse")
    offline(*ANSWER)
    installed = json.loads(offline("install", "license.dat", *INTO, "--json").out)
    verified = json.loads(offline("verify", *INTO, "--json").out)
    assert installed["renewal_starts_at"] == verified["renewal_starts_at"] is not None


def test_what_is_shown_fits_a_terminal_and_names_the_next_step(offline: Cli) -> None:
    asked = offline("request", *WANTED, "-o", "request.dsse", "--instance", "gpu-1")
    assert asked.status == 0 and "plant-read, read 3.2.0, for gpu-1 alone" in asked.out
    assert "azlic install" in asked.out
    answered = offline(*ANSWER)
    assert answered.status == 0 and "serial 1" in answered.out and "hall 7" in answered.out
    again = offline(*ANSWER)
    assert again.status == 0 and "This request was answered before" in again.out
    assert max(map(len, (asked.out + answered.out + again.out).splitlines())) <= 80


def test_the_answer_in_json_holds_the_request_and_the_license(offline: Cli, site: Site) -> None:
    offline("request", *WANTED, "-o", "request.dsse")
    fields = json.loads(offline(*ANSWER, "--json").out)
    assert (fields["schema"], fields["again"], fields["path"]) == ("azlic.answer/v1", False, "license.dat")
    assert fields["license"]["site"] == fields["request"]["site"] == "hall 7"
    assert "content_keys" not in fields["license"]
    assert json.loads(offline(*ANSWER, "--json").out)["again"]


def test_a_renewal_tells_which_serial_it_replaces(offline: Cli, site: Site) -> None:
    offline("request", *WANTED, "-o", "request.dsse")
    offline(*ANSWER)
    assert offline("install", "license.dat", *INTO).status == 0
    told = json.loads(offline("request", *WANTED, "-o", "request.dsse", "--held", "license", "--json").out)
    assert told["request"]["held"]["serial"] == 1
    assert "in place of serial 1" in offline(*ANSWER).out
    assert json.loads(offline("install", "license.dat", *INTO, "--json").out)["license"]["serial"] == 2


def test_a_denial_has_its_code_its_words_and_exit_status_1(offline: Cli, site: Site) -> None:
    offline("request", "--resource", "other", *WANTED[2:], "-o", "request.dsse")
    denied = offline(*ANSWER)
    assert denied.status == 1
    assert "azlic: Mismatch: site hall 7 may not request licenses of resource other\n  try: " in denied.err
    assert not (site.folder / "license.dat").exists()


def test_a_license_is_no_request_and_a_request_no_license(offline: Cli, site: Site) -> None:
    offline("request", *WANTED, "-o", "request.dsse")
    offline(*ANSWER)
    crossed = offline("issuer", "answer", "license.dat", "-o", "other.dat", *STORE)
    assert crossed.status == 1 and "Invalid: it is a signed document of another type" in crossed.err
    assert offline("install", "license.dat", *INTO).status == 0
    before = (site.license / "license.dat").read_bytes()
    crossed = offline("install", "request.dsse", *INTO)
    assert crossed.status == 1 and "it is a signed document of another type" in crossed.err
    assert [path.read_bytes() for path in site.license.iterdir()] == [before]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("request", *WANTED, "-o", "no/request.dsse"), 3, "no/request.dsse could not be written"),
        (("request", *WANTED, "-o", "r", "--keys", "none"), 3, "this site has no key in none"),
        (("request", *WANTED, "-o", "r", "--held", "license"), 1, "the license in hand is missing"),
        (("request", *WANTED[:-1], "latest", "-o", "r"), 2, "--image-version"),
        (("request", *WANTED, "-o", "r", "--instance", ""), 2, "instances: it is empty"),
        (("issuer", "answer", "none", "-o", "license.dat", *STORE), 3, "the request none cannot be read"),
        ((*ANSWER, "--url", "issuer.example"), 2, "is not the address of an issuer"),
        ((*ANSWER, "--max-days", "0"), 2, "--max-days"),
        (("install", "none", *INTO), 3, "the license none cannot be read"),
        (("site", "init"), 3, "exists already"),
        (("issuer", "site", "remove", "hall 7", *STORE[:2]), 2, "azlic issuer site remove 'hall 7' --yes"),
        (("issuer", "site", "add", "hall 8", "keys/none.pem", "--resource", "plant-read", *STORE[:2]), 3, "none.pem"),
        (("issuer", "site", "list", "--database", "none.db"), 3, "there is no issuer's store"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(offline: Cli, words: tuple[str, ...], status: int, said: str) -> None:
    refused = offline(*words)
    assert (refused.status, said in refused.err) == (status, True), refused.err
    assert "\n  try: " in refused.err or status == 2


def test_a_site_or_an_issuer_that_has_no_name_is_told_how_to_set_it(
    offline: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZLIC_SITE")
    assert "set AZLIC_SITE" in offline("request", *WANTED, "-o", "request.dsse").err
    monkeypatch.delenv("AZLIC_ISSUER_URL")
    assert "set AZLIC_ISSUER_URL" in offline(*ANSWER).err


def test_a_removed_site_is_answered_no_more(offline: Cli) -> None:
    offline("request", *WANTED, "-o", "request.dsse")
    assert offline("issuer", "site", "remove", "hall 7", "--yes", *STORE[:2]).out == "site hall 7: removed\n"
    assert offline("issuer", "site", "list", *STORE[:2]).out == "no site is enrolled\n"
    assert "no enrolled site has signed it" in offline(*ANSWER).err


def test_the_new_settings_come_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "azlic.toml"
    file.write_text('site_keys = "/srv/keys"\nissuer_url = "https://a.example"\n')
    settings = load_settings({"AZLIC_CONFIG": str(file), "AZLIC_ISSUER_URL": "https://b.example"})
    assert (settings.site_keys, settings.issuer_url) == (Path("/srv/keys"), "https://b.example")
    assert load_settings({"AZLIC_CONFIG": str(file.with_name("azlic.toml"))}).issuer_url == "https://a.example"
