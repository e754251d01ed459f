import random

import pytest
from PIL import Image, ImageChops

from engines.read import Limits, Recogniser, open_document
from engines.read.rules import without_broken_rules
from tests import corpus
from tests.engines.read.readings import page_of, words_of

BROKEN = [style for style in corpus.STYLES if style != "solid"]


def scan_of(style: str, *, upright: bool, dpi: int) -> tuple[corpus.Sheet, Image.Image]:
    sheet = corpus.list_with_rules(random.Random(f"{style} {dpi}"), style, upright=upright)
    return sheet, sheet.scan(dpi)


def ink(image: Image.Image) -> int:
    return sum(image.histogram()[:200])


def check(style: str, *, upright: bool, dpi: int) -> None:
    sheet, scan = scan_of(style, upright=upright, dpi=dpi)
    sheet.without_rules()
    text = sheet.scan(dpi)
    cleared = without_broken_rules(scan)
    assert ink(cleared) - ink(text) < 0.15 * (ink(scan) - ink(text)) + 200
    lost = ImageChops.subtract(cleared, text)
    assert sum(lost.histogram()[128:]) < 0.002 * ink(text)


@pytest.mark.parametrize("style", ["dashed", "round dots", "dashes and dots", "grey dashes"])
def test_broken_rules_are_taken_out_and_the_text_stays(style: str) -> None:
    check(style, upright=True, dpi=150)


@pytest.mark.long
@pytest.mark.parametrize("dpi", [150, 200, 300])
@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("style", [style for style in BROKEN if style != "wide gaps"])
def test_broken_rules_are_taken_out_at_any_resolution(style: str, upright: bool, dpi: int) -> None:
    check(style, upright=upright, dpi=dpi)


def test_broken_rules_of_a_scan_that_is_a_little_crooked_are_taken_out() -> None:
    sheet, scan = scan_of("dashed", upright=False, dpi=150)
    sheet.without_rules()
    rules = ink(scan) - ink(sheet.scan(150))
    crooked = scan.rotate(0.4, Image.Resampling.BICUBIC, fillcolor=255)
    assert ink(crooked) - ink(without_broken_rules(crooked)) > 0.7 * rules


@pytest.mark.parametrize(
    "line",
    [
        "Total ........................................ 12.00",
        "Name: ........................................",
        "........................................ signature",
        "- - -",
        "3 - 4 - 5 - 6 - 7 - 8 - 9 - 10 - 11 - 12 - 13 - 14",
        "* * * * * * * * * * * * * * * * * * * *",
        "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
        "1111111111111111111111111111111",
    ],
)
@pytest.mark.parametrize(("dpi", "font"), [(75, corpus.TYPEWRITER), (200, corpus.REGULAR)])
def test_what_was_typed_stays(line: str, dpi: int, font: str) -> None:
    sheet = corpus.Sheet((420, 300))
    for row in range(11):
        sheet.write(40, 40 + 20 * row, line, 10, font)
    scan = sheet.scan(dpi)
    assert without_broken_rules(scan) is scan


@pytest.mark.parametrize("kind", ["receipts", "till rolls", "tables", "labels"])
def test_a_page_without_broken_rules_stays_as_it_is(kind: str) -> None:
    for paper in corpus.papers(kind, [1]):
        page = open_document(paper.body, Limits()).page(1)
        scan = Image.frombytes("L", (page.width, page.height), page.pixels)
        assert without_broken_rules(scan) is scan


def test_rows_between_broken_rules_are_read(recogniser: Recogniser) -> None:
    sheet, scan = scan_of("dashed", upright=True, dpi=150)
    read = corpus.score(sheet.words, words_of(recogniser.read(page_of(scan), seconds=60)))
    assert read.recall > 0.95
    assert read.precision > 0.95
