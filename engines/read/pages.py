"""A document and its pages: bytes to grey pixels, one page at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engines.read.density import pixel_aspect
from engines.read.images import OneImage, open_image
from engines.read.kinds import Kind, kind_of
from engines.read.limits import Limits
from engines.read.pdf import DPI, PdfPages, open_pdf
from engines.read.refusal import Code, DocumentRefused
from engines.read.selection import select_pages
from engines.read.text import Part
from engines.read.tiff import TiffPages, open_tiff


@dataclass(frozen=True)
class Page:
    """One page as the recogniser takes it: ``pixels`` holds a byte of grey each, row by row.

    ``dpi`` is the resolution a PDF page was drawn at, and ``None`` for an image. ``aspect`` says how many times as high
    as wide a pixel is. Each of the parts that are ``turned`` is read by itself.
    """

    number: int
    width: int
    height: int
    pixels: bytes
    dpi: int | None = None
    aspect: float = 1.0
    turned: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Outline:
    """What a document is, with the size in pixels of each of its pages."""

    kind: Kind
    sizes: tuple[tuple[int, int], ...]
    limits: Limits

    def select(self, wanted: str | None) -> list[int]:
        """The numbers of the ``wanted`` pages (``1,3-4``); ``Refused`` if one is missing or out of bounds."""
        numbers = select_pages(wanted, len(self.sizes))
        for number in numbers:
            self.check(number)
        return numbers

    def check(self, number: int) -> None:
        """Refuse page ``number`` where it is out of bounds."""
        self.limits.check_page(number, self.sizes[number - 1])


@dataclass(frozen=True)
class Document(Outline):
    """A document that was recognised by its bytes.

    Nothing is kept open: pages can be taken in any order, by any thread, and cost memory only while they
    are held.
    """

    pages: PdfPages | TiffPages | OneImage

    def page(self, number: int) -> Page:
        """Decode page ``number``, counted from 1; ``Refused`` if it is damaged, out of bounds or too slow."""
        self.check(number)
        with _refuse_damage(f"page {number} of the {self.kind}"):
            image = self.pages.image(number)
        dpi = DPI if self.kind == "PDF" else None
        turned = tuple(image.info.get("turned", ()))
        return Page(number, image.width, image.height, image.tobytes(), dpi, pixel_aspect(image), turned)


def open_document(body: bytes, limits: Limits) -> Document:
    """Recognise JPEG, PNG, BMP, TIFF or PDF by the bytes and count the pages; no pixel is decoded yet.

    Raises ``Refused`` for anything else, and for what is broken or beyond ``limits``.
    """
    limits.check_body(len(body))
    kind = kind_of(body)
    with _refuse_damage(f"the {kind}"):
        pages = _open(body, kind, limits)
    limits.check_pages(len(pages.sizes))
    return Document(kind, pages.sizes, limits, pages)


def _open(body: bytes, kind: Kind, limits: Limits) -> PdfPages | TiffPages | OneImage:
    if kind == "PDF":
        return open_pdf(body, most=limits.pages + 1, seconds=limits.page_seconds)
    if kind == "TIFF":
        return open_tiff(body, most=limits.pages + 1)
    return open_image(body, kind)


@contextmanager
def _refuse_damage(what: str) -> Iterator[None]:
    """Whatever a decoder raises over foreign bytes is said in one way: the document is damaged."""
    try:
        yield
    except DocumentRefused:
        raise
    except Exception as error:
        raise DocumentRefused(
            Code.INVALID_IMAGE,
            f"{what} is damaged and cannot be read",
            hint="check that the file was sent completely and opens in a viewer",
        ) from error
