"""The report and the page in a real browser, at both widths, in light and dark."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from pypdfium2 import PdfDocument

from azlic.render.report.json import REPORT
from azlic.render.report.span import sections
from azlic.web.access import Doors
from azlic.web.pages.charts import BurnDownChart
from azlic.web.pages.report import report_html, report_view, span_html
from azlic.web.pages.scale import FRAMES, Frame
from licensing.core.instants import milliseconds
from licensing.db.database import reading
from licensing.delivery.usage_report import MeterReport, ReportedMeter
from licensing.signing.document import LicensedResource, Quota
from tests.azlic.commands.test_report import busy, used_for_a_year
from tests.azlic.conftest import environment
from tests.azlic.killing import run
from tests.azlic.web.pages import page_of
from tests.browser import SCHEMES, WIDTHS, Sight, chromium, needs_chromium
from tests.frozen import clock_at
from tests.site import METER, START, Site, a_license, a_plan
from tests.usage.commitments import day
from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.ledger.checkpoints import ledger_head
from usage.reporting.burndown import burn_downs
from usage.reporting.span import Span, span_report

__all__ = ["busy"]
pytestmark = needs_chromium

HOSTILE = "<img src=x onerror=alert(1)>"
Crowd = tuple[Site, tuple[Path, ...], dict[str, str]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mount]:
    """A busy site with a license, a missing one, a line kept apart, and a container with a hostile name."""
    site = Site(tmp_path_factory.mktemp("lively"))
    busy = used_for_a_year(site)
    site.install()
    busy.append([a_line("h", 7, at=day("2026-03-19"), containerId=HOSTILE), b"bad"])
    busy.ingest()
    yield busy
    site.close()


@pytest.fixture(scope="module")
def home(lively: Mount) -> Iterator[str]:
    with page_of(lively.site, lively.site.license, lively.site.folder / "not-there") as url:
        yield url


@pytest.fixture(scope="module")
def report(lively: Mount) -> str:
    """The report, as a file."""
    with pytest.MonkeyPatch.context() as patch, clock_at(lively.site.now):
        environment(lively.site, patch)
        assert run("report", "2026-03", "--format", "html", "-o", "march.html").status == 0
    return (lively.site.folder / "march.html").as_uri()


Looking = Callable[..., Sight]


@pytest.fixture(scope="module")
def looking(browser: Browser, home: str, report: str) -> Iterator[Looking]:
    """Looks at the home page or the report: once, for all who change nothing of what they see."""

    @cache
    def look(which: str, width: int = 1440, scheme: str = "light") -> Sight:
        return Sight(browser, {"home": home, "report": report}[which], width=width, scheme=scheme)

    yield look


def fields_of(lively: Mount) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(REPORT.json(lively.site.report("2026-03")), parse_float=Decimal)
    return fields


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("which", ["home", "report"])
def test_it_fits_and_can_be_read(looking: Looking, which: str, width: int, scheme: str) -> None:
    sight = looking(which, width, scheme)
    sight.keep(f"{which}-{width}-{scheme}")
    assert sight.fits()
    contrasts = sight.contrasts()
    assert len(contrasts) > 100 and contrasts[0][0] >= 4.5, contrasts[:5]
    assert sight.complaints == []


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    """A site with names as long as names get, quantities as large, and alerts; its mounts, and its reports as files."""
    site = Site(tmp_path_factory.mktemp("crowded"))
    mount, at, long = Mount(site), day("2025-04-01"), "f" * 64
    site.enter_plan(a_plan(quota=Quota(quantity=2_000_000_000, unit="Transaction")))
    lines = []
    while at < day("2026-03-20"):
        lines.append(a_line(f"a{at}", 9_876_543.876543, at=at, containerId=long))
        lines.append(a_line(f"b{at}", 0.000001, at=at, meter={"name": f"Some.{long}.Meter", "quantity": 0.000001}))
        lines.append(a_line(f"c{at}", 3, at=at, containerId=f"reading:{HOSTILE}", containerType="text-translation"))
        at += timedelta(days=1)
    mount.write([*lines, b"bad"])
    mount.ingest()
    use_connected(site, f"web-{long[:40]}", long)
    site.now = day("2026-03-20T10:00")
    other = site.folder / f"plant of {long}" / "license"
    other.parent.mkdir()
    resource = LicensedResource(name="r" * 60, endpoint="https://issuer.example/r")
    site.install(a_license(resource=resource, expires_at=day("2026-03-22")), other)
    (site.license / "license.dat").write_bytes(b"{")
    files = {}
    with reading(site.ledger) as connection:
        report = site.report("2026-03")
        courses, head = burn_downs(connection, report), ledger_head(connection)
        whole = report_html(report_view(report, courses, head, site=long, note=f"{long}\n{'A' * 200}"))
        span = span_html(sections(span_report(connection, Span.of_year("2026"), as_of=site.now)))
    for name, content in (("report", whole), ("span", span)):
        path = site.folder / f"{name}.html"
        path.write_text(content)
        files[name] = path.as_uri()
    return site, (site.license, other, site.folder / long), files


def use_connected(site: Site, resource: str, container_id: str) -> None:
    """Have a connected container of a resource report what it used."""
    site.add_resource(resource, sku="S0")
    report = MeterReport(
        container_type="read",
        container_version="3.2.0",
        container_id=container_id,
        id="c",
        meter=ReportedMeter(name=METER, quantity=Decimal(7)),
        request_time=milliseconds(START),
        api_type="vision.read",
    )
    assert site.billing().report(report, resource=resource, api_key=site.api_keys[resource][0], now=site.now).booked


@pytest.fixture(scope="module")
def crowds(browser: Browser, crowded: Crowd) -> Iterator[dict[str, Sight]]:
    """All pages of the crowded site, each opened once."""
    site, mounts, files = crowded
    with page_of(site, *mounts) as url:
        pages = files | {"home": url, "month": f"{url}/report/2026-02"}
        yield {name: Sight(browser, address) for name, address in pages.items()}


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_is_cut_at_any_width(crowds: dict[str, Sight], width: int) -> None:
    for name, sight in crowds.items():
        sight.page.set_viewport_size({"width": width, "height": 900})
        sight.keep(f"crowded-{name}-{width}")
        assert sight.page.locator("table").count() and sight.unreadable() == [], name


def test_the_report_asks_for_nothing_with_the_network_off(browser: Browser, report: str) -> None:
    sight = Sight(browser, report)
    sight.page.context.set_offline(True)
    sight.page.reload(wait_until="networkidle")
    assert set(sight.asked) - {"data:,"} == {report}
    assert sight.complaints == [] and sight.page.locator("svg.wide").first.is_visible()
    sight.close()


def test_the_page_asks_for_nothing_from_elsewhere(looking: Looking, home: str) -> None:
    sight = looking("home")
    assert sight.asked and all(url.startswith(f"{home}/") for url in sight.asked)
    assert sight.complaints == []


@pytest.mark.parametrize("which", ["home", "report"])
def test_the_numbers_are_those_of_the_json(looking: Looking, lively: Mount, which: str) -> None:
    sight = looking(which)
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


def test_a_hostile_name_is_text(looking: Looking) -> None:
    sight = looking("home")
    assert sight.page.get_by_text(HOSTILE, exact=True).count() >= 2
    assert sight.page.locator("img").count() == 0


@pytest.mark.parametrize("which", ["home", "report"])
def test_the_keyboard_reaches_everything(browser: Browser, request: pytest.FixtureRequest, which: str) -> None:
    sight = Sight(browser, request.getfixturevalue(which), width=390)
    wanted = sight.to_be_reached()
    assert wanted and wanted <= sight.reached_by_tab()
    sight.page.keyboard.press("Shift+Tab")
    outline = sight.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    sight.close()


def test_what_is_new_comes_in_by_itself_and_takes_nobodys_focus(browser: Browser, busy: Mount) -> None:
    with page_of(busy.site) as url:
        check_what_is_new(Sight(browser, url), busy)


def check_what_is_new(sight: Sight, busy: Mount) -> None:
    sight.page.locator('nav a[href="/metrics"]').focus()
    before = Decimal(sight.numbers('[data-plan="read-2026"]')["used"])
    busy.append([a_line("new", 1000, at=day("2026-03-20"))])
    busy.ingest()
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


def test_the_head_on_the_page_is_the_ledgers(looking: Looking, lively: Mount) -> None:
    with reading(lively.ledger) as connection:
        head = ledger_head(connection)
    assert looking("home").page.locator("[data-field=head]").inner_text() == head.text


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_what_is_left_is_written_within_its_chart(frame: Frame) -> None:
    for x in range(frame.left, frame.edge + 1):
        for y in (frame.top, frame.floor):
            chart = BurnDownChart(frame, [], [], 0, ((0, 0), (0, 0)), [], [], [], now=(x, y))
            at, above, anchor = chart.label
            words = (at, at + 90) if anchor == "start" else (at - 90, at)
            assert words[0] >= 0 and words[1] <= frame.width and 12 <= above <= frame.height
