"""What a PDF says of its pages and PDFium does not tell: their unit, and which annotations a layer hides."""

import io
import logging
from dataclasses import dataclass

# The filters as well: pypdf would import them only when it meets a stream, and by then the process may have given up
# its privileges.
from pypdf import (
    PageObject,
    PdfReader,
    filters,  # noqa: F401
)

from engines.read.pdf_layers import PdfLayers

# Its remarks on single files are no business of a container's log.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

# A PDF without these words says nothing of the kind; an object stream may hide them.
_WORDS = (b"/UserUnit", b"/OCProperties", b"/ObjStm")


@dataclass(frozen=True)
class PageFacts:
    """A page's ``unit``, in points, and the places of the annotations on it that are ``hidden``."""

    unit: float = 1
    hidden: tuple[int, ...] = ()


def page_facts(body: bytes, count: int) -> tuple[PageFacts, ...]:
    """The facts of the first ``count`` pages; the usual ones for a page that is too damaged to tell."""
    usual = (PageFacts(),) * count
    if not any(word in body for word in _WORDS):
        return usual
    try:
        reader = PdfReader(io.BytesIO(body))
        layers = PdfLayers.of(reader.root_object)
        pages = [reader.pages[index] for index in range(min(count, len(reader.pages)))]
    except Exception:  # whatever a parser raises over foreign bytes
        return usual
    return tuple(_facts(page, layers) for page in pages) + usual[len(pages) :]


def has_no_pages(body: bytes) -> bool:
    """Whether this is a sound PDF in which there is no page."""
    try:
        return len(PdfReader(io.BytesIO(body)).pages) == 0
    except Exception:  # as above: it is damaged, then
        return False


def _facts(page: PageObject, layers: PdfLayers | None) -> PageFacts:
    try:
        unit = float(str(page["/UserUnit"])) if "/UserUnit" in page else 1.0
        hidden = tuple(layers.hidden_on(page)) if layers else ()
    except Exception:  # as above
        return PageFacts()
    return PageFacts(unit if unit > 0 else 1, hidden)
