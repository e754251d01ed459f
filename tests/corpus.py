"""A corpus of pages whose words are known: tables, forms, large print, receipts, labels, letters, charts, broken
rules, faxes.

Every page is drawn with the fonts that PDFium has inside and comes out the same each time. Half of the pages of most
classes are PDFs, the others are scans of them at 150 to 300 dpi. ``scripts/bench read-accuracy`` measures on it, and
the tests take single pages from it.
"""

import io
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import pypdfium2
from PIL import Image

from tests.pictures import encode, pdf_of

REGULAR, BOLD, SERIF, TYPEWRITER = "Helvetica", "Helvetica-Bold", "Times-Roman", "Courier"
GREEK = "Symbol"
_FONTS = (REGULAR, BOLD, SERIF, TYPEWRITER, GREEK)
_GREEK_CAPITALS = str.maketrans("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", "ABGDEZHQIKLMNXOPRSTUFCYW")
STYLES = {
    "solid": "",
    "dashed": "[3 3] 0 d",
    "long dashes": "[8 4] 0 d",
    "wide gaps": "[10 8] 0 d",
    "dotted": "[1 2] 0 d",
    "round dots": "[0 3] 0 d 1 J",
    "fine dots": "[0.75 1.5] 0 d",
    "dashes and dots": "[6 2 1 2] 0 d",
    "grey dashes": "[3 3] 0 d 0.5 G",
    "red dots": "[1 2] 0 d 0.8 0 0 RG",
}
"""How a rule is drawn, as a PDF says it."""
_ROLL = 204.0
_LETTER, _WIDE = (612, 792), (792, 612)
_SCANNED_AT = (150, 200, 300)

_VOCABULARY = """\
account address amount anchor annual answer arrival autumn balance barrel berth bottle branch bridge broker buffer cabin
cable camera canal cargo carrier catalogue cement centre certificate change channel charter chemical circle client
climate coast collar column comfort commerce company contract copper corner cotton council counter courier cover crane
credit customs damage danger deck delivery deposit design device diesel dinner discount district dock document double
drawing driver east engine entrance export factory ferry figure filter finance flour folder foreman forward freight
garage garden glass grain ground habit handle harbour heater height hotel import index insurance interest island jacket
journey kitchen label ladder leather ledger letter level library license lighter linen liquid loading lorry machine
magnet manager manual margin market master material measure member mercury method middle minute mirror model monitor
morning motor mountain needle network northern notice number object office officer orange order outlet oxygen packet
paint paper parcel partner passage payment pencil permit pilot pipeline plastic platform pocket police port pressure
price printer profit project pump quality quarter quay railway receipt record region remark repair report request
reserve result return river rubber safety sample school seal season section series service shelf signal silver sister
soap south station steel storage street summer supply surface survey switch system table tanker target terminal thread
ticket timber tower traffic transport travel tunnel value valve vessel village visitor voucher warehouse water weight
western wheel window winter wooden yellow zinc"""
WORDS = tuple(_VOCABULARY.split())


