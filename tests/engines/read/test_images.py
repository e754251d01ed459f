"""Every kind of JPEG, PNG and BMP is read as a viewer shows it, or named for what it is."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence

import pytest
from PIL import Image, ImageDraw, ImageFont

from engines.read import Code, DocumentRefused, Recogniser
from tests.engines.read.test_pages import black_and_white, only_page, shades
from tests.rasters import bmp, os2_bmp, packed

WIDTH, HEIGHT = 100, 60
ROW = [0] * 50 + [1] * 50  # black, then white

TWO = bytes((0, 0, 0, 0, 255, 255, 255, 0))


def rows(bits: int, *, black: int, white: int, reverse: bool = False) -> bytes:
    """The picture as a BMP holds it: values of so many bits, each row filled up to four bytes."""
    row = packed([white if shade else black for shade in ROW], WIDTH, bits)
    if reverse:
        row = b"".join(row[start : start + bits // 8][::-1] for start in range(0, len(row), bits // 8))
    return (row + bytes(-len(row) % 4)) * HEIGHT


def greys(count: int, step: int = 1) -> bytes:
    return bytes(part for value in range(count) for part in (value * step, value * step, value * step, 0))


RGBA_MASKS = struct.pack("<LLLL", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
RLE_ROW = bytes((50, 0, 50, 255, 0, 0))
BMPS = {
    "1 bit": bmp(WIDTH, HEIGHT, 1, rows(1, black=0, white=1), colours=TWO),
    "1 bit inverted": bmp(WIDTH, HEIGHT, 1, rows(1, black=1, white=0), colours=TWO[4:] + TWO[:4]),
    "4 bits": bmp(WIDTH, HEIGHT, 4, rows(4, black=0, white=15), colours=greys(16, 17)),
    "4 bits of two colours": bmp(WIDTH, HEIGHT, 4, rows(4, black=0, white=1), colours=TWO),
    "8 bits": bmp(WIDTH, HEIGHT, 8, rows(8, black=0, white=255), colours=greys(256)),
    "8 bits of two colours": bmp(WIDTH, HEIGHT, 8, rows(8, black=0, white=1), colours=TWO),
    "16 bits": bmp(WIDTH, HEIGHT, 16, rows(16, black=0, white=0x7FFF, reverse=True)),
    "24 bits": bmp(WIDTH, HEIGHT, 24, rows(24, black=0, white=0xFFFFFF)),
    "24 bits from the top": bmp(WIDTH, -HEIGHT, 24, rows(24, black=0, white=0xFFFFFF)),
    "32 bits": bmp(WIDTH, HEIGHT, 32, rows(32, black=0, white=0xFFFFFF00)),
    "empty alpha": bmp(WIDTH, HEIGHT, 32, rows(32, black=0, white=0xFFFFFF00), compression=3, extra=RGBA_MASKS),
    "alpha": bmp(WIDTH, HEIGHT, 32, rows(32, black=0xFF, white=0), compression=3, extra=RGBA_MASKS),
    "run lengths": bmp(WIDTH, HEIGHT, 8, RLE_ROW * HEIGHT + b"\0\1", compression=1, colours=greys(256)),
    "OS/2": os2_bmp(WIDTH, HEIGHT, 1, rows(1, black=0, white=1), TWO[:3] + TWO[4:7]),
}


def png(mode: str, background: int | tuple[int, ...], ink: int | tuple[int, ...], **options: object) -> bytes:
    """A picture of a background, with ink on its left half."""
    picture = Image.new(mode, (WIDTH, HEIGHT), background)
    picture.paste(ink, (0, 0, 50, 60))
    file = io.BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()


def sixteen_bits() -> bytes:
    """A PNG of 16 bits whose paper is transparent, and darker than its ink."""
    pixels = Image.frombytes("I;16", (WIDTH, HEIGHT), (b"\x10\x00" * 50 + b"\x00\x00" * 50) * HEIGHT)
    file = io.BytesIO()
    pixels.save(file, "PNG", transparency=0)
    return file.getvalue()


def palette_png(transparency: int | bytes) -> bytes:
    """A PNG whose two colours are both black, one of them transparent."""
    picture = Image.new("P", (WIDTH, HEIGHT), 0)
    picture.putpalette([0, 0, 0, 0, 0, 0])
    picture.paste(1, (0, 0, 50, 60))
    file = io.BytesIO()
    picture.save(file, "PNG", transparency=transparency)
    return file.getvalue()


PNGS = {
    "grey, one shade transparent": png("L", 0, 5, transparency=0),
    "grey of 16 bits, one shade transparent": sixteen_bits(),
    "RGB, one colour transparent": png("RGB", (0, 0, 0), (5, 5, 5), transparency=(0, 0, 0)),
    "palette, one colour transparent": palette_png(0),
    "palette with alpha": palette_png(b"\x00\xff"),
    "grey with alpha": png("LA", (0, 0), (0, 255)),
    "RGB with alpha": png("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)),
}


@pytest.mark.parametrize("body", [*BMPS.values(), *PNGS.values()], ids=[*BMPS, *PNGS])
def test_a_picture_is_read_as_it_is_shown(body: bytes) -> None:
    left, right = shades(only_page(body))
    assert left <= 20
    assert right >= 240


def jpeg(mode: str, **options: object) -> bytes:
    file = io.BytesIO()
    black_and_white("RGB").convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


JPEGS: dict[str, Callable[[], bytes]] = {
    "grey": lambda: jpeg("L"),
    "progressive": lambda: jpeg("RGB", progressive=True),
    "RGB kept": lambda: jpeg("RGB", keep_rgb=True),
    "coarse colours": lambda: jpeg("RGB", subsampling=2),
    "CMYK with Adobe's marker": lambda: jpeg("CMYK"),
    "two pictures": lambda: two_pictures(1),
}


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_is_read_as_it_is_shown(name: str) -> None:
    left, right = shades(only_page(JPEGS[name]()))
    assert left <= 5
    assert right >= 250


def scene(**options: object) -> bytes:
    """A JPEG in which no row is like another."""
    picture = black_and_white("RGB")
    for row in range(HEIGHT):
        picture.paste((row * 4, 255 - row * 4, 128), (row, row, row + 40, row + 1))
    file = io.BytesIO()
    picture.save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_jpeg_that_lacks_only_its_end_is_read_and_one_that_lacks_more_is_not(subsampling: int) -> None:
    whole = scene(subsampling=subsampling)
    for lacking in (1, 2):
        assert only_page(whole[:-lacking]).pixels == only_page(whole).pixels
    for body in (
        *(whole[:-lacking] for lacking in (60, 200, len(whole) // 3)),
        *(scene(progressive=True)[:-lacking] for lacking in (1, 2, 60)),
    ):
        with pytest.raises(DocumentRefused, match="is damaged and cannot be read") as refused:
            only_page(body)
        assert refused.value.code is Code.INVALID_IMAGE


def two_pictures(orientation: int) -> bytes:
    """A camera's file of two pictures, the first turned as its camera says."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture, file = black_and_white("RGB"), io.BytesIO()
    picture.save(file, "MPO", exif=exif, save_all=True, append_images=[picture.convert("L").convert("RGB")])
    return file.getvalue()


