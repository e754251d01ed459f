import os
import random
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from PIL import Image

from engines.read import (
    Code,
    DocumentRefused,
    Limits,
    PageReading,
    Recogniser,
    open_document,
    warm_up,
)
from engines.read.recognise import TESSDATA
from licensing.core.errors import AzlicError
from tests import corpus, pictures
from tests.engines.read.readings import page_of, score_of, text_of, words_of


def edits(wanted: str, got: str) -> int:
    """How many characters have to be changed to turn one text into the other."""
    row = list(range(len(got) + 1))
    for i, a in enumerate(wanted, 1):
        corner, row[0] = row[0], i
        for j, b in enumerate(got, 1):
            corner, row[j] = row[j], min(corner + (a != b), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def test_a_letter_is_read_with_at_most_one_error_in_a_hundred(recogniser: Recogniser) -> None:
    image, text = pictures.letter()
    wanted = "\n".join(line for line in text.splitlines() if line)
    reading = recogniser.read(page_of(image), seconds=60)
    assert len(reading.lines) == 29
    assert edits(wanted, text_of(reading)) <= len(wanted) / 100
    assert reading.confidence > 0.9
    assert abs(reading.angle) < 0.5


@pytest.mark.parametrize(
    ("line", "size", "font"),
    [
        ("HELLO PAGE 1", 36, "Helvetica"),
        ("HELLO PAGE 1", 72, "Helvetica"),
        ("FINAL DRAFT", 48, "Courier"),
        ("Total: 42 pages", 24, "Times-Roman"),
        ("Berth 12 is reserved", 12, "Helvetica"),
        ("Mrs Adams will help you", 8, "Times-Roman"),
    ],
)
def test_a_short_pdf_page_is_read_to_its_first_letter_in_small_and_large_print(
    recogniser: Recogniser, line: str, size: int, font: str
) -> None:
    page = open_document(pictures.text_pdf([line], size=size, font=font), Limits()).page(1)
    assert text_of(recogniser.read(page, seconds=60)) == line


@pytest.mark.parametrize("size", [7, 9, 12, 14])
def test_a_pdf_letter_is_read_without_an_error_in_any_usual_size(recogniser: Recogniser, size: int) -> None:
    lines = [line for line in pictures.LETTER.splitlines() if line]
    page = open_document(pictures.text_pdf(lines, size=size), Limits()).page(1)
    assert text_of(recogniser.read(page, seconds=60)) == "\n".join(lines)


def test_a_scanned_letter_in_a_pdf_is_read_with_at_most_one_error_in_a_hundred(recogniser: Recogniser) -> None:
    image, text = pictures.letter()
    wanted = "\n".join(line for line in text.splitlines() if line)
    page = open_document(pictures.encode(image, "PDF"), Limits()).page(1)
    assert edits(wanted, text_of(recogniser.read(page, seconds=60))) <= len(wanted) / 100


@pytest.mark.parametrize(
    ("turn", "angle"),
    [
        (Image.Transpose.ROTATE_180, 180),
        (Image.Transpose.ROTATE_90, -90),
        (Image.Transpose.ROTATE_270, 90),
    ],
)
def test_a_page_is_read_whichever_way_it_lies(recogniser: Recogniser, turn: Image.Transpose, angle: int) -> None:
    image, _ = pictures.letter()
    reading = recogniser.read(page_of(image.transpose(turn)), seconds=60)
    assert text_of(reading).startswith("Harbour Office, Quay Street 14")
    assert (reading.angle - angle + 180) % 360 == pytest.approx(180, abs=1)


LYING = {
    "upright": (None, 0),
    "upside down": (Image.Transpose.ROTATE_180, 180),
    "on its left": (Image.Transpose.ROTATE_90, -90),
    "on its right": (Image.Transpose.ROTATE_270, 90),
}


@pytest.mark.parametrize("lying", LYING)
@pytest.mark.parametrize("text", ["FRAGILE", "THIS SIDE UP"])
def test_a_label_of_one_line_is_read_whichever_way_it_lies(recogniser: Recogniser, text: str, lying: str) -> None:
    turn, angle = LYING[lying]
    label = pictures.sign(text)
    reading = recogniser.read(page_of(label.transpose(turn) if turn else label), seconds=60)
    assert text_of(reading) == text
    assert (reading.angle - angle + 180) % 360 == pytest.approx(180, abs=2)
    box = reading.lines[0].box
    upright = recogniser.read(page_of(label), seconds=60).lines[0].box
    assert min(box[2] - box[0], box[3] - box[1]) == pytest.approx(upright[3] - upright[1], abs=3)
    assert 0 <= box[0] < box[2] <= (label.height if turn and angle % 180 else label.width)


def test_a_word_that_reads_well_upside_down_is_left_as_it_lies(recogniser: Recogniser) -> None:
    sheet = corpus.Sheet()
    sheet.write(55, 100, "SWITCH", 60)
    assert abs(recogniser.read(page_of(sheet.scan(200)), seconds=60).angle) < 1


# The least share of the words that are found, and of those found that are right.
QUICK = {
    "tables": (0.97, 0.97),
    "forms": (0.98, 0.97),
    "receipts": (0.98, 0.98),
    "till rolls": (0.98, 0.98),
    "labels": (1.0, 1.0),
    "charts": (0.92, 0.95),
    "large print": (1.0, 1.0),
    "faxes, 100 dpi": (0.95, 0.95),
    "faxes, 204x98 dpi": (0.9, 0.9),
}


@pytest.mark.parametrize("kind", QUICK)
def test_a_page_of_each_kind_keeps_its_words(recogniser: Recogniser, kind: str) -> None:
    (paper,) = corpus.papers(kind, [1])
    read, (recall, precision) = score_of(recogniser, paper), QUICK[kind]
    assert read.recall >= recall
    assert read.precision >= precision


@pytest.mark.parametrize("number", [4, 11, 13])
def test_the_columns_of_a_receipt_are_kept(recogniser: Recogniser, number: int) -> None:
    (paper,) = corpus.papers("till rolls", [number])
    assert score_of(recogniser, paper).recall > 0.97


@pytest.mark.long
@pytest.mark.parametrize("kind", corpus.KINDS)
def test_ten_pages_of_each_kind_keep_their_words(recogniser: Recogniser, kind: str) -> None:
    read = sum((score_of(recogniser, paper) for paper in corpus.papers(kind, range(10))), corpus.Score())
    assert read.recall >= 0.93
    assert read.precision >= 0.94


def test_small_print_is_read_larger(recogniser: Recogniser) -> None:
    sheet = corpus.table(random.Random("small print"))
    read = corpus.score(sheet.words, words_of(recogniser.read(page_of(sheet.scan(100)), seconds=60)))
    assert read.recall > 0.9
    assert read.precision > 0.9


def test_a_crooked_page_says_its_angle(recogniser: Recogniser) -> None:
    image, _ = pictures.letter()
    crooked = image.rotate(-3, Image.Resampling.BICUBIC, fillcolor=255)
    assert recogniser.read(page_of(crooked), seconds=60).angle == pytest.approx(3, abs=0.3)


def test_words_have_boxes_inside_their_lines(recogniser: Recogniser) -> None:
    reading = recogniser.read(page_of(pictures.sign("MIND THE STEP")), seconds=60)
    (line,) = reading.lines
    assert [word.text for word in line.words] == ["MIND", "THE", "STEP"]
    assert all(0 <= word.confidence <= 1 for word in line.words)
    lefts = [word.box[0] for word in line.words]
    assert lefts == sorted(lefts)
    assert line.box[0] == lefts[0]
    assert line.box[2] == line.words[-1].box[2]


def test_an_empty_page_has_no_lines(recogniser: Recogniser) -> None:
    reading = recogniser.read(page_of(Image.new("L", (400, 300), "white")), seconds=60)
    assert reading == PageReading((), 0.0)


def test_a_page_over_its_time_is_refused(recogniser: Recogniser) -> None:
    page = page_of(pictures.letter()[0])
    for seconds in (0, 0.001):
        with pytest.raises(DocumentRefused) as refused:
            recogniser.read(page, seconds=seconds)
        assert refused.value.code is Code.TIMEOUT


def test_a_missing_model_is_said_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match=r"eng\.traineddata") as error:
        Recogniser(threads=1, tessdata=tmp_path)
    assert error.value.hint == "name a folder with models of Tesseract 4 or 5"