@dataclass
class Sheet:
    """A page under the pen, measured in points from its top left, and the words that stand on it."""

    size: tuple[float, float] = _LETTER
    words: list[str] = field(default_factory=list)
    _drawn: list[str] = field(default_factory=list)

    def write(self, x: float, y: float, text: str, size: float = 10, font: str = REGULAR) -> None:
        """Write a line on the baseline ``y``."""
        place = f"1 0 0 1 {x:.2f} {self.size[1] - y:.2f}"
        self._drawn.append(f"BT /F{_FONTS.index(font)} {size:g} Tf {place} Tm ({_escaped(text)}) Tj ET")
        self.words += text.split()

    def write_upwards(self, x: float, y: float, text: str, size: float = 10) -> None:
        """Write a line that runs up the page, as along the axis of a chart."""
        place = f"0 1 -1 0 {x:.2f} {self.size[1] - y:.2f}"
        self._drawn.append(f"BT /F0 {size:g} Tf {place} Tm ({_escaped(text)}) Tj ET")
        self.words += text.split()

    def rule(self, x1: float, y1: float, x2: float, y2: float, width: float = 0.75, *, style: str = "solid") -> None:
        height = self.size[1]
        line = f"{width:g} w {x1:.2f} {height - y1:.2f} m {x2:.2f} {height - y2:.2f} l S"
        self._drawn.append(f"q {STYLES[style]} {line} Q" if STYLES[style] else line)

    def without_rules(self) -> None:
        """Take all that is no text off the sheet."""
        self._drawn = [drawn for drawn in self._drawn if drawn.startswith("BT ")]

    def frame(self, x: float, y: float, width: float, height: float, line: float = 0.75) -> None:
        self._drawn.append(f"{line:g} w {x:.2f} {self.size[1] - y - height:.2f} {width:.2f} {height:.2f} re S")

    def fill(self, x: float, y: float, width: float, height: float, grey: float) -> None:
        box = f"{x:.2f} {self.size[1] - y - height:.2f} {width:.2f} {height:.2f}"
        self._drawn.append(f"{grey:g} g {box} re f 0 g")

    def pdf(self) -> bytes:
        width, height = self.size
        content = "\n".join(self._drawn)
        fonts = " ".join(f"/F{number} {5 + number} 0 R" for number in range(len(_FONTS)))
        return pdf_of(
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:g} {height:g}] /Contents 4 0 R"
            f" /Resources << /Font << {fonts} >> >> >>",
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
            *map(_font, _FONTS),
        )

    def scan(self, dpi: float) -> Image.Image:
        """The page in shades of grey, as a scanner would see it."""
        with closing(pypdfium2.PdfDocument(self.pdf())) as pdf, closing(pdf[0]) as page:
            image: Image.Image = page.render(scale=dpi / 72, grayscale=True).to_pil()
            return image.copy()


def _font(name: str) -> str:
    encoding = "" if name == GREEK else "/Encoding /WinAnsiEncoding"
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} {encoding} >>"


def _escaped(text: str) -> str:
    return text.translate(_GREEK_CAPITALS).replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


@dataclass(frozen=True, slots=True)
class Paper:
    """A document of one page as a client sends it, and the words that stand on it."""

    kind: str
    number: int
    body: bytes
    words: Sequence[str]


def papers(kind: str, numbers: Iterable[int]) -> Iterator[Paper]:
    """The pages of one class with these numbers."""
    for number in numbers:
        draw, deliver = KINDS[kind]
        random_words = random.Random(f"{kind} {number}")
        sheet = draw(random_words)
        yield Paper(kind, number, deliver(sheet, number), tuple(sheet.words))


@dataclass(frozen=True, slots=True)
class Score:
    """How many words there are, how many were read, and how many of these are right."""

    wanted: int = 0
    got: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        return self.right / self.wanted if self.wanted else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.got if self.got else 1.0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.wanted + other.wanted, self.got + other.got, self.right + other.right)


def score(wanted: Iterable[str], got: Iterable[str]) -> Score:
    """Compare the words of a page, whatever their order."""
    there, read = Counter(wanted), Counter(got)
    return Score(there.total(), read.total(), (there & read).total())


def _money(of: random.Random) -> str:
    return f"{of.randrange(1, 9000):,}.{of.randrange(100):02}"


def _cell(of: random.Random) -> str:
    return of.choice(
        [
            of.choice(WORDS),
            of.choice(WORDS).capitalize(),
            f"{of.randrange(10, 9999)}",
            _money(of),
            f"{of.choice('ABCDEFGHKLMNPRSTVX')}{of.randrange(100, 999)}",
            f"{of.randrange(10, 29)}.{of.randrange(10, 13)}.20{of.randrange(20, 29)}",
        ]
    )


