"""Pages of every script that Debian's fonts can draw: words of random letters, in even lines."""

import random
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_FONTS = Path("/usr/share/fonts/truetype")
_DEJAVU = "dejavu/DejaVuSans.ttf"
_NOTO = "noto/NotoSans{}-Regular.ttf"
SCRIPTS: dict[str, tuple[int, int, str]] = {
    "Armenian": (0x561, 0x585, _DEJAVU),
    "Armenian capitals": (0x531, 0x556, _DEJAVU),
    "Georgian": (0x10D0, 0x10F0, _DEJAVU),
    "Cyrillic": (0x430, 0x44F, _DEJAVU),
    "Cyrillic capitals": (0x410, 0x42F, _DEJAVU),
    "Arabic": (0x628, 0x63A, _NOTO.format("Arabic")),
    "Bengali": (0x995, 0x9A8, _NOTO.format("Bengali")),
    "Cherokee": (0x13A0, 0x13F4, _NOTO.format("Cherokee")),
    "Coptic": (0x2C80, 0x2CB1, _NOTO.format("Coptic")),
    "Devanagari": (0x915, 0x939, _NOTO.format("Devanagari")),
    "Ethiopic": (0x1210, 0x1240, _NOTO.format("Ethiopic")),
    "Gujarati": (0xA95, 0xAA8, _NOTO.format("Gujarati")),
    "Hebrew": (0x5D0, 0x5EA, _NOTO.format("Hebrew")),
    "Kannada": (0xC95, 0xCA8, _NOTO.format("Kannada")),
    "Khmer": (0x1780, 0x17A2, _NOTO.format("Khmer")),
    "Lao": (0xE94, 0xEA3, _NOTO.format("Lao")),
    "Malayalam": (0xD15, 0xD28, _NOTO.format("Malayalam")),
    "Myanmar": (0x1000, 0x1020, _NOTO.format("Myanmar")),
    "Sinhala": (0xD9A, 0xDB1, _NOTO.format("Sinhala")),
    "Tamil": (0xBA8, 0xBB9, _NOTO.format("Tamil")),
    "Telugu": (0xC15, 0xC28, _NOTO.format("Telugu")),
    "Thai": (0xE01, 0xE2E, _NOTO.format("Thai")),
    "Tifinagh": (0x2D30, 0x2D67, _NOTO.format("Tifinagh")),
    "Han": (0x4E00, 0x4F00, "wqy/wqy-zenhei.ttc"),
    "Hangul": (0xAC00, 0xB000, "unfonts-core/UnBatang.ttf"),
}
"""The first and the last letter of each, and the font that has them."""


def font_of(script: str) -> Path:
    return _FONTS / SCRIPTS[script][2]


def page_in(script: str, *, lines: int = 6) -> Image.Image:
    """A page in a script."""
    font = ImageFont.truetype(font_of(script), 34)
    page = Image.new("L", (1300, 120 + 64 * lines), "white")
    words = _words(script)
    for row in range(lines):
        line = " ".join(next(words) for _ in range(5))
        ImageDraw.Draw(page).text((80, 60 + 64 * row), line, font=font, fill="black")
    return page


def _words(script: str) -> Iterator[str]:
    first, last, _ = SCRIPTS[script]
    of = random.Random(script)
    letters = [chr(code) for code in range(first, last + 1) if chr(code).isalpha()]
    while True:
        yield "".join(of.choice(letters) for _ in range(of.randrange(3, 8)))
