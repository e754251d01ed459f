"""What a viewer shows of a PDF is read: forms, annotations, layers, page boxes."""

import pytest

from engines.read import Code, DocumentRefused, Limits, Page, Recogniser, open_document
from tests.filled_forms import FIRST_FREE, annotated_pdf, appearance, compressed_pdf, field, text_at
from tests.pictures import pdf_of

LIMITS = Limits()
TREE = "<< /Type /Catalog /Pages 2 0 R >>"
SHOWN, HIDDEN = FIRST_FREE, FIRST_FREE + 1
TWO_LOOKS = [appearance("IT IS SHOWN"), appearance("IT IS HIDDEN")]


def page_of(body: bytes) -> Page:
    return open_document(body, LIMITS).page(1)


def lines(recogniser: Recogniser, body: bytes) -> list[str]:
    return [line.text for line in recogniser.read(page_of(body), seconds=60).lines]


def inked(body: bytes, rows: int) -> list[bool]:
    """Whether there is anything on each of the rows that annotations stand in."""
    page = page_of(body)
    height = page.height * 40 // 340
    bands = (page.pixels[row * height * page.width : (row + 1) * height * page.width] for row in range(rows))
    return [min(band) < 128 for band in bands]


FIELDS = {
    "Tx": ("name", "/V (NAME OF OWNER)", "NAME OF OWNER"),
    "Ch": ("town", "/Ff 131072 /V (e) /Opt [[(e) (EASTPORT TOWN)] [(w) (WESTHAVEN)]]", "EASTPORT TOWN"),
    "Btn": ("send", "/Ff 65536 /MK << /CA (SEND IT NOW) >>", "SEND IT NOW"),
}


def filled(*, stale: bool, form: str | None = "") -> bytes:
    looks = [appearance(f"AS IT WAS {kind.upper()}") for kind in FIELDS] if stale else []
    numbers = range(FIRST_FREE, FIRST_FREE + len(FIELDS))
    fields = [
        field(kind, name, entries, appearance=number if stale else None)
        for number, (kind, (name, entries, _)) in zip(numbers, FIELDS.items(), strict=True)
    ]
    return annotated_pdf(fields, looks, form=form)


VALUES = [value for *_, value in FIELDS.values()]
STALE = [f"AS IT WAS {kind.upper()}" for kind in FIELDS]


FILLED = {
    "without appearances": (filled(stale=False), VALUES),
    "with appearances": (filled(stale=True), STALE),
    "with appearances that are to be made anew": (filled(stale=True, form="/NeedAppearances true"), VALUES),
    "that no form lists": (filled(stale=True, form=None), STALE),
}


@pytest.mark.parametrize("how", FILLED)
def test_filled_fields_are_read_as_a_viewer_shows_them(recogniser: Recogniser, how: str) -> None:
    body, shown = FILLED[how]
    assert lines(recogniser, body) == shown


def test_a_visible_signature_and_a_ticked_box_are_read(recogniser: Recogniser) -> None:
    tick = f"/V /Yes /AS /Yes /AP << /N << /Yes {SHOWN} 0 R /Off {HIDDEN} 0 R >> >>"
    signature = field("Sig", "signature", "/V << /Type /Sig >>", appearance=SHOWN + 2)
    looks = [*TWO_LOOKS, appearance("SIGNED BY MR KELLER")]
    body = annotated_pdf([field("Btn", "agreed", tick), signature], looks)
    assert lines(recogniser, body) == ["IT IS SHOWN", "SIGNED BY MR KELLER"]


def test_a_box_is_ticked_without_an_appearance() -> None:
    on, off = (field("Btn", state, f"/V /{state} /AS /{state} /MK << /CA (4) >>") for state in ("Yes", "Off"))
    assert inked(annotated_pdf([on, off], form="/NeedAppearances true"), 2) == [True, False]


HIDDEN_FLAG, PRINT, NO_VIEW = 2, 4, 32
FLAGS = {0: True, PRINT: True, HIDDEN_FLAG: False, NO_VIEW: False, NO_VIEW | PRINT: False, HIDDEN_FLAG | PRINT: False}


@pytest.mark.parametrize("kind", ["/Subtype /Stamp", "/Subtype /Widget /FT /Tx", "/Subtype /FreeText"])
def test_annotations_are_shown_as_on_a_screen_not_as_in_print(kind: str) -> None:
    annotations = [f"{kind} /T ({flags}) /F {flags} /AP << /N {SHOWN} 0 R >>" for flags in FLAGS]
    assert inked(annotated_pdf(annotations, TWO_LOOKS), len(FLAGS)) == list(FLAGS.values())


def test_notes_that_pop_up_are_no_text_of_the_page() -> None:
    popup = f"/Subtype /Popup /Open true /Parent {FIRST_FREE} 0 R /Contents (NOT ON THE PAGE)"
    assert inked(annotated_pdf(["/Subtype /Link", popup]), 2) == [False, False]


ON, OFF, BOTH, EITHER, NOT_OFF = range(FIRST_FREE + 2, FIRST_FREE + 7)
LAYERS = {ON: True, OFF: False, BOTH: False, EITHER: True, NOT_OFF: True}


