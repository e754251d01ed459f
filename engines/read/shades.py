"""An image of any mode in shades of grey, black on white as a viewer shows it."""

import math

from PIL import Image, ImageOps

from engines.read.refusal import Code, DocumentRefused
from engines.read.transparency import on_its_ground


def grey(
    image: Image.Image, *, bits: int = 16, inverted: bool = False, span: tuple[float, float] | None = None
) -> Image.Image:
    """The image in 256 shades of grey, on the ground that shows it where it is transparent.

    For modes of more than 8 bits: white is the largest number of so many ``bits``, or black is if it is ``inverted``;
    of floating-point numbers the larger end of their ``span``. ``DocumentRefused`` where nothing tells which is white.
    """
    if image.mode.startswith("I;16"):
        # Pillow would clip 16 bits at 255, and so turn a scan white.
        return image.convert("I").point(_table(bits, inverted, image.info.get("transparency")), "L")
    if image.mode == "F":
        shades = _of_floats(image, span)
        return ImageOps.invert(shades) if inverted else shades
    if image.mode == "I":
        raise _not_a_scan("integers of 32 bits")
    if image.mode == "LAB":
        return image.getchannel("L")
    if image.has_transparency_data:
        return on_its_ground(image.convert("RGBA"))
    if image.mode == "CMYK":
        return image.convert("RGB").convert("L")
    return image.convert("L")


def _table(bits: int, inverted: bool, transparent: object) -> list[int]:
    largest = 2**bits - 1
    table = [min(value, largest) * 255 // largest for value in range(2**16)]
    if inverted:
        table = [255 - shade for shade in table]
    if isinstance(transparent, int):
        table[transparent] = 255
    return table


def _of_floats(image: Image.Image, span: tuple[float, float] | None) -> Image.Image:
    lowest, highest = _extremes(image)
    # The mean of all is no number where one of them is none; extremes pass over it.
    if math.isnan(_extremes(image.resize((1, 1), Image.Resampling.BOX))[0]):
        raise _not_a_scan("floating-point numbers, some of which are not a number (NaN)")
    black, white = span or (0.0, 1.0)
    if not (black < white and (span or black <= lowest <= highest <= white)):
        raise _not_a_scan(f"floating-point numbers from {_said(lowest)} to {_said(highest)}")
    return image.point(lambda value: value * (255 / (white - black)) - black * (255 / (white - black))).convert("L")


def _extremes(image: Image.Image) -> tuple[float, float]:
    lowest, highest = image.getextrema()
    if not isinstance(lowest, float) or not isinstance(highest, float):
        raise TypeError(image.mode)
    return lowest, highest


def _said(number: float) -> str:
    if math.isinf(number):
        return "infinity" if number > 0 else "minus infinity"
    return f"{number:g}"


def _not_a_scan(what: str) -> DocumentRefused:
    # Nothing says which of these numbers is white, and a page read wrongly would still be charged.
    return DocumentRefused(
        Code.NOT_SUPPORTED_IMAGE,
        f"the image is made of {what}, and nothing says which of them is white",
        hint="convert it to 8 or 16 bits",
    )
