"""`azlic verify`: words, fields, exit status."""

import base64
import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from azlic.__main__ import main
from azlic.output import style
from azlic.render.verdict import verdict_text
from licensing.trust.store import TrustStore
from licensing.verdict.verdict import Status
from licensing.verification.renewal import LEAD_DAYS
from tests.azlic.conftest import Cli
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
from tests.site import Site, a_license, a_plan

AT = ("--at", "2026-06-01")


def test_a_good_license_is_said_to_be_valid_with_all_its_dates(cli: Cli, site: Site) -> None:
    site.install()
    answer = cli("verify", "license", *AT)
    assert answer.status == 0
    assert answer.out.startswith("License for Read (OCR): VALID\n")
    for said in ("2026-03-01T08:00:00Z", "2027-01-01T00:00:00Z (214 days left)", "read-2026: Read T1 x 1"):
        assert said in answer.out


def test_the_three_ends_and_the_renewal_are_told_apart(cli: Cli, site: Site) -> None:
    ends = datetime(2026, 11, 1, tzinfo=UTC)
    site.install(a_license(expires_at=ends, grace_days=7, plan=a_plan(ends_at=datetime(2026, 10, 1, tzinfo=UTC))))
    answer = cli("verify", "license", *AT)
    assert answer.out.splitlines()[9:13] == [
        "  Ends      license     2026-11-01T00:00:00Z (153 days left)",
        "            grace       2026-11-08T00:00:00Z (160 days left)",
        "            commitment  2026-10-01T00:00:00Z (122 days left)",
        "  Renewal   start by    2026-08-02T00:00:00Z (62 days left)",
    ]
    told = json.loads(cli("verify", "license", "--json", *AT).out)
    dates = [told[name] for name in ("expires_at", "grace_ends_at", "commitment_ends_at", "renewal_starts_at")]
    assert dates == [f"2026-{day}T00:00:00Z" for day in ("11-01", "11-08", "10-01", "08-02")]


def test_without_grace_there_is_no_line_about_it(cli: Cli, site: Site) -> None:
    site.install()
    assert "grace" not in cli("verify", "license", *AT).out


def test_the_settings_say_how_long_a_renewal_takes(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install()
    assert "Nothing now. Start the renewal by 2026-11-02T00:00:00Z." in cli("verify", "license", *AT).out
    monkeypatch.setenv("AZLIC_LEAD_DAYS", "90")
    assert "Nothing now. Start the renewal by 2026-10-03T00:00:00Z." in cli("verify", "license", *AT).out
    monkeypatch.setenv("AZLIC_LEAD_DAYS", "214")
    answer = cli("verify", "license", *AT)
    assert "VALID" in answer.out and "Do        Start the renewal now: it should have begun by 2026-06-01" in answer.out


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_advice(site: Site, status: Status) -> None:
    site.install()
    text = verdict_text(replace(site.verify(), status=status), lead_days=LEAD_DAYS)
    assert f"Read (OCR): {status.upper().replace('-', ' ')}\n" in text and "\n  Do  " in text
    assert max(map(len, text.splitlines())) <= 80


def test_one_path_starts_with_nothing_that_only_many_need(site: Site) -> None:
    site.install()
    words = ["azlic", "verify", str(site.license), "--trust", str(site.trust.folder), "--at", "2026-06-01"]
    code = (
        f"import sys; sys.argv = {words!r}; from azlic.__main__ import main; assert main() == 0;"
        " print({'rich', 'watchdog', 'sqlalchemy', 'usage', 'importlib.metadata', 'licensing.verification.gate',"
        " 'licensing.verdict.severity',"
        " 'azlic.render.verdicts'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\nset()\n")


def test_a_name_that_stdout_cannot_say_is_escaped(cli: Cli, monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    odd = site.folder / os.fsdecode(b"a\xff")
    odd.mkdir()
    assert r"a\udcff" in cli("verify", odd).out
    assert json.loads(cli("verify", odd, "--json").out)["path"] == str(odd).replace("\udcff", r"\udcff")


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
    assert "\x1b" in style("VALID", "green")
    monkeypatch.setenv("NO_COLOR", "1")
    assert style("VALID", "green") == "VALID"


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
