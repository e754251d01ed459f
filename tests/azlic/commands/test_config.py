"""`azlic config show`: each setting, its value, where it comes from; with a settings file that is wrong, too."""

import json
from pathlib import Path

import pytest

from azlic.settings import NAMES, load_settings, variable_of
from licensing.core.text import without_password
from tests.azlic.conftest import Cli
from tests.site import Site

TOML = """database = "postgresql+psycopg://me:se/cr@et@db.example/azlic?sslmode=verify-full&password=secret"
trust = "/srv/trust.d"
expiring_days = 90
[pull]
translator = "http://user:secret@translator:5000/?api_token=secret"
"""


def shown(cli: Cli, *words: str, status: int = 0) -> dict[str, dict[str, object]]:
    answer = cli("config", "show", "--json", *words)
    assert answer.status == status, answer
    document = json.loads(answer.out)
    assert document["schema"] == "azlic.settings/v1" and document["sound"] is (status == 0)
    settings: dict[str, dict[str, object]] = document["settings"]
    assert list(settings) == list(NAMES)
    return settings


def test_each_setting_says_where_it_comes_from(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    file = site.folder / "azlic.toml"
    file.write_text(TOML)
    monkeypatch.delenv("AZLIC_DATABASE")
    monkeypatch.setenv("AZLIC_LEAD_DAYS", "7")
    settings = shown(cli, "--trust", "/srv/other")
    sources = {name: (setting["value"], setting["source"], setting["place"]) for name, setting in settings.items()}
    assert sources["trust"] == ("/srv/other", "option", "--trust")
    assert sources["lead_days"] == (7, "variable", "AZLIC_LEAD_DAYS")
    assert sources["expiring_days"] == (90, "file", str(file))
    assert sources["close_days"] == (5, "default", None)
    assert shown(cli)["trust"]["value"] == str(site.trust.folder), "a variable wins over the file"


def test_what_is_shown_is_what_every_command_takes(cli: Cli, site: Site) -> None:
    (site.folder / "azlic.toml").write_text("[stages_of]\nread = [30, 60]\n")
    settings, in_force = shown(cli), load_settings()
    assert json.loads(json.dumps(in_force.stages_of)) == settings["stages_of"]["value"]
    assert settings["database"]["value"] == in_force.database and settings["channels"]["value"] == str(
        in_force.channels
    )


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["words", "json"])
def test_no_password_is_shown(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]) -> None:
    (site.folder / "azlic.toml").write_text(TOML)
    monkeypatch.delenv("AZLIC_DATABASE")
    answer = cli("config", "show", *form)
    assert "db.example/azlic" in answer.out and "translator:5000" in answer.out
    assert "secret" not in answer.out and "se/cr" not in answer.out and "et@db" not in answer.out


@pytest.mark.parametrize(
    ("address", "shown_as"),
    [
        ("/srv/a@b:c.db", "/srv/a@b:c.db"),
        ("https://h/p", "https://h/p"),
        ("https://u@h/p?x=1", "https://u@h/p?x=1"),
        ("https://u:p@h/", "https://u:***@h/"),
        ("https://u:p@q:r@h/?SSLPassword=a&b=c", "https://u:***@h/?SSLPassword=***&b=c"),
        ("postgresql://?password=x", "postgresql://?password=***"),
    ],
)
def test_a_password_is_struck_out_wherever_it_stands(address: str, shown_as: str) -> None:
    assert without_password(address) == shown_as


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"database", "trust"}))
def test_a_value_that_is_none_is_told_with_its_place_and_the_others_are_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AZLIC_CONFIG", "azlic.toml")
    Path("azlic.toml").write_text(f"{name} = 1.5\nsite_name = 2\n")
    settings = shown(cli, status=2)
    assert {other for other, setting in settings.items() if setting["fault"]} == {name}
    assert str(settings[name]["fault"]).startswith(f"azlic.toml: {name} ") and settings[name]["value"] is None
    told = cli("config", "show").out
    assert "there is no setting 'site_name'" in told and "wrong: azlic.toml: " + name in told


@pytest.mark.parametrize(
    ("content", "config", "told"),
    [
        ("a = ", "azlic.toml", "azlic.toml: Invalid value"),
        (None, "gone.toml", "there is no settings file gone.toml"),
        (None, "", "AZLIC_CONFIG is empty"),
        (None, ".", "the settings file . cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_the_rest_is_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, content: str | None, config: str, told: str
) -> None:
    site = Path.cwd()
    if content is not None:
        (site / config).write_text(content)
    monkeypatch.setenv("AZLIC_CONFIG", config)
    answer = cli("config", "show")
    assert answer.status == 2 and told in answer.out
    assert f"{site}/azlic.db" in answer.out.replace("\\\n", "")


def test_a_variable_that_no_command_knows_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        assert variable_of(name).startswith("AZLIC_")
    monkeypatch.setenv("AZLIC_DATABSE", "x")
    answer = cli("config", "show")
    assert answer.status == 2 and "AZLIC_DATABSE sets nothing" in answer.out


@pytest.mark.parametrize("name", ["licenses", "outputs", "closed_sites", "pull", "stages_of"])
def test_a_variable_can_say_none_as_the_file_can(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    empty = "{}" if name in ("pull", "stages_of") else "[]"
    (site.folder / "azlic.toml").write_text(f"{name} = {empty}\n")
    by_file = getattr(load_settings(), name)
    (site.folder / "azlic.toml").write_text("")
    monkeypatch.setenv(variable_of(name), empty)
    assert getattr(load_settings(), name) == by_file and not by_file
    assert shown(cli)[name]["source"] == "variable"
    monkeypatch.setenv(variable_of(name), "")
    assert shown(cli)[name]["source"] == "default", "an empty one sets nothing"


def test_a_folder_may_be_called_as_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZLIC_OUTPUTS", "./[]")
    assert load_settings().outputs == (Path("[]"),)


def test_no_license_wanted_by_variable_is_no_alert(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZLIC_LICENSES", "[]")
    assert "license-missing" not in cli("alerts").out
    monkeypatch.setenv("AZLIC_LICENSES", "none")
    assert "license-missing" in cli("alerts").out
    monkeypatch.setenv("AZLIC_OUTPUTS", "[]")
    assert cli("units", "units").status == 0 and not (site.folder / "units/azlic-ingest.timer").exists()
