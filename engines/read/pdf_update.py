"""Objects of a PDF replaced in a part that is appended to it: ISO 32000-2, 7.5.6."""

import io
import re
import struct
from bisect import bisect
from collections.abc import Iterator, Mapping

from pypdf import PdfReader
from pypdf.generic import DictionaryObject, IndirectObject, PdfObject, StreamObject

_START = re.compile(rb"startxref\s+(\d+)")
_KEPT = ("/Root", "/Encrypt", "/ID")


def updated(body: bytes, reader: PdfReader, objects: Mapping[int, bytes]) -> bytes:
    """The PDF with these ``objects`` in place of its own, by their numbers."""
    header = body.find(b"%PDF-")
    generations = {number: generation for generation, places in reader.xref.items() for number in places}
    starts = _START.findall(body)
    before = int(starts[-1]) if starts else 0
    trailer = {key: written(reader.trailer.raw_get(key)) for key in _KEPT if key in reader.trailer}
    size = 1 + max([*generations, *reader.xref_objStm, *objects])
    file, places = bytearray(body + b"\n"), {}
    for number, content in sorted(objects.items()):
        places[number] = len(file) - header
        file += b"%d %d obj\n%s\nendobj\n" % (number, generations.get(number, 0), content)
    start = len(file) - header
    entries = b"".join(b"%s %s " % (key.encode(), value) for key, value in trailer.items())
    entries += b"/Prev %d " % before
    if body.startswith(b"xref", header + before):
        file += b"xref\n0 0\n"
        for number, place in places.items():
            file += b"%d 1\n%010d %05d n \n" % (number, place, generations.get(number, 0))
        file += b"trailer\n<< %s/Size %d >>\n" % (entries, size)
    else:  # what goes on from a table that is a stream must be one as well
        table = b"".join(struct.pack(">BLH", 1, place, generations.get(number, 0)) for number, place in places.items())
        index = b" ".join(b"%d 1" % number for number in places)
        entries += b"/Size %d /Type /XRef /W [1 4 2] /Index [%s] /Length %d" % (size + 1, index, len(table))
        file += b"%d 0 obj\n<< %s >>\nstream\n%s\nendstream\nendobj\n" % (size, entries, table)
    return bytes(file + b"startxref\n%d\n%%%%EOF\n" % start)


def dictionaries(body: bytes, reader: PdfReader, word: bytes) -> Iterator[tuple[IndirectObject, DictionaryObject]]:
    """The dictionaries of a PDF, with their references, that have a ``word`` in them, and perhaps some others."""
    places = sorted((place, number) for table in reader.xref.values() for number, place in table.items())
    found = {
        places[at - 1][1] for match in re.finditer(re.escape(word), body) if (at := bisect(places, (match.start(),)))
    }
    packs: dict[int, list[int]] = {}
    for number, (pack, _) in reader.xref_objStm.items():
        packs.setdefault(pack, []).append(number)
    for pack, numbers in packs.items():
        content = IndirectObject(pack, 0, reader).get_object()
        if isinstance(content, StreamObject) and word in content.get_data():
            found.update(numbers)
    generations = {number: generation for generation, table in reader.xref.items() for number in table}
    for number in sorted(found):
        reference = IndirectObject(number, generations.get(number, 0), reader)
        if type(told := reference.get_object()) is DictionaryObject:
            yield reference, told


def written(value: PdfObject) -> bytes:
    """An object as it stands in a file."""
    file = io.BytesIO()
    value.write_to_stream(file)
    return file.getvalue()
