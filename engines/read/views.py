"""A page as it is shown to the recogniser: as it came, drawn larger, or turned."""

from dataclasses import dataclass, replace

from PIL import Image

from engines.read.pages import Page
from engines.read.text import Box

_STRETCHED = 1.3
"""From here on a pixel is no square, as that of a fax with 204 dots to the inch across and 98 down."""


@dataclass(frozen=True)
class View:
    """A picture of a page, ``across`` and ``down`` times as large and turned left by so many ``quarters``."""

    image: Image.Image
    across: float = 1.0
    down: float = 1.0
    quarters: int = 0

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
        return (
            round(left / self.across),
            round(top / self.down),
            round(right / self.across),
            round(bottom / self.down),
        )


def view_of(page: Page) -> View:
    """The page as it came; drawn wider or higher where its pixels are no squares."""
    view = View(Image.frombytes("L", (page.width, page.height), page.pixels))
    if page.aspect >= _STRETCHED:
        return view.enlarged(1, page.aspect)
    if page.aspect <= 1 / _STRETCHED:
        return view.enlarged(1 / page.aspect, 1)
    return view
