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
    b"AT&TFORM": "a DjVu document",
    b"%!PS": "a PostScript document",
    b"{\\rtf": "an RTF document",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"\x1f\x8b": "compressed with gzip",
    b"\0\0\1\0": "an icon",
}
_BRANDS = {
    b"heic": "a HEIF picture",
    b"heix": "a HEIF picture",
    b"heim": "a HEIF picture",
    b"heis": "a HEIF picture",
    b"hevc": "a HEIF picture",
    b"hevx": "a HEIF picture",
    b"mif1": "a HEIF picture",
    b"msf1": "a HEIF picture",
    b"avif": "an AVIF picture",
    b"avis": "an AVIF picture",
}


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
        return _BRANDS.get(body[8:12])
    return next((name for signature, name in _OTHERS.items() if body.startswith(signature)), None)
