"""`azlic calendar`: renewals for people's calendars."""

from pathlib import Path

import pytest

from tests.azlic.conftest import Cli
from tests.site import Site


@pytest.fixture(autouse=True)
def license_folder(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    site.install()


def test_a_file_is_written(cli: Cli, site: Site) -> None:
    answer = cli("calendar", "-o", "renewals.ics")
    assert (answer.status, answer.out) == (0, "renewals.ics: 2 entries\n")
    assert Path("renewals.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")


def test_without_a_file_it_goes_to_stdout(cli: Cli) -> None:
    assert cli("calendar").out.count("BEGIN:VEVENT") == 2
