"""Fields of a form are read as a viewer shows them, whatever they look like."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import product

import pytest

from engines.read import Limits, Page, Recogniser, open_document
from engines.read.decoding import Decoders
from tests.filled_forms import FIRST_FREE, FONT, appearance, stream
from tests.pictures import pdf_of

WIDE = "[200 {} 400 {}]"
LABELS = ["Name of the owner", "Town and street", "Number of the berth"]
TEXT, CHOICE, BUTTON = "/FT /Tx", "/FT /Ch", "/FT /Btn"
MULTILINE, PASSWORD, COMBO, COMB, PUSH, RICH = 1 << 12, 1 << 13, 1 << 17, 1 << 24, 1 << 16, 1 << 25
OPTIONS = "/Opt [(Ashford) (Bradwell) (Camborne) (Dartmouth)]"


def form(*fields: str, height: int = 20, form: str = "", others: Sequence[str] = (), content: str = "") -> bytes:
    """A page of a letter with three labels, and fields below them, each so many points high."""
    first = FIRST_FREE + len(others)
    fonts = f"/Font << /Helv {FONT} 0 R >>"
    listed = " ".join(f"{first + row} 0 R" for row in range(len(fields)))
    labels = "".join(f"BT /Helv 12 Tf 72 {740 - 24 * row} Td ({text}) Tj ET " for row, text in enumerate(LABELS))
    tops = [660 - (height + 12) * row for row in range(len(fields))]
    return pdf_of(
        f"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{listed}] /DR << {fonts} >>"
        f" /DA (/Helv 12 Tf 0 g) {form} >> >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Annots [{listed}]"
        f" /Resources << {fonts} >> >>",
        stream(labels + content),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *others,
        *(
            f"<< /Type /Annot /Subtype /Widget /T (f{top}) /F 4 /Rect [72 {top - height} 372 {top}] /P 3 0 R"
            f" /DA (/Helv 12 Tf 0 g) {entries} >>"
            for top, entries in zip(tops, fields, strict=True)
        ),
    )


def filled_in(recogniser: Recogniser, body: bytes) -> list[str]:
    """The lines of the page but its labels, which must all be there."""
    page = open_document(body, Limits()).page(1)
    lines = [line.text for line in recogniser.read(page, seconds=60).lines]
    assert lines[: len(LABELS)] == LABELS
    return lines[len(LABELS) :]


CHOSEN = {
    "one": "/V (Bradwell)",
    "the first": "/V (Ashford)",
    "two": f"/Ff {1 << 21} /V [(Ashford) (Dartmouth)] /I [0 3]",
}
FRAMES = {"bare": "", "framed": "/MK << /BC [0] >>", "on a ground": "/MK << /BC [0 0 1] /BG [0.9] >>"}
SIZES = (0, 9, 12, 16)


def lists() -> Iterator[str]:
    for chosen, frame, size in product(CHOSEN.values(), FRAMES.values(), SIZES):
        yield f"{CHOICE} {OPTIONS} {chosen} {frame} /DA (/Helv {size} Tf 0 g)"


@pytest.mark.parametrize("place", range(0, 36, 13))
def test_the_chosen_lines_of_a_list_are_read_with_the_others(recogniser: Recogniser, place: int) -> None:
    entries = list(lists())[place]
    assert filled_in(recogniser, form(entries, height=84)) == ["Ashford", "Bradwell", "Camborne", "Dartmouth"]


@pytest.mark.parametrize("frame", FRAMES.values(), ids=list(FRAMES))
def test_a_list_of_one_line_is_read_where_it_is_chosen(recogniser: Recogniser, frame: str) -> None:
    assert filled_in(recogniser, form(f"{CHOICE} {OPTIONS} /V (Ashford) {frame}", height=16)) == ["Ashford"]


@pytest.mark.long
def test_the_chosen_lines_of_every_list_are_read(recogniser: Recogniser) -> None:
    wrong = {
        entries: found
        for entries in lists()
        if (found := filled_in(recogniser, form(entries, height=84)))
        != ["Ashford", "Bradwell", "Camborne", "Dartmouth"]
    }
    assert not wrong


CELLS = "/MK << /BC [0] >>"
VALUES = ("AB 1234 XYZ", "WILLIAM", "12 03 1987", "0044 1752")
PRINTED = "".join(f"{72 + 300 * cell / 14} 640 m {72 + 300 * cell / 14} 660 l S " for cell in range(15))
COMBS = list(product(VALUES, ("", CELLS), ("", PRINTED + "72 640 300 20 re S")))


def comb(value: str, frame: str, printed: str) -> bytes:
    return form(f"{TEXT} /Ff {COMB} /MaxLen 14 /V ({value}) {frame}", content=printed)


@pytest.mark.parametrize("place", range(0, 16, 5))
def test_a_comb_is_read_as_the_words_that_are_in_it(recogniser: Recogniser, place: int) -> None:
    assert filled_in(recogniser, comb(*COMBS[place])) == [COMBS[place][0]]


@pytest.mark.long
def test_every_comb_is_read_as_the_words_that_are_in_it(recogniser: Recogniser) -> None:
    found = {case: filled_in(recogniser, comb(*case)) for case in COMBS}
    assert {case: lines for case, lines in found.items() if lines != [case[0]]} == {}


def test_a_comb_has_the_cells_that_its_parent_says(recogniser: Recogniser) -> None:
    parent = f"<< {TEXT} /T (whole) /Ff {COMB} /MaxLen 14 /V (AB 1234 XYZ) /Kids [{FIRST_FREE + 1} 0 R] >>"
    body = form(f"/Parent {FIRST_FREE} 0 R {CELLS}", others=[parent])
    assert filled_in(recogniser, body) == ["AB 1234 XYZ"]


def test_an_empty_comb_hides_nothing_that_lies_below_it(recogniser: Recogniser) -> None:
    below = "BT /Helv 12 Tf 76 645 Td (Printed below) Tj ET"
    assert filled_in(recogniser, form(f"{TEXT} /Ff {COMB} /MaxLen 14", content=below)) == ["Printed below"]
    hidden = f"{TEXT} /Ff {COMB} /MaxLen 14 /V (UNSEEN) /F 2"
    assert filled_in(recogniser, form(hidden, content=below)) == ["Printed below"]


SECRET = "OPENSESAME"
PASSWORDS = {
    "without an appearance": form(f"{TEXT} /Ff {PASSWORD} /V ({SECRET})"),
    "to be made anew": form(f"{TEXT} /Ff {PASSWORD} /V ({SECRET})", form="/NeedAppearances true"),
    "whose appearance shows it": form(
        f"{TEXT} /Ff {PASSWORD} /V ({SECRET}) /AP << /N {FIRST_FREE} 0 R >>", others=[appearance(SECRET)]
    ),
    "in a comb": form(f"{TEXT} /Ff {PASSWORD | COMB} /MaxLen 12 /V ({SECRET})"),
    "in lines": form(f"{TEXT} /Ff {PASSWORD | MULTILINE} /V ({SECRET})"),
}


@pytest.mark.parametrize("how", PASSWORDS)
def test_a_password_is_not_read(recogniser: Recogniser, how: str) -> None:
    assert filled_in(recogniser, PASSWORDS[how]) == []


def test_fields_of_each_kind_are_read_together(recogniser: Recogniser) -> None:
    rich = f"/Ff {RICH} /V (Plain as stored) /RV (<p>Rich text is not</p>)"
    fields = {
        f"{TEXT} /Q 1 /V (In the middle)": "In the middle",
        f"{TEXT} /Q 2 /V (At the right)": "At the right",
        f"{TEXT} /DA (/Helv 0 Tf 0 g) /V (As large as it fits)": "As large as it fits",
        f"{TEXT} {rich}": "Plain as stored",
        f"{CHOICE} /Ff {COMBO} {OPTIONS} /V (Camborne)": "Camborne",
        f"{BUTTON} /Ff {PUSH} /MK << /CA (Send it now) >>": "Send it now",
        f"{TEXT} /MK << /BG [0 0 0.3] >> /DA (/Helv 12 Tf 1 g) /V (White on dark)": "White on dark",
        f"{TEXT} /F 6 /V (Hidden)": "",
        f"{TEXT} /F 36 /V (Not viewed)": "",
    }
    assert filled_in(recogniser, form(*fields)) == [shown for shown in fields.values() if shown]


def test_lines_of_a_field_are_wrapped_and_read(recogniser: Recogniser) -> None:
    value = "First line\\rA second line that is so long that it has to go on in the third of them"
    read = filled_in(recogniser, form(f"{TEXT} /Ff {MULTILINE} /V ({value})", height=84))
    assert " ".join(read) == value.replace("\\r", " ")


LENGTHWISE = {90: "[560 300 580 600]", 180: "[72 600 372 620]", 270: "[560 300 580 600]"}
TURNED_KINDS = {
    f"{TEXT} /V (Turned with care)": ["Turned with care"],
    f"{TEXT} /Ff {COMB} /MaxLen 14 /V (AB 1234 XYZ)": ["AB 1234 XYZ"],
    f"{CHOICE} /Ff {COMBO} {OPTIONS} /V (Camborne)": ["Camborne"],
    f"{BUTTON} /Ff {PUSH} /CA (Send it now)": ["Send it now"],
}
TURNED = list(product(TURNED_KINDS, LENGTHWISE, ("", "/BC [0]"), ("", "/Rotate 90", "/Rotate 180", "/Rotate 270")))


def turned(kind: str, turn: int, frame: str, page: str) -> tuple[bytes, list[str]]:
    """A page with a field that lies otherwise than its labels, or as they do; and what is on it."""
    caption = kind[kind.index("/CA") :] if "/CA" in kind else ""
    body = form(f"{kind.replace(caption, '')} /MK << /R {turn} {frame} {caption} >>")
    body = body.replace(b"/Rect [72 640 372 660]", f"/Rect {LENGTHWISE[turn]}".encode())
    return body.replace(b"/Parent 2 0 R /MediaBox", f"/Parent 2 0 R {page} /MediaBox".encode()), TURNED_KINDS[kind]


@pytest.mark.parametrize("place", range(0, 96, 20))
def test_a_field_that_is_turned_is_read_beside_upright_text(recogniser: Recogniser, place: int) -> None:
    kind, turn, frame, _ = TURNED[place]
    body, written = turned(kind, turn, frame, "")
    assert filled_in(recogniser, body) == written


@pytest.mark.long
def test_every_turned_field_is_read_on_every_turned_page(recogniser: Recogniser) -> None:
    wrong = {}
    for case in TURNED:
        if case[3] == f"/Rotate {case[1]}":  # it lies as a page of its kind does, and only the labels lie otherwise
            continue
        body, written = turned(*case)
        page = open_document(body, Limits()).page(1)
        lines = [line.text for line in recogniser.read(page, seconds=60).lines]
        if sorted(lines) != sorted([*LABELS, *written]):
            wrong[case] = lines
    assert not wrong


def test_a_turned_field_lies_where_it_is_on_the_page(recogniser: Recogniser) -> None:
    for turn, (left, top, right, bottom) in {90: (1555, 530, 1615, 1370), 180: (200, 470, 1040, 540)}.items():
        body, _ = turned(next(iter(TURNED_KINDS)), turn, "", "")
        line = recogniser.read(open_document(body, Limits()).page(1), seconds=60).lines[-1]
        assert (left <= line.box[0], top <= line.box[1], line.box[2] <= right, line.box[3] <= bottom) == (True,) * 4
        assert round(line.angle) % 360 == 360 - turn


def test_a_turned_field_is_the_same_when_another_process_has_drawn_it() -> None:
    body, _ = turned(next(iter(TURNED_KINDS)), 270, "", "")

    async def drawn_apart() -> Page:
        with closing(await Decoders(Limits(), pages=1).open(body)) as document:
            return await document.page(1)

    page = asyncio.run(drawn_apart())
    assert page.turned
    assert page == open_document(body, Limits()).page(1)


MARKS = list(product((0, 1 << 15), ("4", "8", "l", "u")))
"""Check boxes and radio buttons with the marks that they are ticked with."""


@pytest.mark.parametrize("appearances", [True, False])
def test_what_is_ticked_shows_and_what_is_not_does_not(appearances: bool) -> None:
    looks = f"/AP << /N << /Yes {FIRST_FREE} 0 R >> >>" if appearances else ""
    bare = dark(form(f"{TEXT}"))
    for flags, mark in MARKS:
        for state in ("Yes", "Off"):
            body = form(
                f"{BUTTON} /Ff {flags} /V /{state} /AS /{state} /MK << /CA ({mark}) >> {looks}",
                others=[appearance("X")],
                form="" if appearances else "/NeedAppearances true",
            )
            assert (dark(body) > bare) == (state == "Yes"), (flags, mark, state)


def dark(body: bytes) -> int:
    return len(open_document(body, Limits()).page(1).pixels.translate(None, bytes(range(128, 256))))
