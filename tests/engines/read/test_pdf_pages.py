"""The pages of a PDF are those of its tree, in the part, the size and the direction that each of them says."""

import io
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from pypdf import PdfWriter

from engines.read import Code, DocumentRefused, Limits, open_document
from tests.filled_forms import annotated_pdf, compressed_pdf, field, stream
from tests.pictures import pdf_of

LIMITS = Limits()
SCALE = 200 / 72
CATALOGUE = "<< /Type /Catalog /Pages 2 0 R >>"


def page(parent: int, width: int) -> str:
    return f"<< /Type /Page /Parent {parent} 0 R /MediaBox [0 0 {width} 72] >>"


def widths(body: bytes) -> list[int]:
    document = open_document(body, LIMITS)
    pages = [document.page(number) for number in document.select(None)]
    assert [page.width for page in pages] == [width for width, _ in document.sizes]
    return [round(page.width / SCALE) for page in pages]


def flat(count: str, write: Callable[..., bytes] = pdf_of) -> bytes:
    return write(
        CATALOGUE, f"<< /Type /Pages /Kids [3 0 R 4 0 R 5 0 R] {count} >>", *(page(2, w) for w in (72, 90, 108))
    )


def nested(count: str, inner: str) -> bytes:
    return pdf_of(
        CATALOGUE,
        f"<< /Type /Pages /Kids [3 0 R 4 0 R] {count} >>",
        page(2, 72),
        f"<< /Type /Pages /Parent 2 0 R /Kids [5 0 R 6 0 R] {inner} >>",
        page(4, 90),
        page(4, 108),
    )


def circular(count: str, back: str) -> bytes:
    return pdf_of(
        CATALOGUE,
        f"<< /Type /Pages /Kids [3 0 R 4 0 R 5 0 R] {count} >>",
        page(2, 72),
        f"<< /Type /Pages /Parent 2 0 R /Kids [{back} 6 0 R] /Count 2 >>",
        page(2, 108),
        page(4, 90),
    )


COUNTS = ["/Count 3", "/Count 1", "/Count 2", "/Count 5", "/Count 3000", "/Count 0", "/Count -3", "/Count /Three", ""]
COUNTS += ["/Count 2147483647", "/Count 7 0 R"]


@pytest.mark.parametrize("count", COUNTS)
def test_what_a_tree_says_of_its_pages_counts_less_than_the_pages(count: str) -> None:
    for write in (pdf_of, compressed_pdf):
        assert widths(flat(count, write)) == [72, 90, 108], write
    for inner in ("/Count 2", "/Count 1", "/Count 0", "/Count 9", ""):
        assert widths(nested(count, inner)) == [72, 90, 108], inner
    for back in ("2 0 R", "4 0 R"):
        assert widths(circular(count, back)) == [72, 90, 108], back


def test_what_pages_inherit_is_kept_where_they_are_counted_anew() -> None:
    body = pdf_of(
        CATALOGUE,
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /Rotate 90 >>",
        "<< /Type /Pages /Parent 2 0 R /Kids [4 0 R 5 0 R] /Count 1 /MediaBox [0 0 90 72] >>",
        "<< /Type /Page /Parent 3 0 R >>",
        "<< /Type /Page /Parent 3 0 R /Rotate 0 >>",
    )
    assert widths(body) == [72, 90]


MEDIA = ["0 0 300 200", "300 200 0 0", "-150 -100 150 100", "20.5 10.25 320.5 210.25"]
CROPS = ["", "50 40 200 140", "200 140 50 40", "-900 -900 900 900", "900 900 990 990", "100 50 990 990", "60 60 60 60"]
TURNS = [0, 90, 180, 270, -90, 450]
UNITS = ["", "/UserUnit 2", "/UserUnit 0.5"]
CASES = list(product(MEDIA, CROPS, TURNS, UNITS, (False, True)))


