"""A page as it is shown to the recogniser: as it came, drawn larger, or turned."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL import Image

from engines.read.pages import Page
from engines.read.rules import without_broken_rules
from engines.read.text import Box

_MARGIN = 30
_STRETCHED = 1.3
"""From here on a pixel is no square, as that of a fax with 204 dots to the inch across and 98 down."""


@dataclass(frozen=True)
class View:
    """A picture of a page, or of the part whose corner is its ``origin``.

    It is ``across`` and ``down`` times as large, and turned left by so many ``quarters``.
    """

    image: Image.Image
    across: float = 1.0
    down: float = 1.0
    quarters: int = 0
    origin: tuple[int, int] = (0, 0)

    @property
    def pixels(self) -> int:
        return self.image.width * self.image.height

    def enlarged(self, across: float, down: float) -> "View":
        size = round(self.image.width * across), round(self.image.height * down)
        larger = self.image.resize(size, Image.Resampling.BICUBIC)
        return replace(self, image=larger, across=self.across * across, down=self.down * down)

    def turned(self, quarters: int) -> "View":
        turn = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)[quarters - 1]
        return replace(self, image=self.image.transpose(turn), quarters=self.quarters + quarters)

    def on_page(self, box: Box) -> Box:
        """Where a box of this picture lies on the page."""
        left, top, right, bottom = box
        width, height = self.image.size
        for _ in range(self.quarters):
            left, top, right, bottom = height - bottom, left, height - top, right
            width, height = height, width
        x, y = self.origin
        return (
            x + round(left / self.across),
            y + round(top / self.down),
            x + round(right / self.across),
            y + round(bottom / self.down),
        )


def view_of(page: Page) -> View:
    """The page but for turned parts and broken rules; drawn wider or higher where its pixels are no squares."""
    image = _image(page)
    for box, _ in page.turned:
        image.paste("white", box)
    view = View(without_broken_rules(image))
    if page.aspect >= _STRETCHED:
        return view.enlarged(1, page.aspect)
    if page.aspect <= 1 / _STRETCHED:
        return view.enlarged(1 / page.aspect, 1)
    return view


def turned_parts(page: Page) -> Iterator[View]:
    """The parts of the page that are turned, upright and on some paper of their own."""
    image = _image(page)
    for (left, top, right, bottom), quarters in page.turned:
        paper = left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN
        part = Image.new("L", (paper[2] - paper[0], paper[3] - paper[1]), "white")
        part.paste(image.crop((left, top, right, bottom)), (_MARGIN, _MARGIN))
        yield View(part, origin=paper[:2]).turned(quarters)


def _image(page: Page) -> Image.Image:
    return Image.frombytes("L", (page.width, page.height), page.pixels)