def layered(settings: str, usage: str = "") -> bytes:
    """Annotations and lines of text, one in each layer and membership."""
    groups = [f"<< /Type /OCG /Name (one) {usage.replace('?', state)} >>" for state in ("/ON", "/OFF")]
    members = f"/Type /OCMD /OCGs [{ON} 0 R {OFF} 0 R]"
    memberships = [f"<< {members} /P /AllOn >>", f"<< {members} >>", f"<< /Type /OCMD /VE [/Not {OFF} 0 R] >>"]
    return annotated_pdf(
        [f"/Subtype /Stamp /OC {layer} 0 R /AP << /N {SHOWN} 0 R >>" for layer in LAYERS],
        [*TWO_LOOKS, *groups, *memberships],
        catalogue=f"/OCProperties << /OCGs [{ON} 0 R {OFF} 0 R] /D << {settings} >> >>",
        content=f"/OC /A BDC {text_at(22, 'LAYER')} EMC /OC /B BDC {text_at(62, 'LAYER')} EMC",
        properties=f"/A {ON} 0 R /B {OFF} 0 R",
    )


@pytest.mark.parametrize(
    "body",
    [
        layered(f"/OFF [{OFF} 0 R]"),
        layered(f"/BaseState /OFF /ON [{ON} 0 R]"),
        layered(
            f"/AS [<< /Event /View /Category [/View] /OCGs [{ON} 0 R {OFF} 0 R] >>]",
            "/Usage << /View << /ViewState ? >> >>",
        ),
    ],
    ids=["switched off", "off at first", "off for viewing"],
)
def test_layers_are_shown_as_they_are_set_on_the_page_and_in_annotations(body: bytes) -> None:
    assert inked(body, 8) == [*LAYERS.values(), False, False, True]


def test_a_unit_makes_the_page_as_large_as_it_says() -> None:
    page = page_of(annotated_pdf([], content=text_at(100, "BIG"), page="/UserUnit 2.5"))
    assert (page.width, page.height) == (round(340 * 2.5 * 200 / 72),) * 2
    assert min(page.pixels) < 128
    with pytest.raises(DocumentRefused) as refused:
        page_of(annotated_pdf([], page="/UserUnit 20"))
    assert refused.value.code is Code.INVALID_IMAGE_DIMENSION


def test_a_unit_is_found_in_a_compressed_object() -> None:
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 50] /UserUnit 2 >>"
    body = compressed_pdf(TREE, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page)
    assert open_document(body, LIMITS).sizes == ((round(200 * 200 / 72), round(100 * 200 / 72)),)


BOXES = {
    "/CropBox [0 240 340 340]": (340, 100),
    "/CropBox [340 340 0 240]": (340, 100),
    "/CropBox [-90 -90 900 900]": (340, 340),
    "/CropBox [900 900 990 990]": (340, 340),
    "/CropBox [0 240 340 340] /Rotate 90": (100, 340),
    "/CropBox [0 240 340 340] /Rotate -90": (100, 340),
    "/CropBox [0 240 340 340] /Rotate 540": (340, 100),
}


@pytest.mark.parametrize("entries", BOXES)
def test_the_part_that_is_cropped_is_shown_turned_as_the_page_says(entries: str) -> None:
    body = annotated_pdf([f"/Subtype /Stamp /AP << /N {SHOWN} 0 R >>"], TWO_LOOKS, page=entries)
    document = open_document(body, LIMITS)
    page = document.page(1)
    expected = tuple(round(side * 200 / 72) for side in BOXES[entries])
    assert document.sizes == ((page.width, page.height),) == (expected,)
    assert min(page.pixels) < 128


EMPTY = {
    "no page": pdf_of(TREE, "<< /Type /Pages /Kids [] /Count 0 >>"),
    "no page, one counted": pdf_of(TREE, "<< /Type /Pages /Kids [] /Count 1 >>"),
    "an empty branch": pdf_of(
        TREE, "<< /Type /Pages /Kids [3 0 R] /Count 0 >>", "<< /Type /Pages /Parent 2 0 R /Kids [] /Count 0 >>"
    ),
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_pdf_without_pages_is_called_that(name: str) -> None:
    with pytest.raises(DocumentRefused, match="the PDF has no pages") as refused:
        open_document(EMPTY[name], LIMITS)
    assert refused.value.code is Code.INVALID_IMAGE


def test_a_good_page_can_be_read_beside_one_that_is_missing() -> None:
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 50] >>"
    document = open_document(pdf_of(TREE, "<< /Type /Pages /Kids [9 0 R 3 0 R] /Count 2 >>", page), LIMITS)
    assert (len(document.sizes), document.page(2).width) == (2, round(100 * 200 / 72))
    with pytest.raises(DocumentRefused, match="page 1 of the PDF is damaged"):
        document.page(1)


def test_a_form_that_only_its_own_program_can_lay_out_is_refused_by_name() -> None:
    body = annotated_pdf([], form="/XFA (x)", catalogue="/NeedsRendering true", content=text_at(100, "Please wait"))
    with pytest.raises(DocumentRefused, match="XFA") as refused:
        open_document(body, LIMITS)
    assert refused.value.code is Code.NOT_SUPPORTED_IMAGE
    still = annotated_pdf([field("Tx", "a", "/V (FILLED)")], form="/XFA (x)")
    assert inked(still, 1) == [True]
