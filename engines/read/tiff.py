"""The pages of a TIFF, through Pillow: its thumbnails and masks are none, and what cannot be read is named."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image, ImageOps, TiffImagePlugin

from engines.read.density import turn_density
from engines.read.refusal import Code, DocumentRefused, no_pages
from engines.read.shades import grey

_THUMBNAIL, _MASK, _DEPTH = 1, 4, 8  # bits of NewSubfileType; 2 and 16 are pages, of several and in layers (RFC 2301)
_OLD_THUMBNAIL = 2  # a value of SubfileType
_MASK_PHOTOMETRICS = (4, 51177)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_FAX = (2, 3, 4, 32771)
_PLANES = 2
_UNSIGNED, _SIGNED, _FLOATING, _UNDEFINED = 1, 2, 3, 4
_FORMATS = {_SIGNED: ", signed", _FLOATING: ", floating point", 5: ", complex", 6: ", complex floating point"}
_LAB = (8, 9, 10)

_PHOTOMETRIC = {
    0: "grey",
    1: "grey",
    2: "RGB",
    3: "palette colours",
    4: "transparency",
    5: "CMYK",
    6: "YCbCr",
    8: "CIELAB",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32803: "the raw colours of a camera's sensor",
    32844: "LogL",
    32845: "LogLuv",
    34892: "the raw colours of a camera",
    51177: "depth",
}
_COMPRESSION = {
    9: "JBIG",
    10: "JBIG",
    22610: "JPEG XR",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34676: "SGI Log",
    34677: "SGI Log",
    34712: "JPEG 2000",
    34887: "LERC",
    34933: "PNG",
    34934: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
# Pillow's libtiff says that it cannot do these, on the container's stderr.
_NOT_IN_LIBTIFF = {"webp", "tiff_sgilog", "tiff_sgilog24"}


_Key = tuple[bytes, int, tuple[int], int, tuple[int, ...], tuple[int, ...]]


def _more_modes() -> Iterator[tuple[_Key, tuple[str, str]]]:
    """Of L*a*b* its lightness is enough, which comes first as red does; alpha beside CMYK is no ink."""
    for order, letter in ((b"II", "L"), (b"MM", "B")):
        for lab in _LAB:
            yield (order, lab, (1,), 1, (8,), ()), ("L", "L")
            yield (order, lab, (1,), 1, (8, 8, 8), ()), ("RGB", "RGB")
            yield (order, lab, (1,), 1, (16, 16, 16), ()), ("RGB", f"RGB;16{letter}")
            for extra in (0, 1, 2):
                yield (order, lab, (1,), 1, (8, 8, 8, 8), (extra,)), ("RGB", "RGBX")
        for alpha in (1, 2):
            yield (order, 5, (1,), 1, (8, 8, 8, 8, 8), (alpha,)), ("CMYK", "CMYKX")
        # What does not say how its colours are meant is said to have white for 0.
        yield (order, _WHITE_IS_ZERO, (1,), 1, (8, 8, 8), ()), ("RGB", "RGB")
    yield (b"MM", _WHITE_IS_ZERO, (1,), 1, (16,), ()), ("I;16B", "I;16B")
    for photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):  # libtiff gives floats in the order of the machine
        yield (b"MM", photometric, (_FLOATING,), 1, (32,), ()), ("F", "F;32F")


TiffImagePlugin.OPEN_INFO.update(_more_modes())
# Numbers of no stated format are taken as they are usually written: TIFF 6.0, SampleFormat.
TiffImagePlugin.OPEN_INFO.update(
    {
        (order, photometric, (_UNDEFINED,), fill, bits, extra): modes
        for (order, photometric, formats, fill, bits, extra), modes in TiffImagePlugin.OPEN_INFO.items()
        if formats == (_UNSIGNED,)
    }
)
# Without libtiff Pillow takes planes of 16 bits for planes of 8, and knows no colours that are coarser than the page.
TiffImagePlugin.READ_LIBTIFF = True


@dataclass(frozen=True)
class Folder:
    """One image of a TIFF, as its directory describes it."""

    offset: int
    size: tuple[int, int]
    bits: tuple[int, ...]
    formats: tuple[int, ...]
    photometric: int
    tells_photometric: bool
    compression: int
    planes: bool
    is_thumbnail: bool
    is_mask: bool
    span: tuple[float, float] | None
    orientation: int
    is_damaged: bool = False

    @classmethod
    def of(cls, offset: int, tags: TiffImagePlugin.ImageFileDirectory_v2) -> "Folder":
        samples = tags.get(277, 1)
        bits = tuple(tags.get(258, (1,)))
        return cls(
            offset=offset,
            size=(int(tags[256]), int(tags[257])),
            bits=bits * samples if len(bits) == 1 else bits,
            formats=tuple(tags.get(339, (1,))),
            tells_photometric=262 in tags,
            photometric=tags.get(262, _usual_photometric(samples, tags.get(259, 1))),
            compression=tags.get(259, 1),
            planes=tags.get(284) == _PLANES and samples > 1,
            is_thumbnail=bool(tags.get(254, 0) & _THUMBNAIL) or tags.get(255) == _OLD_THUMBNAIL,
            is_mask=bool(tags.get(254, 0) & (_MASK | _DEPTH)) or tags.get(262) in _MASK_PHOTOMETRICS,
            span=_span(tags),
            orientation=tags.get(274, 1),
        )

    @property
    def is_readable(self) -> bool:
        """Whether Pillow takes these numbers for what they are, if it takes them at all."""
        known = TiffImagePlugin.COMPRESSION_INFO.get(self.compression, "webp")
        # Signed numbers would be taken for unsigned ones.
        return known not in _NOT_IN_LIBTIFF and _SIGNED not in self.formats

    def __str__(self) -> str:
        if not self.is_readable and self.compression in _COMPRESSION:
            return f"compressed as {_COMPRESSION[self.compression]}"
        numbers = _FORMATS.get(max(self.formats), "")
        planes = ", in planes" if self.planes else ""
        colours = _PHOTOMETRIC.get(self.photometric, f"colours of kind {self.photometric}")
        compressed = "" if self.compression in TiffImagePlugin.COMPRESSION_INFO else f", compression {self.compression}"
        bits = " + ".join(map(str, self.bits[:8]))
        return f"made of {colours} ({bits} bits{numbers}{planes}{compressed})"


@dataclass(frozen=True)
class TiffPages:
    """The pages of a TIFF; ``sizes`` are their widths and heights in pixels."""

    body: bytes
    folders: tuple[Folder, ...]

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        return tuple(folder.size for folder in self.folders)

    def image(self, number: int) -> Image.Image:
        """Page ``number`` in shades of grey, the right way up; ``DocumentRefused`` where it is of a kind not read."""
        folder = self.folders[number - 1]
        if folder.is_damaged:
            raise ValueError("its directory cannot be read")
        if not folder.is_readable:
            raise _not_read(number, folder)
        try:
            image = TiffImagePlugin.TiffImageFile(io.BytesIO(_beginning_at(self.body, folder.offset)))
        except SyntaxError as error:
            raise _not_read(number, folder) from error
        with image:
            image.load()
            turn_density(image, folder.orientation)
            _brighten(image)
            if folder.photometric in _LAB:
                return image.getchannel(0)
            inverted = folder.photometric == _WHITE_IS_ZERO
            shades = grey(image, bits=folder.bits[0], inverted=inverted, span=folder.span)
            taken_for_negative = not inverted and not folder.tells_photometric and image.mode in ("1", "L")
        return ImageOps.invert(shades) if taken_for_negative else shades


def open_tiff(body: bytes, *, most: int) -> TiffPages:
    """The pages of a TIFF, at most ``most`` of them, from its directories alone.

    A thumbnail or a mask is a page only where there is nothing else.
    """
    pages: list[Folder] = []
    others: list[Folder] = []
    for folder in _folders(body):
        (others if folder.is_thumbnail or folder.is_mask else pages).append(folder)
        if len(pages) == most:
            break
    shown = pages or [folder for folder in others if not folder.is_mask] or others
    if not shown:
        raise no_pages("TIFF")
    return TiffPages(body, tuple(shown))


def _usual_photometric(samples: int, compression: int) -> int:
    """How colours are meant where nothing is said of it, as libtiff takes them."""
    if samples == 3:
        return _RGB
    return _WHITE_IS_ZERO if compression in _FAX else _BLACK_IS_ZERO


def _span(tags: TiffImagePlugin.ImageFileDirectory_v2) -> tuple[float, float] | None:
    """The smallest and the largest number a sample has, where the file tells both."""
    ends = [tags[tag] for tag in (340, 341) if tag in tags]
    numbers = [float(end[0] if isinstance(end, tuple) else end) for end in ends]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _brighten(image: TiffImagePlugin.TiffImageFile) -> None:
    """Take a palette of 8 bits for what it is, although a TIFF's has 16: viewers do."""
    colours = image.tag_v2.get(320, ())
    if image.mode == "P" and max(colours) < 256:
        third = len(colours) // 3
        image.putpalette(bytes(colours[place + plane] for place in range(third) for plane in (0, third, 2 * third)))


