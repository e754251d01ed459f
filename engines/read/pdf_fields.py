"""Form fields that are drawn as no text is printed: combs, chosen lines of lists, passwords."""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import pypdfium2
from PIL import Image, ImageOps
from pypdfium2 import raw

from engines.read.pdf_tree import PageFacts
from engines.read.text import Box

_PASSWORD, _COMB = 1 << 13, 1 << 24
_INK = 128
_SMALLEST = 4
_LINE = 0.8
"""A column or row that is so much of it ink is a line between cells or around them."""
_BROADEST = 10
_NEAR = 3
"""How many pixels a line may be away from the edge of its cell."""
_GAP, _SPACE = 0.12, 0.6
"""Between letters of a comb that are set as a word, and where a cell is empty; of the height of the letters."""


@dataclass(frozen=True)
class PdfField:
    """A field of a page, at its ``place`` among the annotations; ``box`` is in pixels.

    What is in it is upright when it is turned left by so many ``quarters``.
    """

    place: int
    kind: int
    flags: int
    box: Box
    cells: int
    quarters: int

    @property
    def is_password(self) -> bool:
        return bool(self.kind == raw.FPDF_FORMFIELD_TEXTFIELD and self.flags & _PASSWORD)

    @property
    def is_comb(self) -> bool:
        return bool(self.kind == raw.FPDF_FORMFIELD_TEXTFIELD and self.flags & _COMB and not self.flags & _PASSWORD)

    @property
    def is_list(self) -> bool:
        return bool(self.kind == raw.FPDF_FORMFIELD_LISTBOX)


def fields_of(
    form: pypdfium2.PdfFormEnv, page: pypdfium2.PdfPage, size: tuple[int, int], facts: PageFacts
) -> list[PdfField]:
    """The fields of a page, which is drawn in this ``size``."""
    turned, cells = dict(facts.turned), dict(facts.cells)
    return [
        PdfField(
            place,
            raw.FPDFAnnot_GetFormFieldType(form, annotation),
            raw.FPDFAnnot_GetFormFieldFlags(form, annotation),
            _box(page, annotation, size),
            cells.get(place, 0),
            turned.get(place, 0),
        )
        for place in range(raw.FPDFPage_GetAnnotCount(page))
        for annotation in _opened(page, place)
        if raw.FPDFAnnot_GetSubtype(annotation) == raw.FPDF_ANNOT_WIDGET
    ]


def unknown_invisible(page: pypdfium2.PdfPage) -> list[int]:
    """The places of annotations of no standard kind that are not to be shown, then: ISO 32000-2, table 167."""
    return [
        place
        for place in range(raw.FPDFPage_GetAnnotCount(page))
        for annotation in _opened(page, place)
        if raw.FPDFAnnot_GetSubtype(annotation) == raw.FPDF_ANNOT_UNKNOWN
        and raw.FPDFAnnot_GetFlags(annotation) & raw.FPDF_ANNOT_FLAG_INVISIBLE
    ]


def _opened(page: pypdfium2.PdfPage, place: int) -> Iterator[raw.FPDF_ANNOTATION]:
    annotation = raw.FPDFPage_GetAnnot(page, place)
    yield annotation
    raw.FPDFPage_CloseAnnot(annotation)


def _box(page: pypdfium2.PdfPage, annotation: raw.FPDF_ANNOTATION, size: tuple[int, int]) -> Box:
    rect = raw.FS_RECTF()
    raw.FPDFAnnot_GetRect(annotation, rect)
    corners = []
    for x, y in ((rect.left, rect.bottom), (rect.right, rect.top)):
        across, down = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, across, down)
        corners.append((across.value, down.value))
    (left, right), (top, bottom) = map(sorted, zip(*corners, strict=True))
    return max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])


