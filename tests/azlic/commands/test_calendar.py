"""`azlic calendar`: renewals for people's calendars."""

from pathlib import Path

import pytest

from tests.azlic.conftest import Cli
from tests.site import Site


@pytest.fixture(autouse=True)
def license_folder(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    site.install()
    assert site.ledger


def test_a_file_is_written(cli: Cli, site: Site) -> None:
    answer = cli("calendar", "-o", "renewals.ics")
    assert (answer.status, answer.out) == (0, "renewals.ics: 2 entries\n")
    assert Path("renewals.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")


def test_without_a_file_it_goes_to_stdout(cli: Cli) -> None:
    assert cli("calendar").out.count("BEGIN:VEVENT") == 2


def test_without_its_ledger_nothing_of_a_plan_is_cancelled_and_the_status_says_so(cli: Cli, site: Site) -> None:
    terms = "--type Read --tier T1 --quota 1000 --unit Transaction --count 1 --start 2026-01-01 --end 2027-01-01"
    assert cli("plan", "add", "read", *terms.split(), "--period", "year", "--meter", "Pages").status == 0
    assert cli("calendar", "-o", "renewals.ics").status == 0
    before = Path("renewals.ics").read_bytes()
    assert b"Buy what follows plan read" in before
    (site.folder / "azlic.db").rename("elsewhere.db")
    answer = cli("calendar", "-o", "renewals.ics")
    told = Path("renewals.ics").read_bytes()
    assert answer.status == 3 and len(told) == len(before)
    assert b"CANCELLED" not in told and told.count(b"BEGIN:VEVENT") == before.count(b"BEGIN:VEVENT")
    assert "nothing is known of plans, what renewals.ics had of them stays as it was" in answer.err
    assert cli("calendar").status == 3