def box(text: str) -> tuple[float, float, float, float]:
    left, bottom, right, top = map(float, text.split())
    return min(left, right), min(bottom, top), max(left, right), max(bottom, top)


def shown_part(media: str, crop: str) -> tuple[float, float, float, float]:
    whole, cut = box(media), box(crop or media)
    part = max(whole[0], cut[0]), max(whole[1], cut[1]), min(whole[2], cut[2]), min(whole[3], cut[3])
    return part if part[0] < part[2] and part[1] < part[3] else whole


def check(media: str, crop: str, turn: int, unit: str, inherited: bool) -> None:
    """A black square in the lower left corner of what is shown lies where the page is turned to, and nothing else."""
    left, bottom, right, top = shown_part(media, crop)
    entries = f"/MediaBox [{media}] /Rotate {turn} " + (f"/CropBox [{crop}]" if crop else "")
    body = pdf_of(
        CATALOGUE,
        f"<< /Type /Pages /Kids [3 0 R] /Count 1 {entries if inherited else ''} >>",
        f"<< /Type /Page /Parent 2 0 R /Contents 4 0 R {unit} {'' if inherited else entries} >>",
        stream(f"{left} {bottom} 20 20 re f"),
    )
    across, down = (right - left, top - bottom) if turn % 180 == 0 else (top - bottom, right - left)
    scale = SCALE * float(unit.rpartition(" ")[2] if unit else 1)
    document = open_document(body, LIMITS)
    (size,) = document.sizes
    assert size == pytest.approx((across * scale, down * scale), abs=1)
    drawn = document.page(1)
    assert (drawn.width, drawn.height) == size
    at = round(10 * scale)
    corners = {
        name: drawn.pixels[y * drawn.width + x] < 128
        for name, x, y in (
            (0, at, drawn.height - at),
            (90, at, at),
            (180, drawn.width - at, at),
            (270, drawn.width - at, drawn.height - at),
        )
    }
    assert corners == {name: name == turn % 360 for name in corners}


@pytest.mark.parametrize("case", CASES[::53], ids=str)
def test_a_page_is_shown_as_its_boxes_its_unit_and_its_turn_say(case: tuple[str, str, int, str, bool]) -> None:
    check(*case)


@pytest.mark.long
def test_every_page_is_shown_as_its_boxes_its_unit_and_its_turn_say() -> None:
    for case in CASES:
        check(*case)


@pytest.mark.parametrize(
    "entries", ["", "/MediaBox null", "/MediaBox [0 0 300]", "/MediaBox [/a /b /c /d]", "/MediaBox [9 9 9 9]"]
)
def test_a_page_without_a_box_is_a_letter(entries: str) -> None:
    body = pdf_of(CATALOGUE, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", f"<< /Type /Page /Parent 2 0 R {entries} >>")
    assert open_document(body, LIMITS).sizes == ((1700, 2200),)


MARKED = pdf_of(
    CATALOGUE,
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] /Contents 4 0 R >>",
    stream("0 0 72 72 re f"),
)


def encrypted(user: str, owner: str, algorithm: str) -> bytes:
    writer, file = PdfWriter(clone_from=io.BytesIO(MARKED)), io.BytesIO()
    writer.encrypt(user, owner, algorithm=algorithm)
    writer.write(file)
    return file.getvalue()


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256-R5", "AES-256"])
def test_an_encrypted_pdf_is_read_where_it_asks_for_no_password(algorithm: str) -> None:
    for owner in ("", "owner"):
        assert max(open_document(encrypted("", owner, algorithm), LIMITS).page(1).pixels) < 128
    with pytest.raises(DocumentRefused, match="asks for a password") as refused:
        open_document(encrypted("user", "owner", algorithm), LIMITS)
    assert refused.value.code is Code.NOT_SUPPORTED_IMAGE


