"""`azlic report --format html`: one file that asks for nothing, loses nothing, and takes no name for markup."""

import html
import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import ImageFile
from sqlalchemy import insert

from azlic.render.report.json import REPORT
from azlic.web.pages.report import report_html, report_view
from azlic.web.pages.scale import FRAMES, quantities, short
from azlic.web.pdf import report_pdf
from licensing.db.database import reading, writing
from licensing.signing.site_keys import create_site_keys
from tests.azlic.commands.test_report import busy
from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.serving import answering
from tests.site import Site
from tests.usage.commitments import day
from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.ledger.checkpoints import ledger_head
from usage.ledger.tables.handover import OriginRow
from usage.months import Month
from usage.quantity import MICRO
from usage.reporting.burndown import burn_downs
from usage.reporting.report import monthly_report

__all__ = ["busy"]

HOSTILE = "<script>alert(1)</script>\"'&"


class Page(HTMLParser):
    """The tags of a page with their attributes, and the numbers that it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.numbers: dict[str, list[Decimal]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fields = dict(attrs)
        self.tags.append((tag, fields))
        if tag == "data" and fields.get("data-field"):
            self.numbers.setdefault(str(fields["data-field"]), []).append(Decimal(str(fields["value"])))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [fields for name, fields in self.tags if name == tag]


def page_of(site: Site, month: str = "2026-03") -> str:
    with reading(site.ledger) as connection:
        report = monthly_report(connection, Month.parse(month), as_of=site.now)
        return report_html(report_view(report, burn_downs(connection, report), ledger_head(connection)))


def test_the_page_is_written_whole_to_a_file(cli: Cli, busy: Mount) -> None:
    with clock_at(busy.site.now):
        answer = cli("report", "2026-03", "--format", "html", "-o", "march.html")
    assert (answer.status, answer.out) == (0, "") and "report: march.html" in answer.err
    assert Path("march.html").read_text().startswith("<!doctype html>")
    assert [path.name for path in Path().glob(".march*")] == []


def test_every_form_can_be_written_to_a_file(cli: Cli, busy: Mount) -> None:
    assert cli("report", "2026-03", "--json", "-o", "march.json").out == ""
    assert json.loads(Path("march.json").read_text())["schema"] == "azlic.report/v1"


def test_a_folder_that_is_not_there_is_told(cli: Cli, busy: Mount) -> None:
    assert cli("report", "2026-03", "--format", "html", "-o", "nowhere/march.html").status == 3


def test_the_numbers_are_those_of_the_json(busy: Mount) -> None:
    plan = json.loads(REPORT.json(busy.site.report("2026-03")), parse_float=Decimal)["plans"][0]
    shown = Page(page_of(busy.site)).numbers
    for field in ("committed", "used", "remaining", "year_to_date"):
        assert shown[field][0] == plan[field]
    assert shown["month"][0] == plan["month"]
    assert sorted(shown["period"]) == sorted(usage["period"] for usage in plan["usages"])


def test_the_page_asks_for_nothing_and_runs_nothing(busy: Mount) -> None:
    text = page_of(busy.site)
    page = Page(text)
    assert {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "form", "base"} == set()
    assert [fields["href"] for fields in page.named("link")] == ["data:,"]
    assert re.findall(r"(?:src|url)\s*[=(]", text) == []
    assert not any(name.startswith("on") or name == "style" for _, fields in page.tags for name in fields)
    (policy,) = [fields["content"] for fields in page.named("meta") if "http-equiv" in fields]
    assert policy is not None and policy.startswith("default-src 'none'") and "unsafe" not in policy


def test_names_are_never_taken_for_markup(site: Site) -> None:
    mount = Mount(site)
    mount.write([a_line("a", containerId=HOSTILE, containerType=HOSTILE, meter={"name": HOSTILE, "quantity": 1})])
    mount.ingest()
    text = page_of(site)
    assert "<script" not in text and text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
    assert not any("onerror" in fields for _, fields in Page(text).tags)


def test_characters_that_hide_or_turn_text_are_shown_by_their_code(site: Site) -> None:
    mount = Mount(site)
    mount.write([a_line("a")])
    mount.ingest()
    with reading(site.ledger) as connection:
        report = monthly_report(connection, Month(2026, 3), as_of=site.now)
        view = report_view(report, burn_downs(connection, report), ledger_head(connection), site="plant\u202e7\udcff")
    assert "site plant\\u202e7\\udcff" in report_html(view)


def test_each_chart_has_a_name_a_description_and_a_table(busy: Mount) -> None:
    page = Page(page_of(busy.site))
    charts = [fields for fields in page.named("svg") if fields.get("role") == "img"]
    ids = {fields.get("id") for _, fields in page.tags}
    assert len(charts) == 2 * 4  # a burn-down, the plan's months, two meters on no plan, for a wide and a narrow page
    assert all(set(str(fields["aria-labelledby"]).split()) <= ids for fields in charts)
    assert len(page.named("caption")) == 4
    named = [fields["id"] for _, fields in page.tags if "id" in fields]
    assert len(named) == len(set(named))


def test_the_burn_down_ends_at_what_the_report_says_is_left(busy: Mount) -> None:
    with reading(busy.site.ledger) as connection:
        report = monthly_report(connection, Month(2026, 3), as_of=busy.site.now)
        (levels,) = burn_downs(connection, report)
    usage = report.plans[0]
    assert (levels[0].at, levels[0].remaining) == (usage.period_starts_at, usage.committed)
    assert (levels[-1].at, levels[-1].remaining) == (usage.counted_until, usage.remaining)
    assert [level.used for level in levels] == sorted(level.used for level in levels)
    assert len(levels) == (busy.site.now - usage.period_starts_at).days + 2


def test_the_foot_holds_the_head_and_says_why_it_is_not_signed(cli: Cli, busy: Mount) -> None:
    told = cli("report", "2026-03", "--format", "html").out
    with reading(busy.ledger) as connection:
        head = ledger_head(connection)
    assert head.batches == 2 and html.escape(head.text) in told.replace("&#43;", "+")
    assert "Not signed: this site has no key" in told


def test_the_foot_holds_the_checkpoint_signed_by_the_site(
    cli: Cli, busy: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    import base64

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = create_site_keys(busy.site.folder / "keys")
    monkeypatch.setenv("AZLIC_SITE_KEYS", str(busy.site.folder / "keys"))
    assert "Not signed: this ledger has no name yet" in cli("report", "2026-03", "--format", "html").out
    with writing(busy.ledger) as connection:
        connection.execute(insert(OriginRow).values(name="plant-7", made_at=busy.site.now))
    told = cli("report", "2026-03", "--format", "html").out
    found = re.search(r'data-field="checkpoint">(plant-7\n3\n\S+\n)\n— plant-7 (\S+)\n', told)
    assert found is not None
    signature = base64.b64decode(found[2])[4:]
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.to_dict()["keyval"]["public"]))
    public.verify(signature, found[1].encode())


def test_a_page_without_plans_or_use_is_a_page(site: Site) -> None:
    text = page_of(site)
    assert "No plan covers this month" in text and "0 batches" in text


def test_a_commitment_that_is_used_up_on_its_first_day_is_drawn(site: Site) -> None:
    mount = Mount(site)
    site.enter_plan()
    mount.write([a_line(f"a{number}", 400_000 * number, at=day("2026-01-01")) for number in range(3)])
    mount.ingest()
    site.now = day("2026-03-20")
    text = page_of(site)
    assert "nan" not in text and "used up" in text


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (0, 1), (-5 * 10**17, 10**18), (0, 7 * MICRO), (0, 999_999_999_999 * MICRO)]
)
def test_an_axis_holds_what_it_is_for(low: int, high: int) -> None:
    for frame in FRAMES:
        place, ticks = quantities(frame, low, high)
        assert frame.top <= place(high) <= place(low) <= frame.floor
        assert 2 <= len(ticks) <= 9 and len({tick.label for tick in ticks}) == len(ticks)


def test_large_quantities_are_short_on_an_axis() -> None:
    assert [short(number * MICRO) for number in (0, 0.25, 999, 1500, -2_500_000, 3 * 10**12)] == [
        "0",
        "0.25",
        "999",
        "1.5k",
        "\u22122.5M",
        "3T",
    ]


def test_the_pdf_is_one_and_needs_a_file(cli: Cli, busy: Mount) -> None:
    assert cli("report", "2026-03", "--format", "pdf").status == 2
    assert cli("report", "2026-03", "--format", "pdf", "-o", "march.pdf").status == 0
    assert Path("march.pdf").read_bytes().startswith(b"%PDF-")


def test_the_pdf_fetches_nothing() -> None:
    asked: list[bytes] = []
    with (
        answering(lambda _connection: None, seen=asked) as url,
        pytest.raises(BaseException, match=f"{url}/x.png") as refused,
    ):
        report_pdf(f'<img src="{url}/x.png">')
    assert type(refused.value).__name__ == "FatalURLFetchingError"
    assert asked == []


def test_making_a_pdf_leaves_pillow_as_strict_as_it_was() -> None:
    report_pdf("<p>x</p>")
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