TURNS: Sequence[Image.Transpose | None] = [
    None,
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.ROTATE_180,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_90,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_270,
]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "MPO"])
def test_a_picture_is_turned_as_it_says_in_each_of_the_eight_ways(kind: str) -> None:
    for orientation, turn in enumerate(TURNS, 1):
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture = black_and_white("RGB")
        file = io.BytesIO()
        (picture if turn is None else picture.transpose(turn)).save(file, kind, exif=exif)
        page = only_page(file.getvalue())
        assert (page.width, page.height) == (WIDTH, HEIGHT), orientation
        left, right = shades(page)
        assert (left <= 5, right >= 250) == (True, True), orientation


@pytest.mark.parametrize("unit", [0, 1])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_that_are_no_squares_are_turned_with_the_picture(orientation: int, unit: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture, jpeg, png = black_and_white("L"), io.BytesIO(), io.BytesIO()
    picture.save(jpeg, "JPEG", exif=exif, dpi=(200, 100))
    picture.save(png, "PNG", exif=exif, dpi=(200, 100))
    jfif = jpeg.getvalue().replace(b"JFIF\0\1\1\1", b"JFIF\0\1\1" + bytes((unit,)))
    density = png.getvalue().index(b"pHYs") + 12
    phys = bytearray(png.getvalue())
    phys[density] = unit
    phys[density + 1 : density + 5] = struct.pack(">L", zlib.crc32(phys[density - 12 : density + 1]))
    for body in (jfif, bytes(phys)):
        assert only_page(body).aspect == pytest.approx(0.5 if orientation > 4 else 2, abs=0.001)


def lettering(heading: tuple[int, ...], body: tuple[int, ...]) -> bytes:
    """Large letters on transparent ground, the first line in another colour than the others."""
    picture = Image.new("RGBA", (420, 300), (0, 0, 0, 0))
    font = ImageFont.load_default(size=32)
    for row, text in enumerate(("HEADING", "FIRST LINE", "SECOND LINE", "THIRD LINE", "FOURTH LINE")):
        ImageDraw.Draw(picture).text((20, 20 + 55 * row), text, font=font, fill=body if row else heading)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


DARK, WHITE, RED, PALE = (0, 0, 0, 255), (255, 255, 255, 255), (200, 0, 0, 255), (230, 230, 180, 255)


@pytest.mark.parametrize(
    ("heading", "body"), [(DARK, WHITE), (WHITE, DARK), (RED, WHITE), (PALE, RED), (DARK, DARK), (WHITE, WHITE)]
)
def test_letters_of_each_colour_are_read_on_transparent_ground(
    recogniser: Recogniser, heading: tuple[int, ...], body: tuple[int, ...]
) -> None:
    lines = recogniser.read(only_page(lettering(heading, body)), seconds=60).lines
    assert [line.text for line in lines] == ["HEADING", "FIRST LINE", "SECOND LINE", "THIRD LINE", "FOURTH LINE"]


def test_a_picture_that_is_opaque_but_at_its_edge_is_read_as_it_is() -> None:
    picture = black_and_white("RGB").convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, WIDTH, 3))
    file = io.BytesIO()
    picture.save(file, "PNG")
    left, right = shades(only_page(file.getvalue()))
    assert (left <= 5, right >= 250) == (True, True)