def damaged() -> Iterator[tuple[str, bytes]]:
    yield "bytes before it", b"\r\n" * 300 + MARKED
    yield "bytes behind it", MARKED + bytes(3000)
    yield "its table elsewhere", MARKED.replace(b"startxref\n", b"startxref\n9")
    yield "no table", MARKED.replace(b"xref\n0", b"xxxx\n0", 1)
    yield "an update whose table leads back nowhere", updated(prev=9)
    compressed = compressed_pdf(
        CATALOGUE,
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] /Contents 4 0 R >>",
        stream("0 0 72 72 re f"),
    )
    yield "compressed, its table elsewhere", compressed.replace(b"startxref\n", b"startxref\n9")


def updated(prev: int | None = None) -> bytes:
    """White paper to which an update adds what is on it."""
    first = MARKED.replace(b"0 0 72 72 re f", b"0 0 0  0  re f")
    place = len(first)
    update = f"4 0 obj\n{stream('0 0 72 72 re f')}\nendobj\n"
    back = int(first.rpartition(b"startxref\n")[2].split()[0]) if prev is None else prev
    table = f"xref\n4 1\n{place:010} 00000 n \ntrailer\n<< /Root 1 0 R /Size 5 /Prev {back} >>\n"
    return first + f"{update}{table}startxref\n{place + len(update)}\n%%EOF\n".encode()


DAMAGED = dict(damaged())


@pytest.mark.parametrize("how", DAMAGED)
def test_a_pdf_with_harmless_damage_is_read(how: str) -> None:
    assert max(open_document(DAMAGED[how], LIMITS).page(1).pixels) < 128


def test_the_last_of_several_updates_is_read() -> None:
    assert max(open_document(updated(), LIMITS).page(1).pixels) < 128


FILE = "/Names << /EmbeddedFiles << /Names [(a.txt) << /Type /Filespec /F (a.txt) /EF << /F 6 0 R >> >>] >> >>"


def holding(collection: str) -> bytes:
    return annotated_pdf([], [stream("hello", "/Type /EmbeddedFile")], catalogue=f"{FILE} {collection}")


@pytest.mark.parametrize("view", ["", "/View /D", "/View /T"])
def test_a_portfolio_is_called_that(view: str) -> None:
    with pytest.raises(DocumentRefused, match="portfolio, whose documents are files within it") as refused:
        open_document(holding(f"/Collection << /Type /Collection {view} >>"), LIMITS)
    assert refused.value.code is Code.NOT_SUPPORTED_IMAGE


@pytest.mark.parametrize("collection", ["", "/Collection << /View /H >>"])
def test_files_that_are_only_attached_are_no_pages(collection: str) -> None:
    assert len(open_document(holding(collection), LIMITS).sizes) == 1


def xfa(config: str) -> bytes:
    packets = [
        stream(f"<config><acrobat><acrobat7><dynamicRender>{config}</dynamicRender></acrobat7></acrobat></config>")
    ]
    return annotated_pdf([field("Tx", "a", "/V (FILLED)")], packets, form="/XFA [(config) 6 0 R]")


def test_a_form_in_xfa_is_read_where_its_pages_are_in_the_file() -> None:
    assert min(open_document(xfa("forbidden"), LIMITS).page(1).pixels) < 128
    with pytest.raises(DocumentRefused, match="dynamic XFA") as refused:
        open_document(xfa("required"), LIMITS)
    assert refused.value.code is Code.NOT_SUPPORTED_IMAGE


def test_an_annotation_of_no_known_kind_is_shown_unless_it_is_to_be_invisible() -> None:
    looks = stream("0 0 300 30 re f", "/Type /XObject /Subtype /Form /BBox [0 0 300 30]")
    for kind, flag, shown in (("Own", 0, True), ("Own", 1, False), ("Stamp", 1, True)):
        body = annotated_pdf([f"/Subtype /{kind} /F {flag} /AP << /N 6 0 R >>"], [looks])
        assert (min(open_document(body, LIMITS).page(1).pixels) < 128) == shown, (kind, flag)