def table(of: random.Random) -> Sheet:
    """A ruled table, wide or narrow, that fills some or all of its page."""
    sheet = Sheet(of.choice([_LETTER, _WIDE]))
    size, columns, rows = of.choice([8, 9, 10, 11, 12]), of.randrange(3, 8), of.randrange(6, 28)
    width = (sheet.size[0] - 100) / columns
    height = min(size * of.choice([1.5, 1.8, 2.2]), (sheet.size[1] - 130) / rows)
    font, line = of.choice([REGULAR, REGULAR, SERIF, TYPEWRITER]), of.choice([0.5, 0.75, 1, 1.5])
    if of.random() < 0.6:
        sheet.write(50, 60, f"{of.choice(WORDS)} {of.choice(WORDS)} report".capitalize(), 14, BOLD)
    left, top = 50, 80
    for row in range(rows):
        for column in range(columns):
            text = of.choice(WORDS).capitalize() if row == 0 else _cell(of)
            if row and of.random() < 0.12:
                continue
            x, y = left + column * width + 4, top + row * height + (height + size * 0.7) / 2
            sheet.write(
                x, y, text[: int((width - 6) / (size * 0.6))], size, BOLD if row == 0 and of.random() < 0.5 else font
            )
    for row in range(rows + 1):
        sheet.rule(left, top + row * height, left + columns * width, top + row * height, line)
    for column in range(columns + 1):
        sheet.rule(left + column * width, top, left + column * width, top + rows * height, line)
    return sheet


def form(of: random.Random) -> Sheet:
    """Framed fields with a small label each and what was typed into them, and boxes with and without a cross."""
    sheet = Sheet()
    sheet.write(50, 55, f"Application for a {of.choice(WORDS)} {of.choice(WORDS)}", 15, BOLD)
    y = 75.0
    for _ in range(of.randrange(6, 12)):
        columns = of.choice([1, 2, 2, 3])
        width = 512 / columns
        for column in range(columns):
            x = 50 + column * width
            sheet.frame(x, y, width, 34)
            sheet.write(x + 4, y + 10, f"{of.choice(WORDS).capitalize()} {of.choice(WORDS)}", 7)
            if of.random() < 0.85:
                text = " ".join(_cell(of) for _ in range(4 - columns))
                sheet.write(x + 8, y + 27, text, 11, of.choice([REGULAR, TYPEWRITER]) if columns < 3 else REGULAR)
        y += 34
    for _ in range(of.randrange(2, 5)):
        y += 24
        sheet.frame(60, y - 9, 10, 10)
        sheet.write(80, y, f"the {of.choice(WORDS)} is with the {of.choice(WORDS)} of the {of.choice(WORDS)}", 10)
    sheet.rule(60, y + 60, 260, y + 60)
    sheet.write(60, y + 72, "Date and signature", 8)
    return sheet


def large_print(of: random.Random) -> Sheet:
    """One to three lines of 24 to 72 points."""
    sheet = Sheet()
    size, font = of.choice([24, 36, 48, 60, 72]), of.choice(_FONTS[:4])
    for row in range(of.randrange(1, 4)):
        letters = int(500 / (size * 0.62))
        text = " ".join([of.choice(WORDS), of.choice(WORDS), str(of.randrange(10, 99))])
        if of.random() < 0.5:
            text = text.upper() if font != BOLD else text.title()
        sheet.write(
            55, 100 + row * size * 1.4, text[:letters].rsplit(" ", 1)[0] if len(text) > letters else text, size, font
        )
    return sheet


def receipt(of: random.Random) -> Sheet:
    """A narrow strip from a till."""
    rows = of.randrange(8, 22)
    sheet = Sheet((226, 150 + rows * 12))
    sheet.write(60, 30, f"{of.choice(WORDS)} {of.choice(WORDS)}".upper(), 11, TYPEWRITER)
    sheet.write(40, 44, f"{of.choice(WORDS).capitalize()} Street {of.randrange(10, 99)}", 9, TYPEWRITER)
    sheet.rule(14, 52, 212, 52)
    for row in range(rows):
        y = 66 + row * 12
        sheet.write(14, y, f"{of.randrange(1, 9)} {of.choice(WORDS)}", 9, TYPEWRITER)
        price = f"{of.randrange(1, 99)}.{of.randrange(100):02}"
        sheet.write(206 - 5.4 * len(price), y, price, 9, TYPEWRITER)
    y = 66 + rows * 12
    sheet.rule(14, y - 6, 212, y - 6)
    total = f"{of.randrange(100, 999)}.{of.randrange(100):02}"
    sheet.write(14, y + 10, "TOTAL", 12, TYPEWRITER)
    sheet.write(206 - 7.2 * len(total), y + 10, total, 12, TYPEWRITER)
    sheet.write(30, y + 40, "Thank you for your visit", 9, TYPEWRITER)
    return sheet


