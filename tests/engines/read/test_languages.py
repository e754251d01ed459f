import random
import shutil
from pathlib import Path

import pytest
from PIL import Image

from engines.read import Code, DocumentRefused, Limits, Recogniser, warm_up
from engines.read.languages import choose_models, lacks_script, languages_of, models_in
from engines.read.received import ReadOptions
from licensing.core.errors import BadCall
from tests import corpus, pictures
from tests.engines.read.conftest import Container, talking_to
from tests.engines.read.readings import page_of, words_of

TEXTS = {
    "de": (
        "Sehr geehrte Frau Müller,",
        "wir bestätigen den Empfang Ihres Schreibens und prüfen",
        "die Größe der Ladung für das Schiff am nächsten Dienstag.",
        "Bitte überweisen Sie die Gebühr von fünfzig Euro.",
        "Mit freundlichen Grüßen, Jürgen Weiß, Straße 12, Köln",
    ),
    "fr": (
        "Madame, Monsieur,",
        "nous avons bien reçu votre lettre du deux février",
        "et préparons les quais pour l'arrivée du navire.",
        "Le règlement sera envoyé à la gare près de l'hôtel.",
        "Veuillez agréer nos salutations, François Lefèvre",
    ),
    "el": (
        "ΠΛΟΙΟ ΑΠΟ ΤΗΝ ΑΘΗΝΑ",
        "ΤΟ ΛΙΜΑΝΙ ΤΗΣ ΘΕΣΣΑΛΟΝΙΚΗΣ",
        "ΦΟΡΤΙΟ ΚΑΙ ΕΓΓΡΑΦΑ ΓΙΑ ΤΟΝ ΠΕΛΑΤΗ",
        "ΠΑΡΑΛΑΒΗ ΤΗΝ ΠΑΡΑΣΚΕΥΗ ΤΟ ΠΡΩΙ",
    ),
}


def sheet(language: str) -> corpus.Sheet:
    page = corpus.Sheet((500, 220))
    for row, line in enumerate(TEXTS[language]):
        page.write(30, 40 + 24 * row, line, 14, corpus.GREEK if language == "el" else corpus.REGULAR)
    return page


@pytest.mark.parametrize("language", TEXTS)
def test_a_page_is_read_in_its_language(several: Recogniser, language: str) -> None:
    page = sheet(language)
    reading = several.read(page_of(page.scan(200)), seconds=60, model=ReadOptions(language=language).model)
    assert corpus.score(page.words, words_of(reading)).recall > 0.9


@pytest.mark.parametrize("language", TEXTS)
def test_where_no_language_is_named_all_are_read(several: Recogniser, language: str) -> None:
    page = sheet(language)
    reading = several.read(page_of(page.scan(200)), seconds=60)
    assert corpus.score(page.words, words_of(reading)).recall > 0.8


def test_a_client_chooses_among_the_languages_that_are_open(several: Recogniser) -> None:
    container = Container(several, Limits())
    body = pictures.encode(sheet("de").scan(150), "PNG")
    with talking_to(container.app) as client:
        path = "/vision/v3.2/read/syncAnalyze"
        assert "Müller" in client.post(path, params={"language": "de"}, content=body).text
        assert "Müller" not in client.post(path, params={"language": "en"}, content=body).text
        refused = client.post(path, params={"language": "ja"}, content=body)
    assert refused.status_code == 400
    assert "this container reads en, de, el, fr" in refused.text
    assert len(container.recorded) == 2


def test_after_warming_up_no_file_is_needed_in_any_language(tessdata: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    for name in ("eng", "deu", "osd"):
        shutil.copy(tessdata / f"{name}.traineddata", models)
    recogniser = Recogniser(threads=1, tessdata=models)
    warm_up(recogniser)
    shutil.rmtree(models)
    upside_down = page_of(sheet("de").scan(200).transpose(Image.Transpose.ROTATE_180))
    for model in (None, "deu"):
        assert "bestätigen" in words_of(recogniser.read(upside_down, seconds=60, model=model))
    recogniser.close()


def test_a_script_that_no_model_reads_is_said(recogniser: Recogniser) -> None:
    with pytest.raises(DocumentRefused) as refused:
        recogniser.read(page_of(sheet("el").scan(200)), seconds=60)
    assert refused.value.code is Code.NOT_SUPPORTED_LANGUAGE
    assert refused.value.message.endswith("script, and cannot be read with en")


@pytest.mark.parametrize("model", ["eng", "deu"])
def test_a_script_that_the_chosen_model_does_not_read_is_said(several: Recogniser, model: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        several.read(page_of(sheet("el").scan(200)), seconds=60, model=model)
    assert refused.value.code is Code.NOT_SUPPORTED_LANGUAGE


@pytest.mark.parametrize("kind", ["forms", "letters"])
def test_print_that_is_hard_to_read_is_not_taken_for_another_script(recogniser: Recogniser, kind: str) -> None:
    coarse = corpus.KINDS[kind][0](random.Random(kind)).scan(70)
    assert recogniser.read(page_of(coarse), seconds=60).lines


@pytest.mark.parametrize(
    ("wanted", "models"),
    [("", ["eng", "deu", "chi_sim"]), ("de", ["deu"]), ("zh-Hans,EN", ["chi_sim", "eng"]), ("deu+eng", ["deu", "eng"])],
)
def test_the_languages_to_open_are_named_as_clients_or_as_tesseract_name_them(wanted: str, models: list[str]) -> None:
    assert choose_models(wanted, ["eng", "deu", "chi_sim"]) == models
    assert choose_models("", []) == ["eng"]


@pytest.mark.parametrize(
    ("script", "models", "lacks"),
    [
        ("Latin", ["eng"], False),
        ("Cyrillic", ["eng"], True),
        ("Cyrillic", ["eng", "rus"], False),
        ("Cyrillic", ["eng", "ell"], True),
        ("Japanese", ["eng", "rus"], True),
        ("Han", ["jpn"], False),
        ("Fraktur", ["eng"], False),
    ],
)
def test_which_models_read_a_script(script: str, models: list[str], lacks: bool) -> None:
    assert lacks_script(script, models) is lacks


def test_a_language_without_a_model_keeps_the_container_from_starting() -> None:
    with pytest.raises(BadCall) as refused:
        choose_models("en,ja", ["eng", "deu"])
    assert refused.value.message == "Languages: no model is installed for ja"
    assert refused.value.hint == "installed are en, de; the .traineddata files of others are put beside them"


def test_the_models_of_a_folder_are_told_by_their_files() -> None:
    files = ["osd.traineddata", "deu.traineddata", "eng.traineddata", "pdf.ttf", "chi_tra.traineddata"]
    assert models_in(files) == ["eng", "chi_tra", "deu"]
    assert languages_of(models_in(files)) == ["en", "zh-hant", "de"]
