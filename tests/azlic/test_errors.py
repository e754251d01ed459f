"""What goes wrong is said in words, with a hint and the right exit status; never a traceback."""

from pathlib import Path

import pytest

from tests.azlic.conftest import Cli
from tests.site import Site

ENVIRONMENT_FAILED = {
    "there is no ledger yet": ("report", "2026-03"),
    "the ledger is no database": ("report", "2026-03", "--database", "README"),
    "the output folder is missing": ("ingest", "nowhere"),
    "the ledger cannot be made": ("ingest", "output", "--database", "/proc/none/azlic.db"),
    "the key to trust is missing": ("trust", "add", "nowhere.pem"),
    "the key to trust is no key": ("trust", "add", "README"),
    "there is no license to take a plan from": ("plan", "import", "license"),
    "the issuer has no key": ("issuer", "serve", "--keys", "none", "--listen", "127.0.0.1:0"),
}
BAD_COMMAND_LINE = {
    "an unknown command": ("verfy",),
    "an unknown option": ("verify", "--wrong"),
    "an argument left out": ("ingest",),
    "a date that is none": ("verify", "license", "--at", "yesterday"),
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
    path.write_text("not what you think")
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


def test_an_error_nobody_thought_of_is_status_3_without_a_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("licensing.verification.verify", explode)
    answer = cli("verify", "license")
    assert answer.status == 3
    assert "ZeroDivisionError" in answer.err and "AZLIC_DEBUG=1" in answer.err
