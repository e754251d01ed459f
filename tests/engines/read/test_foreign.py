import pytest

from engines.read import Code, DocumentRefused, Limits, Line, PageReading, Recogniser, Word
from engines.read.foreign import named, seems_foreign
from tests import pictures, scripts
from tests.engines.read.conftest import Container, talking_to
from tests.engines.read.readings import page_of


def refusal(recogniser: Recogniser, script: str, *, lines: int = 4) -> DocumentRefused:
    if not scripts.font_of(script).exists():
        pytest.skip("needs fonts-dejavu-core, fonts-noto-core, fonts-wqy-zenhei, fonts-unfonts-core")
    with pytest.raises(DocumentRefused) as refused:
        recogniser.read(page_of(scripts.page_in(script, lines=lines)), seconds=60)
    return refused.value


@pytest.mark.parametrize("script", ["Armenian", "Georgian"])
def test_a_script_that_no_model_reads_is_refused(recogniser: Recogniser, script: str) -> None:
    refused = refusal(recogniser, script, lines=2)
    assert refused.code is Code.NOT_SUPPORTED_LANGUAGE
    assert refused.message.endswith("and cannot be read with en")


def test_cyrillic_is_not_taken_for_greek(several: Recogniser) -> None:
    assert refusal(several, "Cyrillic", lines=3).message.startswith("page 1 seems to be in Cyrillic script")


def test_what_was_not_read_is_not_charged(several: Recogniser) -> None:
    container = Container(several, Limits())
    body = pictures.encode(scripts.page_in("Armenian", lines=2), "PNG")
    with talking_to(container.app) as client:
        answer = client.post("/vision/v3.2/read/syncAnalyze", params={"language": "de"}, content=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "NotSupportedLanguage"
    assert container.recorded == []


@pytest.mark.long
@pytest.mark.parametrize("script", scripts.SCRIPTS)
@pytest.mark.parametrize("open_to", ["recogniser", "several"])
def test_every_script_that_can_be_drawn_is_refused(request: pytest.FixtureRequest, open_to: str, script: str) -> None:
    assert refusal(request.getfixturevalue(open_to), script).code is Code.NOT_SUPPORTED_LANGUAGE


def line(text: str, height: int, confidence: float, *, known: bool = False) -> Line:
    return Line((Word(text, (0, 0, 20 * len(text), height), confidence, known),))


GUESSED = PageReading((line("HUGULU", 20, 0.4), line("unywh0", 22, 0.3), line("dtupnek", 19, 0.5)), 0.0)


def test_even_lines_without_a_word_of_a_language_are_foreign() -> None:
    assert seems_foreign(GUESSED, "Latin", 0.5, ["eng"])
    assert named("Latin", 0.5, ["eng"]) == "another script or language"
    assert named("Thai", 3.0, ["eng"]) == "Thai script"


@pytest.mark.parametrize(
    "reading",
    [
        PageReading((line("HUGULU", 20, 0.4), line("unywh0", 90, 0.3), line("dtupn", 200, 0.5)), 0.0),
        PageReading((line("harbour", 20, 0.4, known=True), line("unywh0", 22, 0.3)), 0.0),
        PageReading((line("Zwrotnica", 20, 0.8), line("kolejowa", 22, 0.8)), 0.0),
        PageReading((line("OoO", 20, 0.3),), 0.0),
        PageReading((), 0.0),
    ],
    ids=["of all sizes", "a poor scan", "another language", "few letters", "nothing"],
)
def test_other_pages_are_not_foreign(reading: PageReading) -> None:
    assert not seems_foreign(reading, "Latin", 0.5, ["eng"])


def test_capitals_that_are_taken_for_cyrillic_are_read_where_they_are_words() -> None:
    reading = PageReading((line("HARBOUR", 20, 0.6, known=True), line("OFFICE", 20, 0.6, known=True)), 0.0)
    assert not seems_foreign(reading, "Cyrillic", 3.1, ["eng"])
    assert seems_foreign(GUESSED, "Cyrillic", 3.1, ["eng"])
