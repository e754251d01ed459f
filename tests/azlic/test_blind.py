"""A site that cannot see is never fine: each way to be blind, for `check`, `alerts`, `notify`, `clock` and metrics."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from azlic import settings
from azlic.monitoring import expected
from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.site import START, Site


@pytest.fixture(autouse=True)
def fine(monkeypatch: pytest.MonkeyPatch, site: Site) -> Iterator[None]:
    """A site with a good license and a ledger; whose machine has no other site."""
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    monkeypatch.setattr(settings, "_data", lambda name: site.folder / "data" / name)
    monkeypatch.setattr(expected, "_SYSTEM", (site.folder / "var",))
    site.install()
    site.ledger.dispose()
    with clock_at(START):
        yield


def a_typo(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZLIC_DATABASE", str(site.folder / "azlik.db"))


def an_empty_variable(_: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZLIC_DATABASE", "")


def a_typo_in_the_settings(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZLIC_DATABASE")
    (site.folder / "azlic.toml").write_text(f'database = "{site.folder}/azlik.db"\n')


def an_unmounted_folder(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZLIC_DATABASE")
    (site.folder / "data").mkdir()


def a_ledger_that_left_its_journal(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    an_unmounted_folder(site, monkeypatch)
    (site.folder / "data" / "azlic.db-wal").touch()


def nothing_to_watch(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZLIC_DATABASE")
    monkeypatch.delenv("AZLIC_LICENSES")
    (site.folder / "azlic.toml").write_text("licenses = []\n")


def another_user(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZLIC_DATABASE")
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    (site.folder / "var").mkdir()


BLIND = [
    a_typo,
    an_empty_variable,
    a_typo_in_the_settings,
    an_unmounted_folder,
    a_ledger_that_left_its_journal,
    nothing_to_watch,
    another_user,
]


@pytest.fixture(params=BLIND, ids=lambda case: case.__name__)
def blind(request: pytest.FixtureRequest, cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line of a site that looks for its ledger in vain."""
    assert cli("check").status == 0
    case: Callable[[Site, pytest.MonkeyPatch], None] = request.param
    case(site, monkeypatch)
    return cli


def test_a_ledger_that_is_missed_is_unknown_to_monitoring(blind: Cli, site: Site) -> None:
    answer = blind("check", "--prometheus", "azlic.prom")
    assert answer.status == 3 and answer.out.startswith("AZLIC UNKNOWN - 1 alert: ledger-unreadable")
    told = (site.folder / "azlic.prom").read_text()
    assert "azlic_ledger_readable 0.0" in told and "azlic_ledger_batches" not in told


def test_a_ledger_that_is_missed_is_an_alert_and_no_other_is_made_in_its_place(blind: Cli, site: Site) -> None:
    before = sorted(site.folder.rglob("*"))
    for _ in range(2):
        answer = blind("alerts")
        assert answer.status == 1 and "critical" in answer.out and "ledger-unreadable" in answer.out
    assert blind("clock", "status").status == 3
    assert blind("alerts", "ack", "ledger-unreadable", "--until", "2026-12-31").status == 3
    assert blind("findings", "settle", 1, "--reason", "known").status == 3
    assert sorted(site.folder.rglob("*")) == before


def test_a_verdict_says_that_nothing_was_compared_with_the_ledger_that_is_missed(
    blind: Cli, site: Site, request: pytest.FixtureRequest
) -> None:
    answer = blind("verify", site.license, "--json")
    assert answer.status == 0
    warned = [
        warning for warning in json.loads(answer.out)["warnings"] if "could not be compared: there is no" in warning
    ]
    assert len(warned) == ("nothing_to_watch" not in request.node.name)  # of that site no ledger is known


def test_a_verdict_that_makes_the_ledger_does_not_miss_it(cli: Cli, site: Site) -> None:
    words = ("verify", site.license, "--json", "--database", site.folder / "new.db")
    (site.folder / "azlic.db").unlink()
    warned = [json.loads(cli(*words, *more).out)["warnings"] != [] for more in ((), ("--record",), ())]
    assert warned == [True, False, False]


def test_a_ledger_that_is_missed_is_told_to_the_channels_each_time(blind: Cli, site: Site) -> None:
    got = site.folder / "got"
    got.mkdir()
    page = got / "page"
    page.write_text(f"#!/bin/sh\ncat > {got}/$$.json\n")
    page.chmod(0o755)
    channels = site.folder / "channels.toml"
    channels.write_text(f'[page]\ncommand = ["{page}"]\n')
    channels.chmod(0o600)
    with (site.folder / "azlic.toml").open("a") as file:
        file.write(f'channels = "{channels}"\n')
    assert (blind("notify").status, blind("notify").status) == (3, 3)
    told = [json.loads(path.read_text()) for path in got.glob("*.json")]
    assert [[alert["id"] for alert in message["alerts"]] for message in told] == [["ledger-unreadable"]] * 2


def test_a_named_option_without_a_ledger_is_unknown(cli: Cli) -> None:
    assert cli("check", "--database", "elsewhere.db").status == 3
    assert not Path("elsewhere.db").exists()


def test_a_site_that_never_had_a_ledger_and_names_none_is_told_so(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZLIC_DATABASE")
    answer = cli("check", "--prometheus", "azlic.prom")
    assert answer.status == 0
    assert answer.out.startswith("AZLIC OK - 1 license, no ledger, nothing needs attention")
    assert "azlic_ledger_readable" not in (site.folder / "azlic.prom").read_text().replace("# ", "")
    told = cli("alerts")
    assert (told.status, told.out.splitlines()[-1]) == (0, "There is no ledger: nothing is known of usage.")


@pytest.mark.parametrize("config", ["", "nowhere.toml"], ids=["empty", "gone"])
def test_settings_that_are_named_and_cannot_be_read_are_unknown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    monkeypatch.setenv("AZLIC_CONFIG", config)
    answer = cli("check")
    assert answer.status == 3 and answer.out.startswith("AZLIC UNKNOWN - ")
    assert cli("alerts").status in (2, 3)


def test_a_trust_store_that_is_gone_is_an_alert_until_it_has_a_key(cli: Cli, site: Site) -> None:
    (site.license / "license.dat").write_bytes(b"A license of another maker's")
    cli("adopt", "license", "--container", "read", "--expires", "2027-12-31")
    assert cli("check").status == 0
    shutil.rmtree(site.trust.folder)
    answer = cli("alerts")
    assert answer.status == 1 and "trust-missing" in answer.out and cli("check").status == 2
    assert cli("trust", "add", site.public_key).status == 0
    assert cli("check").status == 0


def test_where_no_license_is_wanted_none_is_missed(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZLIC_LICENSES")
    (site.folder / "azlic.toml").write_text("licenses = []\n")
    assert cli("alerts").out == "No alerts as of 2026-03-01T08:00:00Z.\n"
    assert cli("check").status == 0


def test_the_alert_of_a_place_that_the_settings_name_ends_as_it_says(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.license / "license.dat").unlink()
    answer = cli("alerts")
    assert answer.status == 1 and "licenses = []" in " ".join(answer.out.split())
    refused = cli("alerts", "forget", site.license)
    assert refused.status == 2 and "licenses = []" in refused.err
    monkeypatch.delenv("AZLIC_LICENSES")
    (site.folder / "azlic.toml").write_text("licenses = []\n")
    assert cli("alerts").status == 0