def framed(marker: int, bits: int, components: int) -> bytes:
    """The beginning of a JPEG, up to the header of its frame."""
    parts = b"".join(bytes((number, 0x11, 0)) for number in range(components))
    frame = bytes((bits,)) + struct.pack(">HH", HEIGHT, WIDTH) + bytes((components,)) + parts
    return b"\xff\xd8\xff\xe0\0\x04ab\xff" + bytes((marker,)) + struct.pack(">H", 2 + len(frame)) + frame + b"\xff\xd9"


UNUSUAL = {
    "12 bits": (framed(0xC1, 12, 1), "of 12 bits"),
    "lossless, 16 bits": (framed(0xC3, 16, 1), "of 16 bits"),
    "hierarchical": (framed(0xC5, 8, 1), "hierarchical"),
    "JPEG-LS": (framed(0xF7, 8, 1), "JPEG-LS"),
    "two components": (framed(0xC0, 8, 2), "of 2 components"),
    "BMP of 2 bits": (bmp(WIDTH, HEIGHT, 2, rows(2, black=0, white=3), colours=greys(4, 85)), r"pixel depth \(2\)"),
    "a JPEG in a BMP": (bmp(WIDTH, HEIGHT, 24, jpeg("L"), compression=4), r"compression \(4\)"),
    "BMP of strange masks": (
        bmp(WIDTH, HEIGHT, 16, rows(16, black=0, white=1), compression=3, extra=struct.pack("<LLL", 1, 2, 4)),
        "bitfields layout",
    ),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_a_kind_of_picture_that_is_not_read_is_named(name: str) -> None:
    body, said = UNUSUAL[name]
    with pytest.raises(DocumentRefused, match=said) as refused:
        only_page(body)
    assert refused.value.code is Code.NOT_SUPPORTED_IMAGE


OTHERS = {
    "a GIF picture": b"GIF89a",
    "a WebP picture": b"RIFF\x10\0\0\0WEBPVP8 ",
    "a HEIF picture": b"\0\0\0\x18ftypheic\0\0\0\0mif1",
    "a HEIF picture by its other brand": b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
    "an AVIF picture": b"\0\0\0\x18ftypavif\0\0\0\0mif1",
    "an AVIF picture by its other brand": b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif",
    "a JPEG 2000 picture": b"\0\0\0\x0cjP  \r\n\x87\n",
    "a JPEG 2000 picture by its brand": b"\0\0\0\x14ftypjp2 ",
    "a JPEG 2000 picture alone": b"\xff\x4f\xff\x51",
    "a JPEG XL picture": b"\xff\x0a\0\0",
    "a Photoshop picture": b"8BPS\0\1",
    "an SVG drawing": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "an SVG drawing in XML": b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn --><svg/>",
    "an SVG drawing of two bytes": "\ufeff<svg/>".encode("utf-16-le"),
    "an HTML page": b"<!DOCTYPE html><html>",
    "XML": b"<?xml version='1.0'?><letter/>",
    "a film": b"\0\0\0\x18ftypisom",
    "a DICOM picture": bytes(128) + b"DICM",
    "a Windows metafile": b"\xd7\xcd\xc6\x9a",
    "a PPM picture": b"P6 1 1 255",
    "a PostScript document": b"\xc5\xd0\xd3\xc6",
    "compressed with gzip": b"\x1f\x8b\x08\0",
    "a ZIP archive": b"PK\x03\x04",
    "a JPEG in base64": b"/9j/4AAQ",
    "a data URL": b"data:image/png;base64,iVBOR",
}
ASKED_AGAIN = (" by its", " alone", " in XML", " of two")


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_document_is_called_by_its_name(name: str) -> None:
    called = next((name.partition(more)[0] for more in ASKED_AGAIN if more in name), name)
    with pytest.raises(DocumentRefused, match=f"the body is {called}") as refused:
        only_page(OTHERS[name])
    assert refused.value.code is Code.NOT_SUPPORTED_IMAGE