def till_roll(of: random.Random) -> Sheet:
    """A receipt as a printer with 576 dots prints it: letters of one width in 32, 42 or 48 columns."""
    columns = of.choice([32, 42, 48])
    wide = _ROLL / (columns + 2)
    size, rows = wide / 0.6, of.randrange(8, 22)
    step = size * of.choice([1.1, 1.25, 1.5])
    sheet = Sheet((_ROLL, (rows + 7) * step))

    def write(row: int, left: str, right: str = "") -> None:
        sheet.write(wide, (row + 1) * step, left, size, TYPEWRITER)
        sheet.write(wide * (columns + 1 - len(right)), (row + 1) * step, right, size, TYPEWRITER)

    write(1, f"{of.choice(WORDS)} {of.choice(WORDS)}".upper())
    for row in range(rows):
        text = f"{of.randrange(1, 9)} {of.choice(WORDS)} {of.choice(WORDS)}"
        write(row + 3, text[: columns - 8], f"{of.randrange(1, 99)}.{of.randrange(100):02}")
    write(rows + 4, "TOTAL", f"{of.randrange(100, 999)}.{of.randrange(100):02}")
    write(rows + 5, "Thank you for your visit")
    return sheet


def label(of: random.Random) -> Sheet:
    """A label or a tag with one to three lines, with and without a border."""
    sheet = Sheet(of.choice([(216, 72), (252, 108), (288, 144)]))
    rows = of.randrange(1, 4)
    size, font = of.choice([11, 14, 18]), of.choice([REGULAR, BOLD, SERIF])
    for row in range(rows):
        texts = [
            f"{of.choice(WORDS)} {of.choice(WORDS)}".title(),
            f"Order {of.randrange(1000, 99999)}",
            f"{of.choice(WORDS)} {_money(of)}",
        ]
        sheet.write(18, 14 + size + row * size * 1.3, texts[row], size, font)
    if of.random() < 0.5:
        sheet.frame(5, 5, sheet.size[0] - 10, sheet.size[1] - 10, 1.2)
    return sheet


def letter(of: random.Random) -> Sheet:
    """A page of running text."""
    sheet = Sheet()
    size, font = of.choice([9, 10, 11, 12]), of.choice([REGULAR, SERIF, TYPEWRITER])
    sheet.write(70, 70, f"{of.choice(WORDS)} {of.choice(WORDS)} company".title(), size + 3, BOLD)
    y, letters = 110.0, int(470 / (size * 0.6))
    for _ in range(of.randrange(3, 6)):
        text = " ".join(of.choice(WORDS) for _ in range(of.randrange(25, 70))).capitalize() + "."
        while text:
            cut = len(text) if len(text) <= letters else text.rindex(" ", 0, letters)
            sheet.write(70, y, text[:cut].strip(), size, font)
            text, y = text[cut:].strip(), y + size * 1.3
        y += size
    return sheet


