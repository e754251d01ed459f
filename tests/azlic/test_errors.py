"""What goes wrong is said in words, with a hint and the right exit status; never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import stamina

from tests.azlic.conftest import Cli, run_damaged
from tests.site import Site

DOWNLOAD = ("download", "https://127.0.0.1:9/x", "license", "--container", "read", "--image-version", "3.2.0")
ENVIRONMENT_FAILED = {
    "there is no ledger yet": ("report", "2026-03"),
    "the ledger is no database": ("report", "2026-03", "--database", "README"),
    "the output folder is missing": ("ingest", "nowhere"),
    "the ledger cannot be made": ("ingest", "output", "--database", "/proc/none/azlic.db"),
    "the key to trust is missing": ("trust", "add", "nowhere.pem"),
    "the key to trust is no key": ("trust", "add", "README"),
    "the API key file is missing": (*DOWNLOAD, "--api-key-file", "nowhere"),
    "the trust store is a file": ("trust", "list", "--trust", "README"),
    "the issuer has no key": ("issuer", "serve", "--keys", "none", "--listen", "127.0.0.1:0"),
}
BAD_COMMAND_LINE = {
    "an unknown command": ("verfy",),
    "an unknown option": ("verify", "--wrong"),
    "an argument left out": ("ingest",),
    "a date that is none": ("verify", "license", "--at", "yesterday"),
    "a container type nobody knows": ("verify", "license", "--container", "reed"),
    "an image version without a number": ("verify", "license", "--image-version", "latest"),
    "a container without Eula": ("engine", "read"),
    "a container option misspelt": ("engine", "read", "eula=accept", "Mounts:Licence=/x"),
    "an engine that is not ours": ("engine", "translator", "eula=accept"),
    "a user that is none": ("engine", "read", "--user", "nonroot", "eula=accept"),
    "a container type that is none": (
        *(
            "issuer",
            "resource",
            "add",
            "x",
            "--container",
            "reed",
            "--plan-type",
            "Read",
            "--quota",
            "1",
            "--unit",
            "T",
        ),
        *("--unit", "T", "--period", "year", "--start", "2026-01-01", "--end", "2027-01-01", "--keys-to", "k"),
    ),
}


@pytest.fixture(autouse=True)
def readme(site: Site) -> Path:
    path = site.folder / "README"
    path.write_text("not-what-you-think")
    return path


@pytest.mark.parametrize("words", ENVIRONMENT_FAILED.values(), ids=ENVIRONMENT_FAILED)
def test_what_the_environment_lacks_is_status_3_with_a_hint(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli(*words)
    assert answer.status == 3, answer
    assert answer.err.startswith("azlic: ") and "\n  try: " in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("words", BAD_COMMAND_LINE.values(), ids=BAD_COMMAND_LINE)
def test_what_cannot_be_meant_is_status_2(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli(*words)
    assert answer.status == 2, answer
    assert answer.err and "Traceback" not in answer.err


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "add", "read-\udcfc"),
        ("plan", "rename", "read", "\udcfc"),
        ("correct", "\udcfc", "--quantity", "1", "--reason", "because"),
        ("quarantine", "discard", "1", "--reason", "gepr\udcfcft", "--yes"),
        ("findings", "settle", "1", "--reason", "gepr\udcfcft"),
        ("alerts", "ack", "\udcfc", "--reason", "because"),
    ],
    ids=lambda words: " ".join(words[:2]).encode("ascii", "replace").decode(),
)
def test_a_word_that_is_no_text_is_status_2(cli: Cli, site: Site, words: tuple[str, ...]) -> None:
    site.ingest()
    if words[:2] == ("plan", "add"):
        words += ("--tier", "T1", "--quota", "1", "--unit", "Document", "--period", "year", "--start", "2026-01-01")
    answer = cli(*words)
    assert answer.status == 2, answer
    assert "unexpected" not in answer.err


def test_a_type_nobody_knows_is_told_which_there_are(cli: Cli) -> None:
    answer = cli("verify", "license", "--container", "reed")
    assert "there is no container type 'reed'" in answer.err and "one of: read, speech-to-text" in answer.err


def test_a_type_may_be_written_in_any_case(cli: Cli, site: Site) -> None:
    site.install()
    assert cli("verify", "license", "--container", "Read", "--at", "2026-06-01").status == 0


def test_an_image_version_is_refused_by_the_name_of_its_option(cli: Cli) -> None:
    answer = cli("verify", "license", "--image-version", "latest")
    assert "--image-version 'latest' does not begin with a version number" in answer.err


@pytest.mark.parametrize("days", ["99999999999", "9" * 5000, "-1", "4000"])
def test_days_without_end_are_refused_in_words(cli: Cli, monkeypatch: pytest.MonkeyPatch, days: str) -> None:
    monkeypatch.setenv("AZLIC_EXPIRING_DAYS", days)
    answer = cli("verify", "license")
    assert answer.status == 2 and "is not a number of days from 0 to 3650" in answer.err


def test_an_error_of_the_system_is_told_in_words(cli: Cli, site: Site) -> None:
    path = site.folder / ("long" * 100)
    answer = cli("report", "2026-03", "--database", path)
    assert answer.status == 3
    assert answer.err.startswith(f"azlic: the system refused: {path}: File name too long\n  try: ")


def test_an_issuer_that_does_not_answer_is_waited_for_in_words_and_status_3(cli: Cli) -> None:
    with stamina.set_testing(True, attempts=5):  # the waits are told, and none is waited for
        answer = cli(*DOWNLOAD, "--api-key-file", "README")
    assert answer.status == 3
    assert "; attempt 1 of 5, the next in 0.3 s\n" in answer.err and "stamina" not in answer.err
    assert answer.err.splitlines()[-2].startswith("azlic: CouldNotConnect: ")


AZLIC = Path(sys.executable).with_name("azlic")


def written_to(stdout: int, site: Site, at: str) -> subprocess.CompletedProcess[str]:
    command = [str(AZLIC), "verify", "license", "--trust", "trust.d", "--at", at]
    return subprocess.run(command, cwd=site.folder, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


def test_a_full_disk_is_status_3_in_words(site: Site) -> None:
    site.install()
    with Path("/dev/full").open("wb") as full:
        ended = written_to(full.fileno(), site, "2026-06-01")
    assert ended.returncode == 3
    assert ended.stderr.startswith("azlic: the answer could not be written: No space left on device\n  try: ")
    assert len(ended.stderr.splitlines()) == 2


@pytest.mark.parametrize(("at", "status"), [("2026-06-01", 0), ("2030-01-01", 1)])
def test_a_reader_that_goes_away_does_not_change_the_answer(site: Site, at: str, status: int) -> None:
    site.install()
    reader, writer = os.pipe()
    os.close(reader)
    ended = written_to(writer, site, at)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (status, "")


def test_a_misspelt_container_option_is_told_what_was_meant(cli: Cli) -> None:
    answer = cli("engine", "read", "eula=accept", "Mounts:Licence=/x")
    assert "Mounts:License was probably meant" in answer.err


def test_an_unknown_setting_is_named_with_its_file(cli: Cli, site: Site) -> None:
    (site.folder / "azlic.toml").write_text('datbase = "x"\n')
    answer = cli("verify", "license")
    assert answer.status == 2
    assert "azlic.toml: there is no setting 'datbase'" in answer.err


def test_a_setting_of_the_wrong_kind_is_named_with_its_variable(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZLIC_EXPIRING_DAYS", "soon")
    answer = cli("verify", "license")
    assert answer.status == 2
    assert "AZLIC_EXPIRING_DAYS: expiring_days is not a number of days" in answer.err


def test_the_settings_file_is_used_where_nothing_else_is_said(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZLIC_TRUST")
    site.install()
    assert cli("verify", "license", "--at", "2026-06-01").status == 1
    (site.folder / "azlic.toml").write_text(f'trust = "{site.trust.folder}"\n')
    assert cli("verify", "license", "--at", "2026-06-01").status == 0


@pytest.mark.usefixtures("cli")
def test_an_error_nobody_thought_of_is_status_3_without_a_traceback(tmp_path: Path) -> None:
    answer = run_damaged(tmp_path, "ZeroDivisionError('on purpose')", "verify", "license")
    assert answer.status == 3 and "Traceback" not in answer.err
    assert "ZeroDivisionError" in answer.err and "AZLIC_DEBUG=1" in answer.err


def test_a_plan_is_not_taken_from_a_license_that_is_no_good(cli: Cli) -> None:
    answer = cli("plan", "import", "license")
    assert answer.status == 1
    assert "no plan was taken, the license is missing" in answer.err
