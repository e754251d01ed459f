"""Pages to read in tests, and the words that were read."""

from PIL import Image

from engines.read import Limits, Page, PageReading, Recogniser, open_document
from tests import pictures
from tests.corpus import Paper, Score, score


def page_of(image: Image.Image) -> Page:
    return open_document(pictures.encode(image, "PNG"), Limits()).page(1)


def text_of(reading: PageReading) -> str:
    return "\n".join(line.text for line in reading.lines)


def words_of(reading: PageReading) -> list[str]:
    return [word.text for word in reading.words]


def score_of(recogniser: Recogniser, paper: Paper) -> Score:
    page = open_document(paper.body, Limits()).page(1)
    return score(paper.words, words_of(recogniser.read(page, seconds=60)))