def _folders(body: bytes) -> Iterator[Folder]:
    file = io.BytesIO(body)
    tags = TiffImagePlugin.ImageFileDirectory_v2(body[: 16 if _is_big(body) else 8])
    seen: set[int] = set()
    while tags.next and tags.next not in seen:
        offset = tags.next
        seen.add(offset)
        file.seek(offset)
        try:
            tags.load(file)
            folder = Folder.of(offset, tags)
        except Exception:  # whatever a parser raises over foreign bytes
            if len(seen) == 1:
                raise
            yield replace(folder, offset=offset, is_damaged=True)
            return  # where the next would be, nobody can tell
        yield folder


def _beginning_at(body: bytes, offset: int) -> bytes:
    """The same TIFF with another image as its first: each is opened apart, whatever is wrong with the others."""
    order: Literal["little", "big"] = "little" if body.startswith(b"II") else "big"
    start, width = (8, 8) if _is_big(body) else (4, 4)
    place = offset.to_bytes(width, order)
    return body if body[start : start + width] == place else body[:start] + place + body[start + width :]


def _is_big(body: bytes) -> bool:
    return b"+" in body[2:4]


def _not_read(number: int, folder: Folder) -> DocumentRefused:
    return DocumentRefused(
        Code.NOT_SUPPORTED_IMAGE,
        f"page {number} of the TIFF is {folder}, which is not read",
        hint="convert it to 8 bits of grey or RGB",
    )
