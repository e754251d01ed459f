import io

import pytest
from PIL import Image, ImageOps

from engines.read import Code, DocumentRefused, Limits, Page, Recogniser, open_document
from tests import corpus, pictures
from tests.engines.read.readings import text_of

LIMITS = Limits()


def only_page(body: bytes) -> Page:
    return open_document(body, LIMITS).page(1)


def shades(page: Page) -> tuple[int, int]:
    """The shades of grey in the middle of the left and of the right half."""
    row = page.pixels[page.height // 2 * page.width :][: page.width]
    return row[page.width // 4], row[page.width * 3 // 4]


def black_and_white(mode: str) -> Image.Image:
    picture = Image.new("L", (100, 60), "white")
    picture.paste(0, (0, 0, 50, 60))
    return picture.convert(mode)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF"])
def test_an_image_is_recognised_by_its_bytes(kind: str) -> None:
    document = open_document(pictures.encode(pictures.sign(), kind), LIMITS)
    page = document.page(1)
    assert (document.kind, page.width, page.height, page.dpi) == (kind, 500, 120, None)
    assert len(page.pixels) == 500 * 120


def test_every_page_of_a_tiff_is_a_page() -> None:
    document = open_document(pictures.three_page_tiff(), LIMITS)
    assert document.sizes == ((500, 120),) * 3
    assert len({document.page(number).pixels for number in (3, 1, 2)}) == 3


def test_pdf_pages_are_drawn_at_200_dpi() -> None:
    document = open_document(pictures.two_page_pdf(), LIMITS)
    page = document.page(2)
    assert (document.sizes[1], page.width, page.height, page.dpi) == ((1000, 240), 1000, 240, 200)


def test_the_frames_of_an_animated_png_are_no_pages() -> None:
    body = pictures.encode(pictures.sign("ONE"), "PNG", [pictures.sign("TWO")])
    assert len(open_document(body, LIMITS).sizes) == 1


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("1", "TIFF"),
        ("P", "PNG"),
        ("RGB", "JPEG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
    ],
)
def test_black_stays_black_and_white_stays_white(mode: str, kind: str) -> None:
    left, right = shades(only_page(pictures.encode(black_and_white(mode), kind)))
    assert left <= 5
    assert right >= 250


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind: str) -> None:
    row = b"\x00\x40" * 50 + b"\xff\xff" * 50
    picture = Image.frombytes("I;16", (100, 60), row * 60)
    assert shades(only_page(pictures.encode(picture, kind))) == (63, 255)


def test_what_is_transparent_is_paper() -> None:
    picture = Image.new("RGBA", (100, 60), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 50, 60))
    assert shades(only_page(pictures.encode(picture, "PNG"))) == (0, 255)


def test_white_letters_without_a_ground_are_read(recogniser: Recogniser) -> None:
    for colour in ("white", "#fff0c0"):
        letters = Image.new("RGB", (500, 120), colour)
        letters.putalpha(ImageOps.invert(pictures.sign()))
        page = only_page(pictures.encode(letters, "PNG"))
        assert text_of(recogniser.read(page, seconds=60)) == "MIND THE STEP"


def test_a_white_card_with_dark_letters_stays_white() -> None:
    card = Image.new("RGBA", (700, 320), (0, 0, 0, 0))
    card.paste(pictures.sign().convert("RGBA"), (100, 100))
    assert only_page(pictures.encode(card, "PNG")).pixels[0] == 255


def test_a_fax_says_that_its_pixels_are_higher_than_wide() -> None:
    (fax,) = corpus.papers("faxes, 204x98 dpi", [0])
    page = only_page(fax.body)
    assert (page.width, page.height) == (1734, 1078)
    assert page.aspect == pytest.approx(204 / 98, abs=0.01)


@pytest.mark.parametrize("dpi", [(0, 0), (72, 0), (1, 300), (96, 96)])
def test_a_resolution_that_cannot_be_says_nothing(dpi: tuple[int, int]) -> None:
    file = io.BytesIO()
    pictures.sign().save(file, "TIFF", dpi=dpi)
    assert only_page(file.getvalue()).aspect == 1


def test_a_photograph_is_turned_as_its_camera_says() -> None:
    picture = black_and_white("RGB").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif)
    page = only_page(file.getvalue())
    assert (page.width, page.height) == (100, 60)
    assert shades(page)[0] < shades(page)[1]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", pictures.hostile_files())
def test_a_hostile_file_is_refused(name: str) -> None:
    body, code = pictures.hostile_files()[name]
    with pytest.raises(DocumentRefused) as refused:
        document = open_document(body, LIMITS)
        for number in document.select(None):
            document.page(number)
    assert refused.value.code == code


def test_a_good_page_of_a_damaged_document_can_be_read() -> None:
    document = open_document(pictures.tiff_with_broken_second_page(), LIMITS)
    assert document.page(1).width == 500


def test_dimensions_are_checked_before_a_page_is_taken() -> None:
    document = open_document(pictures.png_claiming(9_999, 9_999), Limits(page_pixels=10**7))
    for refuse in (lambda: document.select("1"), lambda: document.page(1)):
        with pytest.raises(DocumentRefused) as refused:
            refuse()
        assert refused.value.code is Code.INVALID_IMAGE_DIMENSION


@pytest.mark.parametrize("limits", [Limits(body_bytes=100), Limits(pages=2)])
def test_too_many_bytes_or_pages_are_refused(limits: Limits) -> None:
    with pytest.raises(DocumentRefused) as refused:
        open_document(pictures.three_page_tiff(), limits)
    assert refused.value.code is Code.INVALID_IMAGE_SIZE


def test_a_pdf_page_that_draws_for_ever_is_given_up() -> None:
    body = pictures.one_page_pdf("[0 0 600 600]", "0 0 m 500 500 l S\n" * 3000)
    with pytest.raises(DocumentRefused) as refused:
        open_document(body, Limits(page_seconds=0)).page(1)
    assert refused.value.code is Code.TIMEOUT
