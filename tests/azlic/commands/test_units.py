"""`azlic units` and `azlic rules`: what is written out is checked with the tools it is meant for."""

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.azlic.conftest import Cli
from tests.azlic.monitoring.sandbox import read_unit
from tests.site import Site

RULES_TESTS = sorted((Path(__file__).parents[1] / "monitoring").glob("prometheus-rules-test*.yml"))
"""Apart by how often they look: a rule that is tried over months once an hour, else once a minute."""
promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not installed")
systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


def test_units_name_this_program_and_are_written_once(cli: Cli, site: Site) -> None:
    answer = cli("units", "units")
    assert answer.status == 0 and "azlic-notify.timer" in answer.out
    (command,) = read_unit(site.folder / "units/azlic-notify.service")["ExecStart"]
    assert shlex.split(command) == [str(Path(sys.executable).with_name("azlic")), "notify"]
    assert re.fullmatch(r"units: all \d+ files already exist\n", cli("units", "units").out)
    said = " ".join(path.read_text() for path in _units(site))
    assert (
        f"Environment=AZLIC_DATABASE={site.folder / 'azlic.db'}\n" in said
        and f"AZLIC_TRUST={site.trust.folder}" in said
    )


def _units(site: Site) -> list[Path]:
    return list((site.folder / "units").iterdir())


def test_a_file_that_was_changed_by_hand_is_kept_unless_told_otherwise(cli: Cli, site: Site) -> None:
    cli("units", "units")
    path = site.folder / "units/azlic.cron"
    path.write_text("# mine\n")
    answer = cli("units", "units")
    assert answer.status == 2 and "azlic.cron already exists" in answer.err
    assert path.read_text() == "# mine\n"
    assert cli("units", "units", "--yes").out == "units/azlic.cron\n"


def test_timers_make_up_for_what_was_missed_and_services_are_hardened(cli: Cli, site: Site) -> None:
    cli("units", "units")
    for path in _units(site):
        unit = configparser.ConfigParser(interpolation=None, strict=False)
        unit.optionxform = str  # type: ignore[assignment, method-assign]
        if path.suffix == ".timer":
            unit.read(path)
            assert unit["Timer"]["Persistent"] == "true"
        elif path.suffix == ".service" and "@" not in path.name:
            unit.read(path)
            assert unit["Unit"]["OnFailure"] == "azlic-failed@%n.service"
            assert unit["Service"]["ProtectSystem"] == "strict" and unit["Service"]["NoNewPrivileges"] == "yes"


ODD = """database = "FOLDER/azlic 100%/le dger$X.db"
licenses = ["/srv/li censes"]
outputs = ["/srv/it's \\"out\\" %n"]
textfile = "FOLDER/text file"
backups = "FOLDER/back\\\\ups"
[pull]
"trans lator/1" = "http://translator:5000/?a=%20"
"""


@systemd
@pytest.mark.parametrize("toml", ["", ODD], ids=["by default", "odd names"])
def test_systemd_finds_no_fault_with_the_units_and_little_exposure(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch, toml: str
) -> None:
    (site.folder / "azlic.toml").write_text(toml.replace("FOLDER", str(site.folder)))
    if toml:
        monkeypatch.delenv("AZLIC_DATABASE")
    assert cli("units", "units").status == 0
    paths = sorted(path for path in _units(site) if path.suffix in (".service", ".timer"))
    told = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    for path in paths:
        if path.suffix == ".service" and "@" not in path.name:
            words = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=30", str(path)]
            told = subprocess.run(words, capture_output=True, text=True, check=False)
            assert told.returncode == 0, told.stdout


def test_what_a_site_does_not_have_has_no_unit(cli: Cli, site: Site) -> None:
    for toml, absent in (
        ("", {"metrics", "pull"}),
        ("outputs = []\n", {"ingest", "watch", "metrics", "pull"}),
        ('textfile = "/tmp"\n[pull]\na = "http://a:5000"\n', set()),
    ):
        (site.folder / "azlic.toml").write_text(toml)
        cli("units", "units", "--yes")
        found = {path.name.split("-")[1].split(".")[0] for path in _units(site) if path.suffix == ".service"}
        everything = {"audit", "backup", "failed@", "ingest", "metrics", "notify", "pull", "serve", "watch"}
        assert found == everything - absent
        for path in _units(site):
            path.unlink()


EVERYTHING = """database = "azlic.db"
outputs = ["out"]
textfile = "text"
[pull]
a = "http://a:5000"
"it's b" = "http://b:5000"
"""
NOTHING = "outputs = []\n"


