"""Transparent pictures: which ground shows what is on them."""

from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

_FAR_MORE = 2
_DRAWN = 64
"""From here on an edge is one that somebody drew."""


def on_its_ground(image: Image.Image) -> Image.Image:
    """A picture of mode RGBA on the ground that shows it: on white, or the negative of it on black.

    Letters alone, some dark and some white, are shown by neither ground: whatever is opaque is black, then.
    """
    on_white, on_black = (_on(ground, image) for ground in ("white", "black"))
    opaque = image.getchannel("A")
    if not _is_drawn_on(opaque, on_white):
        return ImageOps.invert(opaque)
    return ImageOps.invert(on_black) if _edges(on_black) > _FAR_MORE * _edges(on_white) else on_white


def _is_drawn_on(opaque: Image.Image, picture: Image.Image) -> bool:
    """Whether there is anything on what is opaque: it is no lettering, then."""
    inside = opaque.filter(ImageFilter.MinFilter(5)).point(lambda shade: 255 * (shade == 255))
    edges = ImageChops.darker(picture.filter(ImageFilter.FIND_EDGES), inside)
    return any(edges.histogram()[_DRAWN:]) or not any(opaque.histogram()[:255])


def _on(ground: str, image: Image.Image) -> Image.Image:
    paper = Image.new("RGBA", image.size, ground)
    paper.alpha_composite(image)
    return paper.convert("L")


def _edges(image: Image.Image) -> float:
    inside = (1, 1, image.width - 1, image.height - 1)  # the filter leaves the outermost pixels as they are
    return float(ImageStat.Stat(image.filter(ImageFilter.FIND_EDGES).crop(inside)).sum[0])
