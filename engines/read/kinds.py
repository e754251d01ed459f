"""What a body is, by its first bytes: a document that is read, or the name of something else."""

from typing import Literal

from engines.read.refusal import Code, DocumentRefused

Kind = Literal["BMP", "JPEG", "PDF", "PNG", "TIFF"]

_SIGNATURES: dict[bytes, Kind] = {
    b"BM": "BMP",
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}

_OTHERS = {
    b"GIF8": "a GIF picture",
    b"\0\0\0\x0cjP  \r\n": "a JPEG 2000 picture",
    b"\xff\x4f\xff\x51": "a JPEG 2000 picture",
    b"\0\0\0\x0cJXL \r\n": "a JPEG XL picture",
    b"\xff\x0a": "a JPEG XL picture",
    b"II\xbc\x01": "a JPEG XR picture",
    b"8BPS": "a Photoshop picture",
    b"\x97JB2": "a JBIG2 picture",
    b"\x8aMNG": "an MNG animation",
    b"\x8bJNG": "a JNG picture",
    b"qoif": "a QOI picture",
    b"icns": "an icon",
    b"\0\0\1\0": "an icon",
    b"\0\0\2\0": "a cursor",
    b"DDS ": "a DDS texture",
    b"\xd7\xcd\xc6\x9a": "a Windows metafile",
    b"\1\0\0\0": "a Windows metafile",
    **{b"P%d" % number: "a PPM picture" for number in range(1, 7)},
    b"AT&TFORM": "a DjVu document",
    b"%!PS": "a PostScript document",
    b"\xc5\xd0\xd3\xc6": "a PostScript document",
    b"{\\rtf": "an RTF document",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"PK": "a ZIP archive or an Office document",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\x1f\x8b": "compressed with gzip",
    b"/9j/": "a JPEG in base64",
    b"iVBORw0KGgo": "a PNG in base64",
    b"JVBERi": "a PDF in base64",
    b"data:": "a data URL",
}
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "an AVIF picture"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "a HEIF picture"),
    **dict.fromkeys((b"mif1", b"msf1"), "a HEIF picture"),
    **dict.fromkeys((b"jp2 ", b"jpx "), "a JPEG 2000 picture"),
    b"crx ": "a camera's raw picture",
}
_FIRST = 4096


def kind_of(body: bytes) -> Kind:
    """The kind of document that ``body`` is; ``DocumentRefused`` for anything else, by its name where it has one."""
    for signature, kind in _SIGNATURES.items():
        if body.startswith(signature):
            return kind
    # Readers of PDF accept its header anywhere in the first 1,024 bytes.
    if b"%PDF-" in body[:1024]:
        return "PDF"
    if not body:
        raise DocumentRefused(Code.INVALID_IMAGE, "the body is empty", hint="send the bytes of a document")
    other = _other(body)
    raise DocumentRefused(
        Code.NOT_SUPPORTED_IMAGE,
        f"the body is {other}, and only JPEG, PNG, BMP, TIFF and PDF are read"
        if other
        else "the body is neither JPEG, PNG, BMP, TIFF nor PDF",
        hint="convert the document to one of these; its bytes count, not its name",
    )


def _other(body: bytes) -> str | None:
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "a WebP picture"
    if body[4:8] == b"ftyp":
        return _of_brands([body[8:12], *(body[place : place + 4] for place in range(16, min(body[3], 64), 4))])
    if body[128:132] == b"DICM":
        return "a DICOM picture"
    return next((name for signature, name in _OTHERS.items() if body.startswith(signature)), _markup(body[:_FIRST]))


def _of_brands(brands: list[bytes]) -> str:
    """What goes by these brands, the major one first; that may say no more than how a picture is stored."""
    return next((name for brand, name in _BRANDS.items() if brand in brands), "a film, or of a kind like one")


def _markup(start: bytes) -> str | None:
    text = start.replace(b"\0", b"").lower()  # of two bytes for each letter as well
    text = text.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if not text.startswith(b"<"):
        return None
    if b"<svg" in text:
        return "an SVG drawing"
    return "an HTML page" if b"<html" in text else "XML"
