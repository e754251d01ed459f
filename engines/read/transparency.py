"""Transparent pictures: which ground shows what is on them."""

from PIL import Image, ImageFilter, ImageOps, ImageStat

_FAR_MORE = 2


def on_its_ground(image: Image.Image) -> Image.Image:
    """A picture of mode RGBA on white; or the negative of it on black, where far more shows: its letters are white."""
    on_white, on_black = (_on(ground, image) for ground in ("white", "black"))
    return ImageOps.invert(on_black) if _edges(on_black) > _FAR_MORE * _edges(on_white) else on_white


def _on(ground: str, image: Image.Image) -> Image.Image:
    paper = Image.new("RGBA", image.size, ground)
    paper.alpha_composite(image)
    return paper.convert("L")


def _edges(image: Image.Image) -> float:
    inside = (1, 1, image.width - 1, image.height - 1)  # the filter leaves the outermost pixels as they are
    return float(ImageStat.Stat(image.filter(ImageFilter.FIND_EDGES).crop(inside)).sum[0])