@pytest.mark.parametrize("yes", [("--yes",), ()], ids=["replacing", "into what is as it should be"])
def test_units_of_what_the_settings_no_longer_have_are_named_and_can_be_stopped(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch, yes: tuple[str, ...]
) -> None:
    (site.folder / "azlic.toml").write_text(EVERYTHING)
    monkeypatch.setenv("PGPASSWORD", "secret")
    cli("units", "units", "--yes")
    (site.folder / "units/azlic.env").touch()
    others = {"azlic-mine.timer", "azlic-pull.service", "other.service", "azlic-watch.timer"}
    for name in others:
        (site.folder / "units" / name).touch()
    before = {path.name for path in _units(site)} - others
    (site.folder / "azlic.toml").write_text(NOTHING)
    monkeypatch.setenv("AZLIC_DATABASE", "postgresql:///azlic?host=/run/none")
    monkeypatch.delenv("PGPASSWORD")
    shutil.copytree(site.folder / "units", site.folder / "before")
    cli("units", "fresh")
    shutil.copytree(site.folder / "fresh", site.folder / "units", dirs_exist_ok=True)
    gone = before - {path.name for path in (site.folder / "fresh").iterdir()}
    assert {re.sub(r"-pull.*", "-pull", name.split(".")[0]) for name in gone} == {
        "azlic-backup", "azlic-ingest", "azlic-metrics", "azlic-pull", "azlic-watch", "azlic",
    }  # fmt: skip
    answer = cli("units", "units", *yes)
    *named, hint = answer.err.splitlines()
    assert answer.status == 0 and {line.split()[1].split("/")[1] for line in named} == gone
    stop, remove, reload = hint.removeprefix("  try: ").split(" && ")
    assert set(shlex.split(stop)) - {"systemctl", "disable", "--now"} == gone - {"azlic.env"}
    assert reload == "systemctl daemon-reload"
    subprocess.run(["sh", "-c", remove], cwd=site.folder, check=True)
    assert {path.name for path in _units(site)} == before - gone | others
    assert cli("units", "units").err == ""


def test_only_what_talks_to_others_reaches_a_network(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.folder / "azlic.toml").write_text('textfile = "text"\n[pull]\na = "http://a:5000"\n')
    monkeypatch.chdir(site.folder)
    cli("units", "units")
    near = {path.stem for path in _units(site) if "RestrictAddressFamilies=AF_UNIX\n" in path.read_text()}
    far = {path.stem for path in _units(site) if "AF_INET" in path.read_text()}
    assert near == {f"azlic-{name}" for name in ("audit", "backup", "ingest", "metrics", "watch")}
    assert far == {f"azlic-{name}" for name in ("notify", "pull-a", "serve")}
    assert f"WorkingDirectory={site.folder}\n" in (site.folder / "units/azlic-metrics.service").read_text()


@pytest.mark.parametrize("name", ["line\nbreak", "\udcff"], ids=["line's end", "no UTF-8"])
def test_a_name_that_no_unit_can_say_is_refused(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AZLIC_OUTPUTS", str(site.folder / name))
    answer = cli("units", "units")
    assert answer.status == 2 and "rename the folder" in answer.err and not (site.folder / "units").exists()


@promtool
def test_promtool_takes_the_rules_and_their_tests_pass(cli: Cli, site: Site) -> None:
    cli("rules", "rules")
    folder = site.folder / "rules"
    for path in RULES_TESTS:
        shutil.copy(path, folder)
    for words in (("check", "rules", "azlic.rules.yml"), *(("test", "rules", path.name) for path in RULES_TESTS)):
        told = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr


def test_the_panels_of_the_dashboard_stand_side_by_side(cli: Cli, site: Site) -> None:
    cli("rules", "rules")
    panels = json.loads((site.folder / "rules/azlic-grafana.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["targets"] and panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_the_rules_warn_at_the_sites_own_lead_time(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZLIC_LEAD_DAYS", "120")
    cli("rules", "rules")
    assert "<= 120 * 86400" in (site.folder / "rules/azlic.rules.yml").read_text()


def test_icinga_and_nagios_run_the_check(cli: Cli, site: Site) -> None:
    cli("rules", "rules")
    program = Path(sys.executable).with_name("azlic")
    assert f'command = [ "{program}", "check" ]' in (site.folder / "rules/azlic-icinga2.conf").read_text()
    assert f"command_line    {program} check" in (site.folder / "rules/azlic-nagios.cfg").read_text()
