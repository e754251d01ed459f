"""What a PDF says and PDFium does not tell, or not as the standard has it: units of pages, and layers."""

import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

# The filters as well: pypdf would import them only when it meets a stream, and by then the process may have given up
# its privileges.
from pypdf import (
    PageObject,
    PdfReader,
    filters,  # noqa: F401
)
from pypdf.generic import IndirectObject, PdfObject

from engines.read.pdf_layers import PdfLayers
from engines.read.pdf_objects import dictionary, items, number, resolved
from engines.read.pdf_update import dictionaries, updated, written

# Its remarks on single files are no business of a container's log.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

# A PDF without these words says nothing of the kind; an object stream may hide them.
_WORDS = (b"/UserUnit", b"/OCProperties", b"/MaxLen", b"/ObjStm")
_DEEPEST = 32
_TURN = re.compile(rb"/R\s*-?(?:90|180|270)\b")
_PAGE = re.compile(rb"/Type\s*/Page\b")
_STATES = {
    shown: b"<< /Type /OCG /Usage << /View << /ViewState /%s >> >> >>" % state
    for shown, state in ((True, b"ON"), (False, b"OFF"))
}


@dataclass(frozen=True)
class PageFacts:
    """A page's ``unit``, in points, and the places of the annotations on it that are ``hidden``.

    Of the fields that lie otherwise than their page: by how many quarters each has to be ``turned`` left; of those
    that take so many characters, how many ``cells`` they have if they are combs.
    """

    unit: float = 1
    hidden: tuple[int, ...] = ()
    turned: tuple[tuple[int, int], ...] = ()
    cells: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class PdfFacts:
    """The facts of each page, and the PDF in which every layer says itself whether it is shown."""

    body: bytes
    pages: tuple[PageFacts, ...]


def pdf_facts(body: bytes, count: int) -> PdfFacts:
    """The facts of the first ``count`` pages; the usual ones for a page that is too damaged to tell."""
    usual = (PageFacts(),) * count
    if not (any(word in body for word in _WORDS) or _TURN.search(body)):
        return PdfFacts(body, usual)
    try:
        reader = _reader(body)
        layers = PdfLayers.of(reader.root_object)
        pages = [reader.pages[index] for index in range(min(count, len(reader.pages)))]
        facts = tuple(_facts(page, layers) for page in pages) + usual[len(pages) :]
        return PdfFacts(_with_layers_set(body, reader, layers) if layers else body, facts)
    except Exception:  # whatever a parser raises over foreign bytes
        return PdfFacts(body, usual)


def has_no_pages(body: bytes) -> bool:
    """Whether this is a sound PDF in which there is no page."""
    try:
        return len(_reader(body).pages) == 0
    except Exception:  # as above: it is damaged, then
        return False


def may_count_wrongly(body: bytes, count: int) -> bool:
    """Whether a PDF may have more or fewer pages than it says: only a plain list of so many is sure to be right."""
    return b"/ObjStm" in body or body.count(b"/Kids") > 1 or len(_PAGE.findall(body)) != count


def with_pages_counted(body: bytes, count: int) -> bytes | None:
    """The PDF with its pages, and no others, in one list; ``None`` where that is what it has, or cannot be told."""
    try:
        reader = _reader(body)
        root = reader.root_object.raw_get("/Pages")
        pages, is_tree = _leaves(root)
        if (len(pages) == count and is_tree) or not pages or not isinstance(root, IndirectObject):
            return None
        entries = {key: written(value) for key, value in resolved(root).items() if key not in ("/Kids", "/Count")}
        entries |= {"/Kids": b"[%s]" % b" ".join(map(written, pages)), "/Count": b"%d" % len(pages)}
        node = b"<< %s >>" % b" ".join(key.encode() + b" " + value for key, value in entries.items())
        return updated(body, reader, {root.idnum: node})
    except Exception:  # as above
        return None


def media_box(body: bytes, index: int) -> tuple[float, float, float, float] | None:
    """The whole of a page, as it says or inherits; ``None`` where that cannot be told."""
    try:
        box = _reader(body).pages[index].mediabox
        return float(box.left), float(box.bottom), float(box.right), float(box.top)
    except Exception:  # as above
        return None


def is_portfolio(body: bytes) -> bool:
    """Whether a viewer shows the files within a PDF in place of its pages: ISO 32000-2, 12.3.5."""
    try:
        catalogue = _reader(body).root_object
        return "/Collection" in catalogue and dictionary(catalogue, "/Collection").get("/View") != "/H"
    except Exception:  # as above
        return False


def _leaves(root: PdfObject) -> tuple[list[PdfObject], bool]:
    """The pages of a tree, and whether it is one: a node that is come to twice is gone through once."""
    pages: list[PdfObject] = []
    waiting, seen, is_tree = [root], set[int](), True
    while waiting:
        node = waiting.pop()
        told = resolved(node)
        if "/Kids" not in told:
            pages.append(node)
        elif isinstance(node, IndirectObject) and node.idnum not in seen:
            seen.add(node.idnum)
            waiting.extend(reversed(items(told, "/Kids")))
        else:
            is_tree = False
    return pages, is_tree


def _reader(body: bytes) -> PdfReader:
    """A parser of the PDF; where its table of objects is damaged, one that looks for them."""
    try:
        reader = PdfReader(io.BytesIO(body))
        _ = reader.root_object, len(reader.pages)
    except Exception:  # as above
        return PdfReader(io.BytesIO(body + b"\nstartxref\n0\n%%EOF\n"))
    return reader


def _facts(page: PageObject, layers: PdfLayers | None) -> PageFacts:
    try:
        unit = float(str(page["/UserUnit"])) if "/UserUnit" in page else 1.0
        hidden = tuple(layers.hidden_on(page)) if layers else ()
        turned, cells = tuple(_turned(page)), tuple(_cells(page))
    except Exception:  # as above
        return PageFacts()
    return PageFacts(unit if unit > 0 else 1, hidden, turned, cells)


def _cells(page: PageObject) -> Iterator[tuple[int, int]]:
    for place, annotation in enumerate(items(page, "/Annots")):
        told = resolved(annotation)
        for _ in range(_DEEPEST):
            if "/MaxLen" in told or "/Parent" not in told:
                break
            told = dictionary(told, "/Parent")
        if (cells := number(told, "/MaxLen")) > 0:
            yield place, cells


def _turned(page: PageObject) -> Iterator[tuple[int, int]]:
    for place, annotation in enumerate(items(page, "/Annots")):
        turn = number(dictionary(resolved(annotation), "/MK"), "/R")
        if turn % 360 and (quarters := (page.rotation - turn) // 90 % 4):
            yield place, quarters


def _with_layers_set(body: bytes, reader: PdfReader, layers: PdfLayers) -> bytes:
    """The PDF with each layer set by the standard: what PDFium goes by first is what a group says of viewing."""
    states = {
        reference.idnum: _STATES[_shows(layers, reference)]
        for reference, told in dictionaries(body, reader, b"/OC")
        if told.get("/Type") in ("/OCG", "/OCMD")
    }
    return updated(body, reader, states) if states else body


def _shows(layers: PdfLayers, content: PdfObject) -> bool:
    try:
        return layers.shows(content)
    except Exception:  # as above: it says nothing, then
        return True
