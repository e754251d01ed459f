"""`azlic alerts`: what somebody should know, and taking note of it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.azlic.conftest import Cli
from tests.frozen import Clock, clock_at
from tests.site import START, Site, a_license


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, site: Site) -> Iterator[Clock]:
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    monkeypatch.setenv("AZLIC_RECEIPT_DAYS", "0")
    site.ledger.dispose()
    with clock_at(START) as frozen:
        yield frozen


TABLE = """\
As of 2026-03-01T08:00:00Z, the worst first; dates are UTC.

SEVERITY  SINCE       STAGE             ALERT
warning   2026-01-01  60 days           license-expiring:{path}
          The license for read ends at 2026-04-01T00:00:00Z, in 60 days or
          fewer.
          -> Start its renewal: buying it and bringing it in takes 60 days here.

1 warning.
"""


def ending(site: Site) -> None:
    site.install(a_license(expires_at=datetime(2026, 4, 1, tzinfo=UTC)))


def test_no_alert_is_status_0(cli: Cli, site: Site) -> None:
    site.install()
    answer = cli("alerts")
    assert (answer.status, answer.out, answer.err) == (0, "No alerts as of 2026-03-01T08:00:00Z.\n", "")


def test_an_alert_says_what_it_means_and_what_to_do(cli: Cli, site: Site) -> None:
    ending(site)
    answer = cli("alerts")
    assert (answer.status, answer.out) == (1, TABLE.format(path=site.license))


def test_a_script_reads_the_same(cli: Cli, site: Site) -> None:
    ending(site)
    told = json.loads(cli("alerts", "--json").out)
    assert told["schema"] == "azlic.alerts/v1"
    (alert,) = told["alerts"]
    assert (alert["kind"], alert["stage"], alert["severity"], alert["acknowledged"]) == (
        "license-expiring",
        "60 days",
        "warning",
        False,
    )


def test_what_was_taken_note_of_is_quiet_until_it_worsens(cli: Cli, site: Site, clock: Clock) -> None:
    ending(site)
    name = f"license-expiring:{site.license}"
    assert "is quiet until 2026-03-25" in cli("alerts", "ack", name, "--until", "2026-03-25").out
    answer = cli("alerts")
    assert answer.status == 0 and "quiet until 2026-03-25, by " in answer.out
    clock.move_to("2026-03-02T00:00:00Z")  # 30 days
    assert cli("alerts").status == 1
    cli("alerts", "ack", name, "--until", "2026-03-10")
    clock.move_to("2026-03-09T23:59:59Z")
    assert cli("alerts").status == 0
    clock.move_to("2026-03-10T00:00:00Z")
    assert cli("alerts").status == 1


def test_an_acknowledgement_needs_an_alert_and_a_date_to_come(cli: Cli, site: Site) -> None:
    ending(site)
    answer = cli("alerts", "ack", "nothing", "--until", "2027-01-01")
    assert answer.status == 2 and "there is no alert nothing" in answer.err
    answer = cli("alerts", "ack", f"license-expiring:{site.license}", "--until", "2026-03-01T08:00:00Z")
    assert answer.status == 2 and "a date in the future" in answer.err


def test_a_license_that_came_back_is_a_new_alert_the_next_time(cli: Cli, site: Site, clock: Clock) -> None:
    name = f"license-missing:{site.license}"
    cli("alerts", "ack", name, "--until", "2027-01-01")
    assert cli("alerts").status == 0
    target = site.install()
    assert cli("alerts").status == 0
    target.unlink()
    clock.tick(timedelta(minutes=1))
    assert cli("alerts").status == 1


def test_a_place_is_forgotten_on_demand(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site.folder / "licenses"
    folder.mkdir()
    monkeypatch.setenv("AZLIC_LICENSES", f"{folder}:{site.license}")
    site.install()
    target = site.install(folder=folder / "hall-1")
    site.ledger.dispose()
    assert cli("alerts").status == 0
    target.unlink()
    target.parent.rmdir()
    assert f"license-missing:{target.parent}" in cli("alerts").out
    cli("alerts", "forget", "licenses/hall-1")
    assert "hall-1" not in cli("alerts").out
    assert cli("alerts", "forget", "licenses/hall-1").status == 2


@pytest.mark.parametrize(
    ("setting", "value", "what"),
    [
        ("STAGES", "90,x", "stages are not days before an end"),
        ("STAGES_OF", "read:30;speech", "stages are not days before an end"),
        ("CLOSE_DAYS", "soon", "close_days is not a number of days"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_told(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, what: str
) -> None:
    monkeypatch.setenv(f"AZLIC_{setting}", value)
    answer = cli("alerts")
    assert answer.status == 2 and what in answer.err


def test_thresholds_of_one_container_are_set_in_the_settings_file(cli: Cli, site: Site) -> None:
    site.install()
    (site.folder / "azlic.toml").write_text('licenses = ["license"]\nstages = [30]\n[stages_of]\nread = [310, 7]\n')
    assert "310 days" in cli("alerts").out
