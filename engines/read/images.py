"""JPEG, PNG and BMP to grey pixels, through Pillow."""

import io
import warnings
from dataclasses import dataclass

# The plugins are imported here, all of them: Pillow would import a camera's second picture only when it meets one,
# and by then the process may have given up its privileges.
from PIL import (
    BmpImagePlugin,  # noqa: F401
    ExifTags,
    Image,
    ImageFile,
    ImageOps,
    JpegImagePlugin,  # noqa: F401
    MpoImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
)

from engines.read.bmp import as_shown, name_of_bmp, opaque
from engines.read.density import turn_density
from engines.read.jpeg import is_in_one_scan, name_of_jpeg
from engines.read.refusal import Code, DocumentRefused
from engines.read.shades import grey

# Pillow's own guard against decompression bombs is below the 10,000 x 10,000 pixels that Read allows.
# Limits.check_page stands in for it: it runs on the header's size, before a pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

_END = b"\xff\xd9"
_MORE = bytes(range(1, 255)) * 8

# Its remarks on single files are no business of a container's log: the answer says what is wrong.
warnings.filterwarnings("ignore", module=r"PIL\b")


@dataclass(frozen=True)
class OneImage:
    """A JPEG, PNG or BMP: one page. The other frames of an animation or of a camera's JPEG are no pages."""

    body: bytes
    kind: str
    sizes: tuple[tuple[int, int]]

    def image(self, _number: int) -> Image.Image:
        """The page in shades of grey, the right way up as its camera saw it."""
        try:
            return _shades(self.body, self.kind)
        except OSError:
            if self.kind == "JPEG" and (ended := _with_its_end(self.body)):
                return _shades(ended, self.kind)
            raise


def _shades(body: bytes, kind: str) -> Image.Image:
    with _open(body, kind) as image:
        # A JPEG holds its brightness apart: there is no need to make colours and mix them again.
        image.draft("L", None)
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        shades = grey(opaque(image) if kind == "BMP" else image)
        turn_density(shades, orientation)
    ImageOps.exif_transpose(shades, in_place=True)
    return shades


def _with_its_end(body: bytes) -> bytes | None:
    """A JPEG that lacks nothing but its end, with it: then whatever comes before the end is not looked at."""
    whole = body.removesuffix(b"\xff")
    if not is_in_one_scan(body):
        return None
    ended, longer = (whole + more + _END for more in (b"", _MORE))
    return ended if _shades(ended, "JPEG").tobytes() == _shades(longer, "JPEG").tobytes() else None


def open_image(body: bytes, kind: str) -> OneImage:
    """A JPEG, PNG or BMP with its size from the header alone; ``DocumentRefused`` where it is of a kind not read."""
    if kind == "JPEG" and (name := name_of_jpeg(body)):
        raise _not_read(kind, name)
    try:
        with _open(body, kind) as image:
            return OneImage(as_shown(body, image) if kind == "BMP" else body, kind, (image.size,))
    except OSError as error:
        if name := name_of_bmp(error):
            raise _not_read(kind, name) from error
        raise


def _not_read(kind: str, name: str) -> DocumentRefused:
    return DocumentRefused(
        Code.NOT_SUPPORTED_IMAGE,
        f"the {kind} is {name}, which is not read",
        hint="convert it to a plain JPEG or PNG of 8 bits",
    )


def _open(body: bytes, kind: str) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(body), formats=[kind])
