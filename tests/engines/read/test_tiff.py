"""Every kind of TIFF is read as a viewer shows it, or named for what it is; what is no page is not one."""

import io
import math
import struct
from collections.abc import Callable
from functools import partial

import pytest
from PIL import Image

from engines.read import Code, DocumentRefused, Limits, open_document
from tests import pictures
from tests.engines.read.test_pages import only_page, shades
from tests.rasters import Tags, packed, tiff

LIMITS = Limits()
WIDTH, HEIGHT = 100, 60
SIZE: Tags = {256: WIDTH, 257: HEIGHT}
DARK_LEFT = ([0] * 50 + [1] * 50) * HEIGHT
BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, PLANES = 258, 259, 262, 277, 284
PALETTE, EXTRA, FORMAT, SUBSAMPLING = 320, 338, 339, 530
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, COLOURS, MASK, CMYK, YCBCR, LAB, ICC_LAB, ITU_LAB = 0, 1, 2, 3, 4, 5, 6, 8, 9, 10


def grey(bits: int, photometric: int = BLACK_IS_ZERO, *, order: str = "<") -> bytes:
    """One sample of so many bits, black on the left and white on the right."""
    largest = 2**bits - 1
    black, white = (largest, 0) if photometric == WHITE_IS_ZERO else (0, largest)
    values = [white if shade else black for shade in DARK_LEFT]
    pixels = struct.pack(f"{order}{len(values)}H", *values) if bits == 16 else packed(values, WIDTH, bits)
    return tiff(({**SIZE, BITS: bits, PHOTOMETRIC: photometric}, pixels), order=order)


def colours(
    photometric: int,
    black: tuple[int, ...],
    white: tuple[int, ...],
    tags: Tags | None = None,
    *,
    bits: int = 8,
    order: str = "<",
) -> bytes:
    """Several samples for each pixel, one after the other or in planes."""
    pixels = [white if shade else black for shade in DARK_LEFT]
    planes = (tags or {}).get(PLANES) == 2
    if planes:
        values = [pixel[plane] for plane in range(len(black)) for pixel in pixels]
    else:
        values = [value for pixel in pixels for value in pixel]
    data = struct.pack(f"{order}{len(values)}{'H' if bits == 16 else 'B'}", *values)
    told = {**SIZE, BITS: [bits] * len(black), SAMPLES: len(black), PHOTOMETRIC: photometric, **(tags or {})}
    if planes:
        size = len(data) // len(black)
        told |= {273: [8 + size * plane for plane in range(len(black))], 279: [size] * len(black)}
    return tiff((told, data), order=order)


def floats(
    black: float, white: float, tags: Tags | None = None, photometric: int = BLACK_IS_ZERO, order: str = "<"
) -> bytes:
    pixels = struct.pack(f"{order}{len(DARK_LEFT)}f", *(white if shade else black for shade in DARK_LEFT))
    return tiff(({**SIZE, BITS: 32, FORMAT: 3, PHOTOMETRIC: photometric, **(tags or {})}, pixels), order=order)


def without(tag: int, body: bytes) -> bytes:
    """The TIFF with a tag called by a number that nobody knows."""
    entry = struct.pack("<HHL", tag, 3, 1)
    assert body.count(entry) == 1
    return body.replace(entry, struct.pack("<HHL", 65000, 3, 1))


def old_jpeg() -> bytes:
    """A JPEG in a TIFF as it was done before 1995."""
    picture, file = Image.new("RGB", (112, 64), "white"), io.BytesIO()
    picture.paste("black", (0, 0, 56, 64))
    picture.save(file, "JPEG", quality=95, subsampling=0)
    jpeg = file.getvalue()
    place = {513: 8, 514: len(jpeg)}
    return tiff(({256: 112, 257: 64, BITS: (8,) * 3, COMPRESSION: 6, PHOTOMETRIC: YCBCR, SAMPLES: 3, **place}, jpeg))


def tiles() -> bytes:
    tile = {0: bytes(256), 1: b"\xff" * 256}
    shades = [0, 0, 0, 1, 1, 1] * 4
    places = [8 + 256 * number for number in range(len(shades))]
    told: Tags = {256: 96, 257: 64, 322: 16, 323: 16, 324: places, 325: [256] * len(shades)}
    return tiff((told, b"".join(map(tile.__getitem__, shades))))


