"""`azlic units` and `azlic rules`: what is written out is checked with the tools it is meant for."""

import configparser
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.azlic.conftest import Cli
from tests.site import Site

RULES_TESTS = sorted((Path(__file__).parents[1] / "monitoring").glob("prometheus-rules-test*.yml"))
"""Apart by how often they look: a rule that is tried over months once an hour, else once a minute."""
promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not installed")
systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


def test_units_name_this_program_and_are_written_once(cli: Cli, site: Site) -> None:
    answer = cli("units", "units")
    assert answer.status == 0 and "azlic-notify.timer" in answer.out
    unit = (site.folder / "units/azlic-notify.service").read_text()
    assert f"ExecStart={Path(sys.executable).with_name('azlic')} notify\n" in unit
    assert cli("units", "units").out == "units: all 8 files already exist\n"
    assert not any("@" in path.read_text().replace("@%n", "").replace("@system-service", "") for path in _units(site))


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


@systemd
def test_systemd_finds_no_fault_with_the_units(cli: Cli, site: Site) -> None:
    cli("units", "units")
    paths = [path for path in _units(site) if path.suffix in (".service", ".timer") and "@" not in path.name]
    told = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


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
