"""How many pixels an image has to the inch, across and down: what its pixels are shaped like."""

from PIL import Image

_PLACES = ("dpi", "resolution", "aspect", "jfif_density")
"""Where Pillow has it: to the inch, which may be a guess of its own, and to no unit in a TIFF, a PNG and a JPEG."""
_MOST_ASPECT = 4.0
"""No scanner or fax makes pixels that are less square; what says so is mistaken."""
_ON_ITS_SIDE = (5, 6, 7, 8)


def pixel_aspect(image: Image.Image) -> float:
    """How many times as high as wide a pixel is, as the file says: a fax of 204 x 98 dpi has pixels twice as high."""
    told = (tuple(map(float, image.info[place])) for place in _PLACES if place in image.info)
    across, down = next((density for density in told if density[0] != density[1]), (1.0, 1.0))
    if not (across > 0 and down > 0 and 1 / _MOST_ASPECT <= across / down <= _MOST_ASPECT):
        return 1.0
    return across / down


def turn_density(image: Image.Image, orientation: object) -> None:
    """What was across is down in an image that was laid on its side, one of an Exif ``orientation`` from 5 to 8."""
    if orientation in _ON_ITS_SIDE:
        image.info |= {place: tuple(image.info[place])[::-1] for place in _PLACES if place in image.info}
