"""TIFF and BMP files of kinds that no library writes, put together by hand."""

import struct
from collections.abc import Mapping, Sequence

Tags = Mapping[int, int | Sequence[int] | float]

_SHORT, _LONG, _FLOAT = 3, 4, 11


def tiff(*images: tuple[Tags, bytes], order: str = "<") -> bytes:
    """A TIFF of these images, each its tags and its pixels in one strip; only width and height have to be told."""
    file = bytearray({"<": b"II*\0", ">": b"MM\0*"}[order] + bytes(4))
    link = 4
    for tags, pixels in images:
        strip = len(file)
        file += pixels + bytes(len(pixels) % 2)
        usual = {258: 8, 259: 1, 262: 1, 273: strip, 277: 1, 278: tags[257], 279: len(pixels)}
        entries = bytearray()
        for tag, value in sorted({**usual, **tags}.items()):
            entries += _entry(file, order, tag, value)
        file[link : link + 4] = struct.pack(order + "L", len(file))
        file += struct.pack(order + "H", len(entries) // 12) + entries
        link = len(file)
        file += bytes(4)
    return bytes(file)


def _entry(file: bytearray, order: str, tag: int, value: int | Sequence[int] | float) -> bytes:
    if isinstance(value, float):
        kind, data, count = _FLOAT, struct.pack(order + "f", value), 1
    else:
        values = [value] if isinstance(value, int) else list(value)
        count = len(values)
        kind = _LONG if max(values) >= 2**16 or tag in (273, 279) else _SHORT
        data = struct.pack(f"{order}{count}{'L' if kind == _LONG else 'H'}", *values)
    if len(data) > 4:
        place = struct.pack(order + "L", len(file))
        file += data
        data = place
    return struct.pack(order + "HHL", tag, kind, count) + data.ljust(4, b"\0")


def packed(values: Sequence[int], width: int, bits: int, *, largest_first: bool = True) -> bytes:
    """Rows of so many values each, a few bits for every one, filled up to whole bytes."""
    rows = []
    for start in range(0, len(values), width):
        row = 0
        for value in values[start : start + width]:
            row = row << bits | value
        size = -(-width * bits // 8)
        rows.append((row << size * 8 - width * bits).to_bytes(size, "big"))
    return b"".join(rows)


def bmp(
    width: int, height: int, bits: int, pixels: bytes, *, compression: int = 0, colours: bytes = b"", extra: bytes = b""
) -> bytes:
    """A BMP with the header of Windows 3, and whatever stands behind it: masks in ``extra``, then the palette."""
    offset = 14 + 40 + len(extra) + len(colours)
    info = struct.pack(
        "<LllHHLLllLL",
        40 + len(extra) * (len(extra) > 12),
        width,
        height,
        1,
        bits,
        compression,
        len(pixels),
        0,
        0,
        len(colours) // 4,
        0,
    )
    return struct.pack("<2sLHHL", b"BM", offset + len(pixels), 0, 0, offset) + info + extra + colours + pixels


def os2_bmp(width: int, height: int, bits: int, pixels: bytes, colours: bytes = b"") -> bytes:
    """A BMP with the short header of OS/2 1."""
    offset = 14 + 12 + len(colours)
    info = struct.pack("<LHHHH", 12, width, height, 1, bits)
    return struct.pack("<2sLHHL", b"BM", offset + len(pixels), 0, 0, offset) + info + colours + pixels
