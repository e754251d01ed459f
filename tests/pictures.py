"""Test pictures, drawn the same each time: a letter and its text, signs, documents with pages, hostile files."""

import io
import struct
import zlib
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

LETTER = """\
Harbour Office, Quay Street 14
Port of Westhaven
Mr Thomas Keller
Keller Shipping Company
Dock Road 7, Eastport

Reference 2231/B, 4 March

Dear Mr Keller,

Thank you for your letter of February
about the berths at the northern quay.
We have read your request with care
and are glad to offer these terms.

In spring, berth 12 is reserved for
your ships each Monday and Thursday.
The crane may be used until 18 hours.
Water and power are part of the fee,
which stays at 4,250 for this year.

Please send us the papers of the ships
and a list of all cargo in advance.
Goods for cold storage must be named
one week before the ship arrives.

If any question is left open, please
call us. Mrs Adams will help you.

With kind regards,

Henry Brooks
Head of Harbour Office
Telephone 0555 1400, room 21
Enclosed: map of the quay
Copy: Harbour Master
Customs, Eastport
"""


def letter() -> tuple[Image.Image, str]:
    """A business letter of 1700 x 2200 pixels, and its text."""
    page = Image.new("L", (1700, 2200), "white")
    font = ImageFont.load_default(size=38)
    for row, line in enumerate(LETTER.splitlines()):
        ImageDraw.Draw(page).text((220, 170 + 54 * row), line, font=font, fill="black")
    return page, LETTER


def sign(text: str = "MIND THE STEP") -> Image.Image:
    """A small sign with a few words on it."""
    page = Image.new("L", (500, 120), "white")
    ImageDraw.Draw(page).text((40, 35), text, font=ImageFont.load_default(size=44), fill="black")
    return page


def encode(image: Image.Image, kind: str, more: Sequence[Image.Image] = ()) -> bytes:
    """The bytes of a JPEG, PNG, BMP, TIFF or PDF file; ``more`` are its further pages."""
    file = io.BytesIO()
    pages = {"save_all": True, "append_images": more} if more else {}
    image.save(file, kind, resolution=100, **pages)
    return file.getvalue()


def three_page_tiff() -> bytes:
    """A TIFF with the signs FIRST PAGE, SECOND PAGE and THIRD PAGE."""
    first, *more = (sign(f"{which} PAGE") for which in ("FIRST", "SECOND", "THIRD"))
    return encode(first, "TIFF", more)


def two_page_pdf() -> bytes:
    """A PDF with the signs FIRST PAGE and SECOND PAGE, 5 x 1.2 inches each."""
    return encode(sign("FIRST PAGE"), "PDF", [sign("SECOND PAGE")])


def pdf_of(*objects: str, trailer: str = "") -> bytes:
    """A PDF file of the given objects, numbered from 1; the first is the catalogue."""
    file = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(file))
        file += f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1")
    start = len(file)
    file += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    file += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    root = f"<< /Root 1 0 R /Size {len(objects) + 1} {trailer} >>"
    return bytes(file + f"trailer\n{root}\nstartxref\n{start}\n%%EOF\n".encode())


def text_pdf(lines: Sequence[str], *, size: int, font: str = "Helvetica") -> bytes:
    """A PDF page of letter paper with lines of text in one of the fonts that every reader has."""
    shown = " ".join(f"({line}) Tj 0 -{size * 1.2:g} Td" for line in lines)
    content = f"BT /F1 {size} Tf 72 720 Td {shown} ET"
    return pdf_of(
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{font} >>",
    )


def one_page_pdf(media_box: str, content: str = "", trailer: str = "") -> bytes:
    """A PDF of one page with the given box and drawing commands."""
    return pdf_of(
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox {media_box} /Contents 4 0 R >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        trailer=trailer,
    )


def encrypted_pdf() -> bytes:
    """A PDF that asks for a password."""
    key = "00" * 32
    entry = f"/Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4"
    return one_page_pdf("[0 0 300 300]", trailer=f"/Encrypt << {entry} >> /ID [<{key}> <{key}>]")


