"""Forms in XFA, another language for forms within a PDF: whether the pages that stand for one are its own."""

import ctypes
import re

import pypdfium2
from pypdfium2 import raw

_DYNAMIC = re.compile(rb"<dynamicRender>\s*required")


def is_dynamic_xfa(pdf: pypdfium2.PdfDocument) -> bool:
    """Whether its program has to lay the form out: the pages in the file only ask to wait, then."""
    return any(_DYNAMIC.search(_packet(pdf, index)) for index in range(max(raw.FPDF_GetXFAPacketCount(pdf), 0)))


def _packet(pdf: pypdfium2.PdfDocument, index: int) -> bytes:
    size = ctypes.c_ulong()
    if not raw.FPDF_GetXFAPacketContent(pdf, index, None, 0, size):
        return b""
    content = ctypes.create_string_buffer(size.value)
    raw.FPDF_GetXFAPacketContent(pdf, index, content, size.value, size)
    return content.raw