def chart(of: random.Random) -> Sheet:
    """A chart with bars or a line over a grid, the labels of its axes, and a legend."""
    sheet = Sheet(of.choice([_LETTER, _WIDE]))
    left, top, right, bottom = 110.0, 120.0, sheet.size[0] - 60, 430.0
    sheet.write(left, 80, f"{of.choice(WORDS)} and {of.choice(WORDS)} by {of.choice(WORDS)}".capitalize(), 15, BOLD)
    steps = of.randrange(4, 9)
    for step in range(steps + 1):
        y = bottom - (bottom - top) * step / steps
        sheet.rule(left, y, right, y, 0.4)
        sheet.write(left - 38, y + 3, f"{step * 250:,}", 9)
    count = of.randrange(4, 9)
    width = (right - left) / count
    heights = [of.uniform(0.15, 0.95) * (bottom - top) for _ in range(count)]
    bars = of.random() < 0.5
    for number, height in enumerate(heights):
        x = left + width * number
        sheet.rule(x, top, x, bottom, 0.4)
        sheet.write(x + 4, bottom + 14, of.choice(WORDS)[:6], 9)
        if bars:
            sheet.fill(x + width * 0.2, bottom - height, width * 0.6, height, of.choice([0.2, 0.5, 0.7]))
        elif number:
            sheet.rule(x - width / 2, bottom - heights[number - 1], x + width / 2, bottom - height, 2)
    sheet.frame(left, top, right - left, bottom - top, 1)
    if of.random() < 0.5:
        sheet.write_upwards(60, 330, f"{of.choice(WORDS)} in {of.choice(WORDS)}", 10)
    sheet.write(
        left, bottom + 50, f"Source: {of.choice(WORDS)} of the {of.choice(WORDS)}, {of.randrange(2019, 2027)}", 9
    )
    return sheet


def broken_rules(of: random.Random) -> Sheet:
    """A list with a dashed or dotted rule between its rows, and sometimes between its columns."""
    style = of.choice([style for style in STYLES if style != "solid"])
    return list_with_rules(of, style, upright=of.random() < 0.5)


def list_with_rules(of: random.Random, style: str, *, upright: bool) -> Sheet:
    """A list in three columns with rules of a style between its rows, and upright ones between its columns."""
    sheet = Sheet()
    size, font, width = of.choice([9, 10, 11, 12]), of.choice(_FONTS[:4]), of.choice([0.5, 0.75, 1, 1.5])
    step, rows = size * of.choice([1.7, 2, 2.4]), of.randrange(8, 16)
    for row in range(rows + 1):
        sheet.rule(60, 70 + row * step, 540, 70 + row * step, width, style=style)
    for x in (60, 220, 380, 540) if upright else ():
        sheet.rule(x, 70, x, 70 + rows * step, width, style=style)
    for row in range(rows):
        for x in (66, 226, 386):
            sheet.write(x, 70 + row * step + (step + size * 0.6) / 2, f"{_cell(of)} {_cell(of)}", size, font)
    return sheet


def _document(sheet: Sheet, number: int) -> bytes:
    """A PDF, or every other time a scan at one of the usual resolutions."""
    if number % 2 == 0:
        return sheet.pdf()
    return encode(sheet.scan(_SCANNED_AT[number // 2 % 3]), ("PNG", "JPEG")[number % 4 == 3])


def _printed_with(dots: int) -> Callable[[Sheet, int], bytes]:
    """A sheet so many dots wide."""
    return lambda sheet, _: encode(sheet.scan(72 * dots / sheet.size[0]), "PNG")


def _fax(across: int, down: int) -> Callable[[Sheet, int], bytes]:
    """A sheet as a fax machine sends it: black or white, so many dots to the inch across and down."""

    def deliver(sheet: Sheet, number: int) -> bytes:
        width, height = sheet.size
        scan = sheet.scan(300).resize((round(width * across / 72), round(height * down / 72)), Image.Resampling.BOX)
        file = io.BytesIO()
        scan.point(lambda grey: 255 * (grey > 150)).convert("1").save(
            file, "TIFF", compression="group4", dpi=(across, down)
        )
        return file.getvalue()

    return deliver


KINDS: dict[str, tuple[Callable[[random.Random], Sheet], Callable[[Sheet, int], bytes]]] = {
    "tables": (table, _document),
    "forms": (form, _document),
    "large print": (large_print, _document),
    "receipts": (receipt, _document),
    "till rolls": (till_roll, _printed_with(576)),
    "labels": (label, _document),
    "letters": (letter, _document),
    "charts": (chart, _document),
    "broken rules": (broken_rules, _document),
    "faxes, 100 dpi": (letter, _fax(100, 100)),
    "faxes, 204x98 dpi": (letter, _fax(204, 98)),
}
"""Every class: what draws a page of it, and what it is sent as."""
