"""JPEG, PNG, BMP and TIFF to grey pixels, through Pillow."""

import io
import warnings

# The four plugins are imported here, all of them: Pillow would import TIFF's only when it meets one,
# and by then the process may have given up its privileges.
from PIL import (
    BmpImagePlugin,  # noqa: F401
    Image,
    ImageFile,
    ImageOps,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
)

from engines.read.refusal import Code, DocumentRefused

# Pillow's own guard against decompression bombs is below the 10,000 x 10,000 pixels that Read allows.
# Limits.check_page stands in for it: it runs on the header's size, before a pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

# Its remarks on single files are no business of a container's log: the answer says what is wrong.
warnings.filterwarnings("ignore", module=r"PIL\b")


def image_sizes(body: bytes, kind: str, *, most: int) -> list[tuple[int, int]]:
    """Width and height of each page, from the headers alone; at most ``most`` pages are looked at.

    Only a TIFF has pages: the other frames of an animated PNG or of a camera's JPEG are not pages.
    """
    with _open(body, kind) as image:
        sizes = [image.size]
        while kind == "TIFF" and len(sizes) < most:
            try:
                image.seek(len(sizes))
            except EOFError:
                break
            sizes.append(image.size)
        return sizes


def decode_image(body: bytes, kind: str, number: int) -> Image.Image:
    """Page ``number`` in shades of grey, the right way up as its camera saw it."""
    with _open(body, kind) as image:
        if number > 1:
            image.seek(number - 1)
        # A JPEG holds its brightness apart: there is no need to make colours and mix them again.
        image.draft("L", None)
        grey = _grey(image)
    ImageOps.exif_transpose(grey, in_place=True)
    return grey


def _open(body: bytes, kind: str) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(body), formats=[kind])


def _grey(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow would clip 16 bits at 255, and so turn a scan white.
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if image.mode in ("I", "F"):
        # Nothing says which of these numbers is white, and a page read wrongly would still be charged.
        raise DocumentRefused(
            Code.NOT_SUPPORTED_IMAGE,
            "an image of 32 bits for each shade is not a scanned page",
            hint="convert it to 8 or 16 bits",
        )
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        return paper.convert("L")
    if image.mode == "CMYK":
        return image.convert("RGB").convert("L")
    return image.convert("L")
