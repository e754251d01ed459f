"""`azlic notify`: channels from a file of their own, and a test of them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.site import START, Site


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, site: Site) -> Iterator[None]:
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    monkeypatch.setenv("AZLIC_CHANNELS", str(site.folder / "channels.toml"))
    monkeypatch.setenv("AZLIC_SITE", "plant")
    site.ledger.dispose()
    with clock_at(START), stamina.set_testing(True, attempts=1):
        yield


@pytest.fixture
def got(site: Site) -> Path:
    """Where a channel of the site, a command, puts what it was told last."""
    script, got = site.folder / "page", site.folder / "got.json"
    script.write_text(f"#!/bin/sh\ncat > {got}\n")
    script.chmod(0o700)
    channels = site.folder / "channels.toml"
    channels.write_text(f'[pager]\ncommand = ["{script}"]\n[broken]\ncommand = ["false"]\n')
    channels.chmod(0o600)
    return got


def test_a_test_goes_to_each_channel_and_is_not_remembered(cli: Cli, got: Path) -> None:
    before = (got.parent / "azlic.db").read_bytes()
    answer = cli("notify", "--test")
    assert (answer.status, answer.out) == (3, "pager: accepted a test message\n")
    assert "broken: the command ended with status 1" in answer.err
    assert json.loads(got.read_text())["title"] == "azlic plant: 1 notice"
    assert (got.parent / "azlic.db").read_bytes() == before


def test_one_channel_is_told_once(cli: Cli, got: Path) -> None:
    answer = cli("notify", "--channel", "pager")
    assert (answer.status, answer.out) == (0, "pager: sent 1 critical\n")
    assert json.loads(got.read_text())["alerts"][0]["kind"] == "license-missing"
    assert cli("notify", "--channel", "pager").out == "nothing new to send\n"


def test_a_channel_that_failed_stands_among_the_alerts(cli: Cli, got: Path) -> None:
    assert cli("notify").status == 3
    assert "channel-failing:broken" in cli("alerts").out


def test_the_last_channel_that_was_taken_out_of_the_file_fails_no_more(cli: Cli, got: Path) -> None:
    assert cli("notify", "--channel", "broken").status == 3
    (got.parent / "channels.toml").write_text("")
    assert cli("notify").status == 2
    assert "channel-failing" not in cli("alerts").out


def test_no_file_of_channels_and_no_such_channel_are_bad_calls(cli: Cli, got: Path) -> None:
    assert cli("notify", "--channel", "nobody").status == 2
    (got.parent / "channels.toml").unlink()
    answer = cli("notify")
    assert answer.status == 2 and "there is no channels file" in answer.err
