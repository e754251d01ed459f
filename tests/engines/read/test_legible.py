import random

import pytest
from PIL import Image, ImageDraw

from engines.read import Limits, Line, PageReading, Recogniser, Word, open_document
from engines.read.legible import legible
from tests import corpus
from tests.engines.read.readings import page_of, words_of

SURE = Line((Word("Harbour", (100, 100, 200, 120), 0.96), Word("Office", (210, 100, 290, 120), 0.95)))


def line(text: str, box: tuple[int, int, int, int], confidence: float, angle: float = 0.0) -> Line:
    return Line((Word(text, box, confidence),), angle)


@pytest.mark.parametrize(
    "drawn",
    [
        line("|", (50, 90, 53, 400), 0.9),
        line("—", (100, 300, 230, 302), 0.95),
        line("/\\", (100, 300, 210, 410), 0.91),
        line("[]", (100, 300, 130, 330), 0.65),
        line("oN", (100, 300, 315, 407), 0.51),
        line("OoOoOd", (50, 200, 80, 363), 0.54, angle=90),
        line("22)41", (100, 300, 160, 320), 0.05),
    ],
    ids=lambda drawn: drawn.text,
)
def test_what_was_drawn_is_no_text(drawn: Line) -> None:
    assert legible(PageReading((SURE, drawn), 0.0)) == PageReading((SURE,), 0.0)


@pytest.mark.parametrize(
    "written",
    [
        line("-", (100, 300, 108, 303), 0.9),
        line("GROSS", (100, 300, 600, 420), 0.9),
        line("faint", (100, 300, 150, 320), 0.3),
        line("metres", (50, 200, 70, 300), 0.9, angle=-90),
    ],
    ids=lambda written: written.text,
)
def test_what_was_written_stays(written: Line) -> None:
    reading = PageReading((SURE, written), 0.0)
    assert legible(reading) == reading


def test_a_page_that_could_only_be_guessed_is_empty() -> None:
    assert legible(PageReading((line("Ayl6iay", (0, 0, 90, 20), 0.3),), 180.0)) == PageReading((), 0.0)


def _noise(size: tuple[int, int], grain: int) -> Image.Image:
    width, height = size[0] // grain, size[1] // grain
    return Image.frombytes("L", (width, height), random.Random(grain).randbytes(width * height)).resize(size)


def _lines(step: int, slant: int) -> Image.Image:
    page = Image.new("L", (500, 400), "white")
    for start in range(-400, 500, step):
        ImageDraw.Draw(page).line([(start, 0), (start + slant, 400)], fill="black", width=3)
    return page


def _boxes() -> Image.Image:
    page = Image.new("L", (600, 300), "white")
    for column in range(5):
        ImageDraw.Draw(page).rectangle((40 + 100 * column, 60, 70 + 100 * column, 90), outline="black", width=3)
    return page


@pytest.mark.parametrize(
    "page",
    [_noise((400, 300), 1), _noise((400, 300), 9), _lines(14, 400), _lines(60, 0), _boxes()],
    ids=["noise", "clouds", "hatching", "rules", "boxes"],
)
def test_where_nothing_is_written_nothing_is_read(recogniser: Recogniser, page: Image.Image) -> None:
    assert recogniser.read(page_of(page), seconds=60).lines == ()


def test_the_angle_comes_from_the_text_alone(recogniser: Recogniser) -> None:
    for number in (0, 1, 5):
        (paper,) = corpus.papers("charts", [number])
        reading = recogniser.read(open_document(paper.body, Limits()).page(1), seconds=60)
        assert abs(reading.angle) < 0.5
        assert corpus.score(paper.words, words_of(reading)).precision > 0.95


def test_a_line_along_an_axis_has_a_direction_of_its_own(recogniser: Recogniser) -> None:
    sheet = corpus.Sheet((400, 300))
    for row in range(4):
        sheet.write(90, 60 + 30 * row, "the harbour in the summer", 14)
    sheet.write_upwards(40, 230, "tons of cargo", 14)
    reading = recogniser.read(page_of(sheet.scan(200)), seconds=60)
    assert reading.angle == pytest.approx(0, abs=0.5)
    (upwards,) = [line for line in reading.lines if line.text == "tons of cargo"]
    assert upwards.angle == pytest.approx(-90, abs=1)
