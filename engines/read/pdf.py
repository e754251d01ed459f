"""PDF pages to grey pixels, through PDFium: what a viewer shows is drawn, filled forms and annotations with it."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from engines.read.pdf_fields import fields_of, show_as_print, unknown_invisible
from engines.read.pdf_tree import (
    PageFacts,
    has_no_pages,
    is_portfolio,
    may_count_wrongly,
    media_box,
    pdf_facts,
    with_pages_counted,
)
from engines.read.pdf_xfa import is_dynamic_xfa
from engines.read.refusal import Code, DocumentRefused, no_pages

DPI = 200
_SCALE = DPI / 72  # a PDF measures in points, 72 to the inch
_LETTER = (1700, 2200)
_FLAGS = raw.FPDF_ANNOT | raw.FPDF_GRAYSCALE

# PDFium must not be entered by two threads, not even for two documents. Everything opened under the lock is
# closed under it: a finaliser would enter PDFium from whichever thread collects the garbage.
_pdfium = threading.Lock()


@dataclass(frozen=True)
class PdfPages:
    """The pages of a PDF; ``sizes`` are their widths and heights in pixels at 200 dpi."""

    body: bytes
    sizes: tuple[tuple[int, int], ...]
    facts: tuple[PageFacts, ...]
    seconds: float

    def image(self, number: int) -> Image.Image:
        """Page ``number`` in shades of grey; ``DocumentRefused`` when drawing it takes more than its ``seconds``."""
        size = self.sizes[number - 1]
        with _open(self.body) as pdf, _loaded(pdf, self.body, number - 1) as page:
            facts = self.facts[number - 1]
            fields = fields_of(pdf.formenv, page, size, facts)
            unseen = [field.place for field in fields if field.is_password] + unknown_invisible(page)
            _hide(page, (*facts.hidden, *unseen))
            with _white(size) as bitmap:
                _draw(pdf, page, bitmap, deadline=time.monotonic() + self.seconds)
                image: Image.Image = bitmap.to_pil().copy()
            if any(field.is_comb for field in fields):
                with _white(size) as bitmap:
                    raw.FPDF_FFLDraw(pdf.formenv, bitmap, page, *_area(bitmap))
                    show_as_print(image, bitmap.to_pil(), fields)
            else:
                show_as_print(image, image, fields)
        image.info["turned"] = [(field.box, field.quarters) for field in fields if field.quarters]
        return image


def open_pdf(body: bytes, *, most: int, seconds: float) -> PdfPages:
    """The pages of a PDF, at most ``most`` of them, each to be drawn in so many ``seconds``.

    Raises ``DocumentRefused`` for a PDF that wants a password or has no pages, for a form in XFA whose pages are made
    only by the program that fills it in, and for a portfolio of other documents.
    """
    try:
        with _open(body) as pdf:
            _check_kind(pdf, body)
            count, sizes = len(pdf), _sizes(pdf, body, most)
        if (None in sizes or may_count_wrongly(body, count)) and (counted := with_pages_counted(body, count)):
            body = counted
            with _open(body) as pdf:
                sizes = _sizes(pdf, body, most)
        if not any(sizes):
            raise pypdfium2.PdfiumError("there is no page that can be loaded")
    except pypdfium2.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_SUCCESS or has_no_pages(body):
            raise no_pages("PDF") from error
        raise
    facts = pdf_facts(body, len(sizes))
    scales = [page.unit * _SCALE for page in facts.pages]
    pixels = (
        (round(size[0] * scale), round(size[1] * scale)) if size else _LETTER
        for size, scale in zip(sizes, scales, strict=True)
    )
    return PdfPages(facts.body, tuple(pixels), facts.pages, seconds)


def _check_kind(pdf: pypdfium2.PdfDocument, body: bytes) -> None:
    if pdf.get_formtype() == raw.FORMTYPE_XFA_FULL or is_dynamic_xfa(pdf):
        raise DocumentRefused(
            Code.NOT_SUPPORTED_IMAGE,
            "the PDF is a dynamic XFA form, whose pages are not in the file",
            hint="print it to a PDF in the program that fills it in",
        )
    if raw.FPDFDoc_GetAttachmentCount(pdf) and is_portfolio(body):
        raise DocumentRefused(
            Code.NOT_SUPPORTED_IMAGE,
            "the PDF is a portfolio, whose documents are files within it",
            hint="take them out and send each of them",
        )


def _sizes(pdf: pypdfium2.PdfDocument, body: bytes, most: int) -> list[tuple[float, float] | None]:
    return [_size(pdf, body, index) for index in range(min(len(pdf), most))]


@contextmanager
def _open(body: bytes) -> Iterator[pypdfium2.PdfDocument]:
    with _pdfium, closing(_parsed(body)) as pdf:
        # Form fields are drawn by the form environment alone, also those that no form lists.
        settings = raw.FPDF_FORMFILLINFO(version=2)
        pdf.formenv = pypdfium2.PdfFormEnv(raw.FPDFDOC_InitFormFillEnvironment(pdf, settings), settings)
        yield pdf


def _parsed(body: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        # For a PDF without pages PDFium leaves the reason of an earlier failure standing, or none.
        if error.err_code != raw.FPDF_ERR_PASSWORD or b"/Encrypt" not in body:
            raise
        raise DocumentRefused(
            Code.NOT_SUPPORTED_IMAGE,
            "the PDF is encrypted and asks for a password",
            hint="send a copy without a password",
        ) from error


def _size(pdf: pypdfium2.PdfDocument, body: bytes, index: int) -> tuple[float, float] | None:
    """Width and height in its own units; ``None`` for a page that is damaged, beside which others can be read."""
    try:
        width, height = pdf.get_page_size(index)
    except pypdfium2.PdfiumError:
        return None
    if min(width, height) <= 0:
        with _loaded(pdf, body, index) as page:
            width, height = page.get_size()
    return width, height


@contextmanager
def _loaded(pdf: pypdfium2.PdfDocument, body: bytes, index: int) -> Iterator[pypdfium2.PdfPage]:
    page = pdf[index]
    if min(page.get_size()) <= 0:
        # A crop box that lies outside of the page crops nothing.
        page.set_cropbox(*(media_box(body, index) or page.get_mediabox()))
        page.close()
        page = pdf[index]
    with closing(page):
        yield page


def _hide(page: pypdfium2.PdfPage, annotations: tuple[int, ...]) -> None:
    for index in annotations:
        annotation = raw.FPDFPage_GetAnnot(page, index)
        raw.FPDFAnnot_SetFlags(annotation, raw.FPDFAnnot_GetFlags(annotation) | raw.FPDF_ANNOT_FLAG_HIDDEN)
        raw.FPDFPage_CloseAnnot(annotation)


@contextmanager
def _white(size: tuple[int, int]) -> Iterator[pypdfium2.PdfBitmap]:
    with closing(pypdfium2.PdfBitmap.new_native(*size, raw.FPDFBitmap_Gray)) as bitmap:
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, *size)
        yield bitmap


def _area(bitmap: pypdfium2.PdfBitmap) -> tuple[int, int, int, int, int, int]:
    return 0, 0, bitmap.width, bitmap.height, 0, _FLAGS


def _draw(pdf: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, bitmap: pypdfium2.PdfBitmap, *, deadline: float) -> None:
    # In steps, through the raw interface: PdfPage.render cannot be stopped, and would hold the lock for as
    # long as a hostile page likes.
    pause = raw.IFSDK_PAUSE(version=1)
    pause.NeedToPauseNow = type(pause.NeedToPauseNow)(lambda _: time.monotonic() > deadline)
    status = raw.FPDF_RenderPageBitmap_Start(bitmap, page, *_area(bitmap), pause)
    raw.FPDF_RenderPage_Close(page)
    if status == raw.FPDF_RENDER_TOBECONTINUED:
        raise DocumentRefused(
            Code.TIMEOUT,
            "a page of the PDF took too long to draw",
            hint="send the page as an image",
        )
    raw.FPDF_FFLDraw(pdf.formenv, bitmap, page, *_area(bitmap))
