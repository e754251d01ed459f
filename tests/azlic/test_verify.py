"""`azlic verify`: words, fields, exit status."""

import base64
import contextlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from azlic.__main__ import main
from azlic.output import styled
from licensing.trust import TrustStore
from tests.azlic.conftest import Cli
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
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
    assert "15 NO not ended" in answer.out


def test_json_names_its_schema_and_keeps_no_secret(cli: Cli, site: Site) -> None:
    key = "A" * 43 + "="
    site.install(a_license(content_keys={"k1": key}))
    answer = cli("verify", "license", "--json", *AT)
    verdict = json.loads(answer.out)
    assert next(iter(verdict)) == "schema" and verdict["schema"] == "azlic.verdict/v1"
    assert (verdict["status"], verdict["may_run"], verdict["days_left"]) == ("valid", True, 214)
    assert [check["number"] for check in verdict["checks"]] == list(range(1, 16))
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


def test_colour_is_off_only_where_no_color_is_set_and_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "")
    assert "\x1b" in styled("VALID", "green")
    monkeypatch.setenv("NO_COLOR", "1")
    assert styled("VALID", "green") == "VALID"


def test_a_file_that_was_changed_is_to_be_fetched_again_and_no_key_to_be_trusted(cli: Cli, site: Site) -> None:
    sealed = json.loads(site.install().read_bytes())
    sealed["payload"] = base64.b64encode(a_license(serial=2).to_bytes()).decode()
    (site.license / "license.dat").write_text(json.dumps(sealed))
    answer = cli("verify", "license", *AT)
    said = " ".join(answer.out.split())
    assert "UNTRUSTED" in said and "the file was changed after it was signed" in said
    assert "Do Copy the file again" in said and "trust add" not in said
    assert json.loads(cli("verify", "license", "--json", *AT).out)["cause"] == "changed"


def test_a_license_of_an_unknown_issuer_says_how_to_trust_it(cli: Cli, site: Site) -> None:
    site.install()
    answer = cli("verify", "license", "--trust", "nowhere", *AT)
    said = " ".join(answer.out.split())
    assert answer.status == 1
    assert "there is no folder nowhere" in said and "azlic trust add" in said


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda path: path.mkdir(), "Do Put license.dat itself there, as a regular file."),
        (lambda path: path.symlink_to("gone"), "Do Put license.dat itself there in place of the link"),
    ],
    ids=["a folder", "a link to nowhere"],
)
def test_what_stands_in_a_licenses_place_has_advice_of_its_own(
    cli: Cli, site: Site, make: Callable[[Path], None], advice: str
) -> None:
    make(site.license / "license.dat")
    answer = cli("verify", "license", *AT)
    assert answer.status == 1 and "UNREADABLE" in answer.out
    assert advice in " ".join(answer.out.split())


@root_only
@pytest.mark.parametrize("closed", ["license", "license/license.dat"])
def test_what_this_user_may_not_read_is_a_verdict_with_the_chown_that_mends_it(site: Site, closed: str) -> None:
    with reachable_folder() as folder:
        site.install(folder=folder / "license")
        (folder / closed).chmod(0)
        TrustStore(folder / "trust.d").add(site.public_key)
        words = ["verify", str(folder / "license"), "--trust", str(folder / "trust.d")]
        said = " ".join(as_another_user(lambda: told_in_words(words)).split())
        assert "License: UNREADABLE" in said and "license.dat: Permission denied." in said
        assert f"chown -R 65532:65532 {folder / 'license'}" in said and "1 NO" not in said
        assert said.endswith("(1)")


def told_in_words(words: list[str]) -> str:
    """What the program prints, and its exit status, in a process that may be another user's."""
    with contextlib.redirect_stdout(io.StringIO()) as told, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["azlic", *words])
        patch.setenv("AZLIC_CONFIG", os.devnull)
        status = main()
    return f"{told.getvalue()} ({status})"