def test_without_its_own_models_the_engine_is_not_installed(tmp_path: Path) -> None:
    venv.create(tmp_path)  # what is imported comes from the suite's own environment, what lies beside it does not
    script = "from engines.read import *\ntry: Recogniser()\nexcept Exception as error: print(error.hint)"
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run([tmp_path / "bin/python", "-c", script], env=environment, capture_output=True, check=True)
    assert told.stdout == b"pip install azlic[read]\n"


def test_a_damaged_model_is_said_with_a_hint(tmp_path: Path) -> None:
    for name in ("eng.traineddata", "osd.traineddata"):
        (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(AzlicError) as error:
        Recogniser(threads=1, tessdata=tmp_path)
    assert error.value.hint == "name a folder with models of Tesseract 4 or 5"


def test_after_warming_up_no_model_file_is_needed(tmp_path: Path) -> None:
    models = shutil.copytree(TESSDATA, tmp_path / "models")
    recogniser = Recogniser(threads=2, tessdata=models)
    warm_up(recogniser)
    shutil.rmtree(models)
    upside_down = page_of(pictures.letter()[0].transpose(Image.Transpose.ROTATE_180))
    for _ in range(recogniser.threads):
        assert text_of(recogniser.read(upside_down, seconds=60)).startswith("Harbour")
    recogniser.close()
