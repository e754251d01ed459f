"""What Pillow makes of a BMP that a viewer shows in another way."""

from PIL import Image

_UNSUPPORTED = "Unsupported BMP "
_BITS = {"1": 1, "L": 8}


def as_shown(body: bytes, image: Image.Image) -> bytes:
    """The BMP so that Pillow reads as many bits for each pixel as it has.

    It goes by the palette alone: one of black and white makes it read one bit, whatever the header says. A blue that
    nobody sees in the first colour keeps it from that.
    """
    size = int.from_bytes(body[14:18], "little")
    at = 28 if size > 12 else 24
    bits = int.from_bytes(body[at : at + 2], "little")
    if _BITS.get(image.mode, bits) == bits:
        return body
    first = 14 + size
    return body[:first] + b"\1" + body[first + 1 :]


def opaque(image: Image.Image) -> Image.Image:
    """A BMP whose alpha is 0 everywhere without it: many programs leave these bytes empty."""
    hidden = image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0)
    return image.convert("RGB") if hidden else image


def name_of_bmp(error: Exception) -> str | None:
    """What is unusual about a BMP that Pillow refused: ``of compression (4)``; ``None`` where it is damaged."""
    said = str(error)
    return f"of {said.removeprefix(_UNSUPPORTED)}" if said.startswith(_UNSUPPORTED) else None