def png_claiming(width: int, height: int) -> bytes:
    """A tiny PNG file whose header claims any size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000))
    ends = chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + ends


def tiff_with_broken_second_page() -> bytes:
    """A TIFF whose second page ends before its pixels do."""
    return encode(sign("FIRST PAGE"), "TIFF", [sign("SECOND PAGE")])[:-20_000]


def hostile_files() -> dict[str, tuple[bytes, str]]:
    """Files that must be refused, by name, and the code of the refusal."""
    page = sign()
    whole = {kind: encode(page, kind) for kind in ("JPEG", "PNG", "BMP", "TIFF", "PDF")}
    empty_pdf = pdf_of("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>")
    return {
        "nothing": (b"", "InvalidImage"),
        "text": (b"Dear Sir or Madam", "NotSupportedImage"),
        "GIF": (encode(page, "GIF"), "NotSupportedImage"),
        "WEBP": (encode(page, "WEBP"), "NotSupportedImage"),
        "PPM": (encode(page, "PPM"), "NotSupportedImage"),
        "ICO": (encode(page, "ICO"), "NotSupportedImage"),
        **{f"half a {kind}": (file[: len(file) // 2], "InvalidImage") for kind, file in whole.items()},
        **{f"the start of a {kind}": (file[:12], "InvalidImage") for kind, file in whole.items()},
        "TIFF of 32 bits": (encode(page.convert("F"), "TIFF"), "NotSupportedImage"),
        "decompression bomb": (png_claiming(60_000, 60_000), "InvalidImageDimension"),
        "long strip": (png_claiming(10_001, 60), "InvalidImageDimension"),
        "too small": (encode(Image.new("L", (49, 400)), "PNG"), "InvalidImageDimension"),
        "claims more than it has": (png_claiming(9_000, 9_000), "InvalidImage"),
        "encrypted PDF": (encrypted_pdf(), "NotSupportedImage"),
        "PDF without pages": (empty_pdf, "InvalidImage"),
        "gigantic PDF page": (one_page_pdf("[0 0 90000000 90000000]"), "InvalidImageDimension"),
        "TIFF with a broken second page": (tiff_with_broken_second_page(), "InvalidImage"),
    }


def nested_forms_pdf(depth: int = 9, width: int = 10) -> bytes:
    """A PDF page that draws a form ``width`` times, which does the same with the next, ``depth`` times over."""
    first = 4
    resources = "<< /XObject << /F {} 0 R >> >>"
    forms = [
        f"<< /Type /XObject /Subtype /Form /BBox [0 0 300 300] /Resources {resources.format(first + 1 + level)}"
        f" /Length {6 * width} >>\nstream\n{'/F Do ' * width}\nendstream"
        for level in range(1, depth)
    ]
    line = "0 0 m 9 9 l S "
    return pdf_of(
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents {first} 0 R"
        f" /Resources {resources.format(first + 1)} >>",
        f"<< /Length {6 * width} >>\nstream\n{'/F Do ' * width}\nendstream",
        *forms,
        f"<< /Type /XObject /Subtype /Form /BBox [0 0 300 300] /Length {len(line)} >>\nstream\n{line}\nendstream",
    )


def many_paths_pdf(count: int = 300_000) -> bytes:
    """A PDF page of very many broad lines across all of it."""
    return one_page_pdf("[0 0 3000 3000]", "90 w " + "0 0 m 3000 2000 l 0 2900 l S\n" * count)


def shaded_pdf(count: int = 20_000) -> bytes:
    """A PDF page that is filled with a shading again and again."""
    content = "/S sh\n" * count
    function = "<< /FunctionType 2 /Domain [0 1] /C0 [0 0 0] /C1 [1 1 1] /N 1.7 >>"
    shading = f"<< /ShadingType 3 /ColorSpace /DeviceRGB /Coords [0 0 0 2000 2000 3000] /Function {function} >>"
    return pdf_of(
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 3000 3000] /Contents 4 0 R"
        f" /Resources << /Shading << /S {shading} >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
    )


def chatty_png(kind: bytes, texts: int, length: int) -> bytes:
    """A PNG file with so many text chunks before its pixels, each of which holds so many characters."""
    content = b"key\0" + {b"tEXt": b"", b"zTXt": b"\0", b"iTXt": b"\1\0\0\0"}[kind]
    text = b"a" * length
    content += text if kind == b"tEXt" else zlib.compress(text, 9)
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    whole = encode(sign(), "PNG")
    return whole[:33] + chunk * texts + whole[33:]


def jpeg_of_scans(scans: int) -> bytes:
    """A progressive JPEG that repeats its last scan very often."""
    file = io.BytesIO()
    Image.new("L", (2_000, 2_000), "white").save(file, "JPEG", progressive=True)
    whole = file.getvalue()
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * scans + whole[-2:]


def tiff_of_folders(count: int) -> bytes:
    """A TIFF of so many pages, all of which are the same few bytes."""
    tags = {256: 60, 257: 60, 258: 1, 259: 1, 262: 1, 273: 8, 277: 1, 278: 60, 279: 480}
    folder = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHLL", tag, 4, 1, tags[tag]) for tag in tags)
    places = [8 + 480 + number * (len(folder) + 4) for number in range(count)] + [0]
    folders = b"".join(folder + struct.pack("<L", after) for after in places[1:])
    return b"II*\0" + struct.pack("<L", places[0]) + b"\xff" * 480 + folders