def show_as_print(page: Image.Image, alone: Image.Image, fields: Sequence[PdfField]) -> None:
    """Show on a page the fields that are drawn as no text is printed; ``alone`` has them without what lies below."""
    for field in fields:
        if min(field.box[2] - field.box[0], field.box[3] - field.box[1]) < _SMALLEST:
            continue
        shown: Image.Image | None = None
        if field.is_list:
            shown = _with_chosen_lines_dark(_turned(page.crop(field.box), field.quarters))
        elif field.is_comb and field.cells:
            shown = _closed(_turned(alone.crop(field.box), field.quarters), field.cells)
        elif field.quarters:
            shown = _without_lines(_turned(page.crop(field.box), field.quarters), 1)
        if shown:
            page.paste(_turned(shown, 4 - field.quarters), field.box)


def _turned(picture: Image.Image, quarters: int) -> Image.Image:
    turns = Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270
    return picture.transpose(turns[quarters - 1]) if quarters % 4 else picture


def _with_chosen_lines_dark(picture: Image.Image) -> Image.Image:
    """A list box without its frame, whose chosen lines are dark on white as well."""
    plain = _without_lines(picture, 1)
    shown = plain.copy()
    for top, bottom in _runs(_mean(plain, (1, plain.height)), range(_INK)):
        bar = plain.crop((0, top, picture.width, bottom))
        inked = _dark(bar).getbbox() or (0, 0, 0, 0)
        inside = inked[0] + 1, 0, inked[2] - 1, bar.height
        shown.paste("white", (0, top, picture.width, bottom))
        shown.paste(ImageOps.invert(bar.crop(inside)), (inside[0], top))
    return shown


def _closed(picture: Image.Image, cells: int) -> Image.Image | None:
    """A comb with its letters as close as in a word, and without lines between them; ``None`` for an empty one."""
    plain = _without_lines(picture, cells)
    ink = _dark(plain)
    if not (extent := ink.getbbox()):
        return None
    height = extent[3] - extent[1]
    closed, at, last = Image.new("L", picture.size, "white"), 2, 0
    for start, end in _runs(_mean(ink, (ink.width, 1)), range(1, 256)):
        cell = (start + end) * cells // (2 * ink.width)
        at += round(height * (_GAP + _SPACE * (cell > last + 1 and at > 2))) * (cell > last)
        closed.paste(plain.crop((start - 1, 0, end + 1, ink.height)), (at, 0))
        at, last = at + end - start + 2, cell
    return closed


def _without_lines(picture: Image.Image, cells: int) -> Image.Image:
    """The picture without the frame and what divides its cells."""
    plain, ink = picture.copy(), _dark(picture)
    width, height = picture.size
    for top, bottom in _lines(_mean(ink, (1, height)), height):
        plain.paste("white", (0, top - 1, width, bottom + 1))
    for left, right in _lines(_mean(ink, (width, 1)), width / cells):
        plain.paste("white", (left - 1, 0, right + 1, height))
    return plain


def _lines(ink: bytes, cell: float) -> Iterator[tuple[int, int]]:
    """Where there is almost nothing but ink, at the edges of cells that are so long."""
    for start, end in _runs(ink, range(round(255 * _LINE), 256)):
        if end - start <= _BROADEST and min(_from_edge(start, cell), _from_edge(end, cell)) <= _NEAR:
            yield start, end


def _from_edge(place: int, cell: float) -> float:
    return abs(place - round(place / cell) * cell)


def _dark(picture: Image.Image) -> Image.Image:
    return picture.point(lambda shade: 255 * (shade < _INK))


def _mean(picture: Image.Image, size: tuple[int, int]) -> bytes:
    return picture.resize(size, Image.Resampling.BOX).tobytes()


def _runs(shades: bytes, wanted: range) -> Iterator[tuple[int, int]]:
    """Where shades that are ``wanted`` follow each other: the first place and the one behind the last."""
    for is_wanted, run in groupby(enumerate(shades), key=lambda place: place[1] in wanted):
        if is_wanted:
            places = [place for place, _ in run]
            yield places[0], places[-1] + 1
