"""The report and the page in a real browser, at both widths, in light and dark."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from playwright.sync_api import Browser
from pypdfium2 import PdfDocument

from azlic.render.report.json import REPORT
from azlic.web.access import Doors
from licensing.db.database import reading
from tests.azlic.commands.test_report import busy
from tests.azlic.conftest import Cli
from tests.azlic.web.pages import page_of
from tests.browser import SCHEMES, WIDTHS, Sight, chromium, needs_chromium
from tests.usage.commitments import day
from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.ledger.checkpoints import ledger_head

__all__ = ["busy"]
pytestmark = needs_chromium

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def lively(busy: Mount) -> Mount:
    """A busy site with a license, a missing one, a line kept apart, and a container with a hostile name."""
    busy.site.install()
    busy.append([a_line("h", 7, at=day("2026-03-19"), containerId=HOSTILE), b"bad"])
    busy.ingest()
    return busy


@pytest.fixture
def home(lively: Mount) -> Iterator[str]:
    with page_of(lively.site, lively.site.license, lively.site.folder / "not-there") as url:
        yield url


@pytest.fixture
def report(cli: Cli, lively: Mount) -> str:
    """The report, as a file."""
    with freeze_time(lively.site.now):
        assert cli("report", "2026-03", "--format", "html", "-o", "march.html").status == 0
    return Path("march.html").resolve().as_uri()


def fields_of(lively: Mount) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(REPORT.json(lively.site.report("2026-03")), parse_float=Decimal)
    return fields


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("which", ["home", "report"])
def test_it_fits_and_can_be_read(
    browser: Browser, request: pytest.FixtureRequest, which: str, width: int, scheme: str
) -> None:
    sight = Sight(browser, request.getfixturevalue(which), width=width, scheme=scheme)
    sight.keep(f"{which}-{width}-{scheme}")
    assert sight.fits()
    contrasts = sight.contrasts()
    assert len(contrasts) > 100 and contrasts[0][0] >= 4.5, contrasts[:5]
    assert sight.complaints == []
    sight.close()


def test_the_report_asks_for_nothing_with_the_network_off(browser: Browser, report: str) -> None:
    sight = Sight(browser, report)
    sight.page.context.set_offline(True)
    sight.page.reload(wait_until="networkidle")
    assert set(sight.asked) - {"data:,"} == {report}
    assert sight.complaints == [] and sight.page.locator("svg.wide").first.is_visible()
    sight.close()


def test_the_page_asks_for_nothing_from_elsewhere(browser: Browser, home: str) -> None:
    sight = Sight(browser, home)
    assert sight.asked and all(url.startswith(f"{home}/") for url in sight.asked)
    assert sight.complaints == []
    sight.close()


@pytest.mark.parametrize("which", ["home", "report"])
def test_the_numbers_are_those_of_the_json(
    browser: Browser, lively: Mount, request: pytest.FixtureRequest, which: str
) -> None:
    sight = Sight(browser, request.getfixturevalue(which))
    fields = fields_of(lively)
    plan = fields["plans"][0]
    shown = sight.numbers('[data-plan="read-2026"]')
    for field in ("committed", "used", "remaining", "month", "year_to_date"):
        assert Decimal(shown[field]) == plan[field], field
    for row in [*plan["usages"], *fields["unmapped"]]:
        name = json.dumps(row["container_id"])
        shown = sight.numbers(f"tr[data-container={name}][data-meter={json.dumps(row['meter'])}]")
        assert Decimal(shown["month"]) == row["month"]
    assert sight.page.locator('.chart.wide[role="img"]').count() == 4
    sight.close()


def test_a_hostile_name_is_text(browser: Browser, home: str) -> None:
    sight = Sight(browser, home)
    assert sight.page.get_by_text(HOSTILE, exact=True).count() >= 2
    assert sight.page.locator("img").count() == 0
    sight.close()


@pytest.mark.parametrize("which", ["home", "report"])
def test_the_keyboard_reaches_everything(browser: Browser, request: pytest.FixtureRequest, which: str) -> None:
    sight = Sight(browser, request.getfixturevalue(which), width=390)
    wanted = sight.to_be_reached()
    assert wanted and wanted <= sight.reached_by_tab()
    sight.page.keyboard.press("Shift+Tab")
    outline = sight.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    sight.close()


def test_what_is_new_comes_in_by_itself_and_takes_nobodys_focus(browser: Browser, lively: Mount, home: str) -> None:
    sight = Sight(browser, home)
    sight.page.locator('nav a[href="/metrics"]').focus()
    before = Decimal(sight.numbers('[data-plan="read-2026"]')["used"])
    lively.append([a_line("new", 1000, at=day("2026-03-20"))])
    lively.ingest()
    sight.page.wait_for_timeout(1100)
    sight.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    sight.page.wait_for_function(
        "(used) => document.querySelector('[data-plan] [data-field=used]').value == used", arg=f"{before + 1000}"
    )
    assert sight.page.evaluate("document.activeElement.getAttribute('href')") == "/metrics"
    assert sight.complaints == []
    sight.close()


def test_the_pages_of_months_are_linked(browser: Browser, home: str) -> None:
    sight = Sight(browser, home)
    sight.page.get_by_role("link", name="2026-02", exact=True).press("Enter")
    sight.page.wait_for_url("**/report/2026-02")
    assert sight.page.title() == "Usage report 2026-02"
    assert sight.complaints == []
    sight.close()


def test_the_token_is_given_with_the_keyboard(browser: Browser, lively: Mount) -> None:
    token = "0123456789abcdef" * 2
    with page_of(lively.site, doors=Doors(lively.site.clock, token=token)) as url:
        sight = Sight(browser, url)
        sight.page.get_by_label("Token of this page").fill(token)
        sight.page.keyboard.press("Enter")
        sight.page.wait_for_selector("#s-licenses")
        assert token not in sight.page.url and sight.complaints == []
        sight.close()


def test_the_report_prints_on_a4(browser: Browser, report: str, tmp_path: Path) -> None:
    sight = Sight(browser, report, scheme="dark")
    printed = tmp_path / "march.pdf"
    sight.page.pdf(path=printed, prefer_css_page_size=True, print_background=True)
    with PdfDocument(printed) as document:
        assert 2 <= len(document) <= 6
        for page in document:
            assert [round(length) for length in page.get_size()] == [595, 842]
        ground = document[0].render().to_pil().getpixel((5, 5))
    assert ground == (255, 255, 255)  # on paper it is light, whatever the screen was
    sight.close()


def test_the_head_on_the_page_is_the_ledgers(browser: Browser, lively: Mount, home: str) -> None:
    with reading(lively.ledger) as connection:
        head = ledger_head(connection)
    sight = Sight(browser, home)
    assert sight.page.locator("[data-field=head]").inner_text() == head.digest.hex()
    sight.close()
