"""PDF files whose text is not on the page: form fields, annotations, layers, put together by hand."""

import struct
import zlib
from collections.abc import Sequence

from tests.pictures import pdf_of

FONT, FIRST_FREE = 5, 6


def stream(content: str, entries: str = "") -> str:
    """A stream object with these further entries in its dictionary."""
    return f"<< {entries} /Length {len(content)} >>\nstream\n{content}\nendstream"


def appearance(text: str) -> str:
    """What an annotation of 300 by 30 points looks like: one line of text."""
    entries = f"/Type /XObject /Subtype /Form /BBox [0 0 300 30] /Resources << /Font << /Helv {FONT} 0 R >> >>"
    return stream(f"/Tx BMC BT /Helv 20 Tf 2 8 Td ({text}) Tj ET EMC", entries)


def text_at(height: int, text: str) -> str:
    """Drawing commands for a line of text."""
    return f"BT /Helv 20 Tf 22 {height} Td ({text}) Tj ET"


def annotated_pdf(
    annotations: Sequence[str],
    others: Sequence[str] = (),
    *,
    content: str = "",
    form: str | None = "",
    catalogue: str = "",
    page: str = "",
    properties: str = "",
) -> bytes:
    """A page of 340 points with these annotations, one below the other; ``others`` are objects from number 6 on.

    ``form`` has further entries of the form that lists them all; ``None`` stands for no form.
    """
    first = FIRST_FREE + len(others)
    places = [340 - 40 * (row + 1) for row in range(len(annotations))]
    listed = " ".join(f"{first + row} 0 R" for row in range(len(annotations)))
    fonts = f"/Font << /Helv {FONT} 0 R >>"
    acroform = f"/AcroForm << /Fields [{listed}] /DR << {fonts} >> /DA (/Helv 0 Tf 0 g) {form} >>"
    return pdf_of(
        f"<< /Type /Catalog /Pages 2 0 R {'' if form is None else acroform} {catalogue} >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 340 340] /Contents 4 0 R /Annots [{listed}]"
        f" /Resources << {fonts} /Properties << {properties} >> >> {page} >>",
        stream(content),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *others,
        *(
            f"<< /Type /Annot /Rect [20 {place} 320 {place + 30}] /P 3 0 R {annotation} >>"
            for place, annotation in zip(places, annotations, strict=True)
        ),
    )


def field(kind: str, name: str, entries: str, *, appearance: int | None = None) -> str:
    """A field of a form; ``appearance`` is the number of the object that holds what it looks like."""
    looks = f"/AP << /N {appearance} 0 R >>" if appearance else ""
    return f"/Subtype /Widget /FT /{kind} /T ({name}) /F 4 /DA (/Helv 20 Tf 0 g) {entries} {looks}"


def compressed_pdf(*objects: str) -> bytes:
    """A PDF whose objects, numbered from 1, are in a compressed stream, but those that are streams themselves.

    Of those in it no word can be found in the file.
    """
    file = bytearray(b"%PDF-1.7\n")
    starts: list[tuple[int, int]] = []
    content, places = "", {}
    for number, told in enumerate(objects, 1):
        if told.endswith("endstream"):
            places[number] = struct.pack(">BLH", 1, len(file), 0)
            file += f"{number} 0 obj\n{told}\nendobj\n".encode("latin-1")
        else:
            places[number] = struct.pack(">BLH", 2, len(objects) + 1, len(starts))
            starts.append((number, len(content)))
            content += told + " "
    index = " ".join(f"{number} {start}" for number, start in starts) + " "
    count = len(objects)
    inner = zlib.compress((index + content).encode("latin-1"))
    streams = len(file)
    file += _packed(count + 1, f"/Type /ObjStm /N {len(starts)} /First {len(index)}", inner)
    table = bytes(7) + b"".join(places.values()) + struct.pack(">BLHBLH", 1, streams, 0, 1, len(file), 0)
    start = len(file)
    entries = f"/Type /XRef /Size {count + 3} /W [1 4 2] /Root 1 0 R"
    file += _packed(count + 2, entries, zlib.compress(table))
    return bytes(file + f"startxref\n{start}\n%%EOF\n".encode())


def _packed(number: int, entries: str, content: bytes) -> bytes:
    head = f"{number} 0 obj\n<< {entries} /Filter /FlateDecode /Length {len(content)} >>\nstream\n"
    return head.encode() + content + b"\nendstream\nendobj\n"