def palette(bits: int, largest: int) -> bytes:
    """Colours in a palette, the last of which is black."""
    count = 2**bits
    shades = [(count - 1 - number) * largest // (count - 1) for number in range(count)]
    pixels = packed([0 if shade else count - 1 for shade in DARK_LEFT], WIDTH, bits)
    return tiff(({**SIZE, BITS: bits, PHOTOMETRIC: COLOURS, PALETTE: shades * 3}, pixels))


def subsampled() -> bytes:
    """YCbCr of which one pair of colours stands for four pixels."""
    block = {0: bytes((0, 0, 0, 0, 128, 128)), 1: bytes((255, 255, 255, 255, 128, 128))}
    data = b"".join(block[DARK_LEFT[column]] for _ in range(HEIGHT // 2) for column in range(0, WIDTH, 2))
    return tiff(({**SIZE, BITS: (8, 8, 8), SAMPLES: 3, PHOTOMETRIC: YCBCR, SUBSAMPLING: (2, 2)}, data))


def compressed(compression: str) -> bytes:
    picture = Image.new("L", (WIDTH, HEIGHT), "white")
    picture.paste(0, (0, 0, 50, 60))
    file = io.BytesIO()
    bilevel = compression in ("group3", "group4", "tiff_ccitt")
    (picture.convert("1") if bilevel else picture).save(file, "TIFF", compression=compression)
    return file.getvalue()


LITTLE, BIG = "<", ">"
TWO_BYTES = 65535
READ: dict[str, Callable[[], bytes]] = {
    **{
        f"{bits} bits, {'white' if photometric == WHITE_IS_ZERO else 'black'} is 0, {order}": partial(
            grey, bits, photometric, order=order
        )
        for bits in (1, 2, 4, 8, 16)
        for photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO)
        for order in (LITTLE, BIG)
    },
    "12 bits": lambda: grey(12),
    "bits in reverse": lambda: tiff(
        ({**SIZE, BITS: 1, 266: 2}, bytes(int(f"{byte:08b}"[::-1], 2) for byte in packed(DARK_LEFT, WIDTH, 1)))
    ),
    "floats from 0 to 1": lambda: floats(0, 1),
    "floats in the other order": lambda: floats(0, 1, order=BIG),
    "numbers of no stated format": lambda: tiff(({**SIZE, FORMAT: 4}, bytes(255 * shade for shade in DARK_LEFT))),
    "colours of no stated kind, grey": lambda: without(PHOTOMETRIC, grey(8)),
    "colours of no stated kind, 16 bits": lambda: without(PHOTOMETRIC, grey(16)),
    "colours of no stated kind, a bit": lambda: without(PHOTOMETRIC, grey(1)),
    "colours of no stated kind, RGB": lambda: without(PHOTOMETRIC, colours(RGB, (0, 0, 0), (255, 255, 255))),
    "a JPEG in the old way": old_jpeg,
    "tiles": tiles,
    "floats, white is 0": lambda: floats(1, 0, photometric=WHITE_IS_ZERO),
    "floats of a range that is told": lambda: floats(-300, 2250, {340: -300.0, 341: 2250.0}),
    "RGB": lambda: colours(RGB, (0, 0, 0), (255, 255, 255)),
    "RGB in planes": lambda: colours(RGB, (0, 0, 0), (255, 255, 255), {PLANES: 2}),
    "RGB of 16 bits": lambda: colours(RGB, (0, 0, 0), (TWO_BYTES,) * 3, bits=16),
    "RGB of 16 bits, the other order": lambda: colours(RGB, (0, 0, 0), (TWO_BYTES,) * 3, bits=16, order=BIG),
    "RGB of 16 bits in planes": lambda: colours(RGB, (0, 0, 0), (TWO_BYTES,) * 3, {PLANES: 2}, bits=16),
    "RGB with alpha": lambda: colours(RGB, (0, 0, 0, 255), (0, 0, 0, 0), {EXTRA: 2}),
    "RGB with premultiplied alpha": lambda: colours(RGB, (0, 0, 0, 255), (0, 0, 0, 0), {EXTRA: 1}),
    "RGB with something else": lambda: colours(RGB, (0, 0, 0, 0), (255, 255, 255, 0), {EXTRA: 0}),
    "grey with alpha": lambda: colours(BLACK_IS_ZERO, (0, 255), (0, 0), {EXTRA: 2}),
    "CMYK": lambda: colours(CMYK, (0, 0, 0, 255), (0, 0, 0, 0)),
    "CMYK in planes": lambda: colours(CMYK, (0, 0, 0, 255), (0, 0, 0, 0), {PLANES: 2}),
    "CMYK of 16 bits": lambda: colours(CMYK, (0, 0, 0, TWO_BYTES), (0, 0, 0, 0), bits=16),
    "CMYK with alpha": lambda: colours(CMYK, (0, 0, 0, 255, 255), (0, 0, 0, 0, 255), {EXTRA: 2}),
    "YCbCr": lambda: colours(YCBCR, (0, 128, 128), (255, 128, 128), {SUBSAMPLING: (1, 1)}),
    "YCbCr of coarse colours": subsampled,
    "CIELAB": lambda: colours(LAB, (0, 0, 0), (255, 0, 0)),
    "CIELAB in planes": lambda: colours(LAB, (0, 0, 0), (255, 0, 0), {PLANES: 2}),
    "CIELAB of 16 bits": lambda: colours(LAB, (0, 0, 0), (TWO_BYTES, 0, 0), bits=16),
    "CIELAB of 16 bits, the other order": lambda: colours(LAB, (0, 0, 0), (TWO_BYTES, 0, 0), bits=16, order=BIG),
    "CIELAB with alpha": lambda: colours(LAB, (0, 0, 0, 255), (255, 0, 0, 255), {EXTRA: 2}),
    "CIELAB of lightness alone": lambda: grey(8, LAB),
    "ICC L*a*b*": lambda: colours(ICC_LAB, (0, 128, 128), (255, 128, 128)),
    "ITU L*a*b*": lambda: colours(ITU_LAB, (0, 128, 128), (255, 128, 128)),
    **{f"palette of {bits} bits": partial(palette, bits, TWO_BYTES) for bits in (1, 2, 4, 8)},
    "palette of dark colours": lambda: palette(8, 255),
    **{
        f"compressed with {compression}": partial(compressed, compression)
        for compression in (
            "group3",
            "group4",
            "tiff_ccitt",
            "tiff_lzw",
            "packbits",
            "tiff_adobe_deflate",
            "jpeg",
            "zstd",
        )
    },
}


@pytest.mark.parametrize("name", READ)
def test_a_tiff_is_read_as_it_is_shown(name: str) -> None:
    left, right = shades(only_page(READ[name]()))
    assert left <= 5
    assert right >= 250


EMPTY = bytes(WIDTH * HEIGHT * 8)
NAMED: dict[str, tuple[Tags, str]] = {
    "floats of another range": ({BITS: 32, FORMAT: 3}, "floating-point numbers"),
    "floats of 16 bits": ({BITS: 16, FORMAT: 3}, r"grey \(16 bits, floating point\)"),
    "floats of 64 bits": ({BITS: 64, FORMAT: 3}, r"grey \(64 bits, floating point\)"),
    "RGB of floats": ({BITS: (32,) * 3, SAMPLES: 3, FORMAT: (3, 3, 3), PHOTOMETRIC: RGB}, r"RGB \(32 \+ 32 \+ 32 bits"),
    "grey and alpha of floats": (
        {BITS: (32,) * 2, SAMPLES: 2, FORMAT: 3, EXTRA: 2},
        r"grey \(32 \+ 32 bits, floating point",
    ),
    "complex numbers": ({BITS: 64, FORMAT: 6}, r"grey \(64 bits, complex floating point\)"),
    "32 bits": ({BITS: 32}, "integers of 32 bits"),
    "signed": ({BITS: 8, FORMAT: 2}, r"grey \(8 bits, signed\)"),
    "signed, 16 bits": ({BITS: 16, FORMAT: 2}, r"grey \(16 bits, signed\)"),
    "10 bits": ({BITS: 10}, r"grey \(10 bits\)"),
    "palette of 16 bits": ({BITS: 16, PHOTOMETRIC: COLOURS, PALETTE: (0,) * 30}, r"palette colours \(16 bits\)"),
    "CMY": ({BITS: (8,) * 3, SAMPLES: 3, PHOTOMETRIC: CMYK}, r"CMYK \(8 \+ 8 \+ 8 bits\)"),
    "a camera's sensor": ({PHOTOMETRIC: 32803}, "raw colours of a camera's sensor"),
    "nobody's colours": ({PHOTOMETRIC: 60000}, "colours of kind 60000"),
    **{
        f"compression {number}": ({COMPRESSION: number}, f"compressed as {name}")
        for number, name in {34712: "JPEG 2000", 50001: "WebP", 34661: "JBIG", 34887: "LERC", 52546: "JPEG XL"}.items()
    },
    "nobody's compression": ({COMPRESSION: 60000}, "compression 60000"),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_kind_of_tiff_that_is_not_read_is_named(name: str) -> None:
    tags, said = NAMED[name]
    pixels = struct.pack("<f", 300.0) * WIDTH * HEIGHT if name == "floats of another range" else EMPTY
    with pytest.raises(DocumentRefused, match=said) as refused:
        only_page(tiff(({**SIZE, **tags}, pixels)))
    assert refused.value.code is Code.NOT_SUPPORTED_IMAGE


NOT_NUMBERS = {
    "from 0 to infinity": (0.0, math.inf),
    "from minus infinity to 1": (-math.inf, 1.0),
    "not a number": (0.0, math.nan),
}


@pytest.mark.parametrize("said", NOT_NUMBERS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_floats_that_are_no_numbers_are_said_in_words(said: str, order: str) -> None:
    for told in [{}] if math.inf in map(abs, NOT_NUMBERS[said]) else [{}, {340: 0.0, 341: 1.0}]:
        with pytest.raises(DocumentRefused, match=said) as refused:
            only_page(floats(*NOT_NUMBERS[said], told, order=order))
        assert refused.value.code is Code.NOT_SUPPORTED_IMAGE


SMALL: Tags = {256: 51, 257: 52}
WHOLE = (SIZE, bytes(WIDTH * HEIGHT))
NO_PAGES: dict[str, Tags] = {
    "a thumbnail": {254: 1},
    "a thumbnail of one page of many": {254: 3},
    "an old thumbnail": {255: 2},
    "a mask": {254: 4, BITS: 1, PHOTOMETRIC: MASK},
    "a mask that is not called one": {BITS: 1, PHOTOMETRIC: MASK},
    "a thumbnail of a mask": {254: 5, BITS: 1, PHOTOMETRIC: MASK},
    "a map of depths": {254: 8},
    "a map of depths of one page of many": {254: 10},
    "depths that are not called so": {PHOTOMETRIC: 51177},
    "another preview": {254: 0x10001},
    "another mask": {254: 0x10004},
}


@pytest.mark.parametrize("name", NO_PAGES)
@pytest.mark.parametrize("order", [LITTLE, BIG])
def test_thumbnails_and_masks_are_no_pages(name: str, order: str) -> None:
    other: tuple[Tags, bytes] = ({**SMALL, **NO_PAGES[name]}, bytes(51 * 52))
    for images in ([other, WHOLE], [WHOLE, other], [other, WHOLE, other, WHOLE, other]):
        document = open_document(tiff(*images, order=order), LIMITS)
        assert document.sizes == ((WIDTH, HEIGHT),) * images.count(WHOLE)
        assert [document.page(number).width for number in document.select(None)] == [WIDTH] * images.count(WHOLE)


def test_a_page_of_several_is_a_page_whatever_it_is_called() -> None:
    document = open_document(
        tiff(*(({**SIZE, **tags}, EMPTY) for tags in ({254: 2}, {255: 3}, {255: 1}, {254: 16}, {254: 18}, {254: 32}))),
        LIMITS,
    )
    assert len(document.sizes) == 6


def test_a_thumbnail_alone_is_shown_and_so_it_is_read() -> None:
    alone = tiff(({**SIZE, 254: 1}, bytes(WIDTH * HEIGHT)))
    assert open_document(alone, LIMITS).page(1).width == WIDTH


def test_a_tiff_without_pages_is_called_that() -> None:
    with pytest.raises(DocumentRefused, match="the TIFF has no pages") as refused:
        open_document(b"II*\0\0\0\0\0", LIMITS)
    assert refused.value.code is Code.INVALID_IMAGE


def test_a_page_can_be_read_beside_one_of_a_kind_that_is_not() -> None:
    document = open_document(tiff(({**SIZE, BITS: 64, FORMAT: 3}, EMPTY), WHOLE), LIMITS)
    assert document.page(2).width == WIDTH
    with pytest.raises(DocumentRefused, match="page 1 of the TIFF"):
        document.page(1)


def test_pages_can_be_read_before_a_directory_that_is_damaged() -> None:
    whole = tiff(WHOLE, WHOLE, WHOLE)
    document = open_document(whole[:-4] + struct.pack("<L", len(whole) + 999), LIMITS)
    assert [document.page(number).width for number in (1, 2, 3)] == [WIDTH] * 3
    with pytest.raises(DocumentRefused, match="page 4 of the TIFF is damaged"):
        document.page(4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("unit", [1, 2, 3])
def test_pixels_that_are_no_squares_are_turned_with_the_page(orientation: int, unit: int) -> None:
    page = only_page(tiff(({**SIZE, 274: orientation, 282: 204, 283: 102, 296: unit}, EMPTY)))
    assert page.aspect == (0.5 if orientation > 4 else 2)


@pytest.mark.parametrize("options", [{}, {"big_tiff": True}, {"compression": "group4", "big_tiff": True}])
def test_each_page_of_a_large_tiff_is_its_own(options: dict[str, object]) -> None:
    pages = [pictures.sign(text).convert("1") for text in ("FIRST", "SECOND", "THIRD")]
    file = io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:], **options)
    document = open_document(file.getvalue(), LIMITS)
    read = [document.page(number).pixels for number in document.select(None)]
    assert read == [page.convert("L").tobytes() for page in pages]


def test_pages_that_lead_back_to_the_first_are_counted_once() -> None:
    body = bytearray(pictures.tiff_of_folders(3))
    (first,) = struct.unpack("<L", body[4:8])
    body[-4:] = struct.pack("<L", first)
    assert len(open_document(bytes(body), LIMITS).sizes) == 3
