"""PDF pages to grey pixels, through PDFium."""

import threading
import time
from contextlib import closing

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from engines.read.refusal import Code, DocumentRefused

DPI = 200
_SCALE = DPI / 72  # a PDF measures in points, 72 to the inch

# PDFium must not be entered by two threads, not even for two documents. Everything opened under the lock is
# closed under it: a finaliser would enter PDFium from whichever thread collects the garbage.
_pdfium = threading.Lock()


def pdf_sizes(body: bytes, *, most: int) -> list[tuple[int, int]]:
    """Width and height in pixels of each page at 200 dpi; at most ``most`` pages are looked at.

    Raises ``Refused`` for a PDF that wants a password.
    """
    with _pdfium, _open(body) as pdf:
        return [_pixels(*pdf.get_page_size(index)) for index in range(min(len(pdf), most))]


def render_page(body: bytes, number: int, *, seconds: float) -> Image.Image:
    """Page ``number`` at 200 dpi in shades of grey; ``Refused`` when drawing it takes longer than ``seconds``."""
    with _pdfium, _open(body) as pdf, closing(pdf[number - 1]) as page:
        width, height = _pixels(*page.get_size())
        with closing(pypdfium2.PdfBitmap.new_native(width, height, raw.FPDFBitmap_Gray)) as bitmap:
            bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
            _draw(page, bitmap, deadline=time.monotonic() + seconds)
            image: Image.Image = bitmap.to_pil()
            return image.copy()


def _open(body: bytes) -> closing[pypdfium2.PdfDocument]:
    try:
        return closing(pypdfium2.PdfDocument(body))
    except pypdfium2.PdfiumError as error:
        # For a PDF without pages PDFium leaves the reason of an earlier failure standing.
        if error.err_code != raw.FPDF_ERR_PASSWORD or b"/Encrypt" not in body:
            raise
        raise DocumentRefused(
            Code.NOT_SUPPORTED_IMAGE,
            "the PDF is encrypted and asks for a password",
            hint="send a copy without a password",
        ) from error


def _pixels(width: float, height: float) -> tuple[int, int]:
    return round(width * _SCALE), round(height * _SCALE)


def _draw(page: pypdfium2.PdfPage, bitmap: pypdfium2.PdfBitmap, *, deadline: float) -> None:
    # In steps, through the raw interface: PdfPage.render cannot be stopped, and would hold the lock for as
    # long as a hostile page likes.
    pause = raw.IFSDK_PAUSE(version=1)
    pause.NeedToPauseNow = type(pause.NeedToPauseNow)(lambda _: time.monotonic() > deadline)
    area = (0, 0, bitmap.width, bitmap.height, 0)
    flags = raw.FPDF_ANNOT | raw.FPDF_GRAYSCALE
    status = raw.FPDF_RenderPageBitmap_Start(bitmap, page, *area, flags, pause)
    raw.FPDF_RenderPage_Close(page)
    if status == raw.FPDF_RENDER_TOBECONTINUED:
        raise DocumentRefused(
            Code.TIMEOUT,
            "a page of the PDF took too long to draw",
            hint="send the page as an image",
        )
