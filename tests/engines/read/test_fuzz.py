"""Foreign bytes, of any kind, are answered with their text or refused in words, and only text is counted."""

import asyncio

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.read import Limits, Recogniser
from tests import pictures
from tests.engines.read.conftest import Container
from tests.filled_forms import annotated_pdf, compressed_pdf, field
from tests.rasters import bmp, tiff

WHOLE = [
    pictures.encode(pictures.sign("AB"), "JPEG"),
    pictures.encode(pictures.sign("AB"), "PNG"),
    pictures.encode(pictures.sign("AB").convert("1"), "BMP"),
    pictures.encode(pictures.sign("AB").convert("1"), "TIFF", [pictures.sign("CD").convert("1")]),
    pictures.encode(pictures.sign("AB").convert("1"), "PDF"),
    annotated_pdf([field("Tx", "a", "/V (AB)")], page="/UserUnit 1.1", catalogue="/OCProperties << /D << >> >>"),
    compressed_pdf(
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 50] /UserUnit 1.1 >>",
    ),
    annotated_pdf(
        [
            field("Tx", "a", f"/Ff {1 << 24} /MaxLen 9 /MK << /BC [0] /R 180 >> /V (AB)"),
            field("Ch", "b", "/Opt [(AB) (CD)] /V (CD) /OC 6 0 R"),
        ],
        ["<< /Type /OCG /Usage << /View << /ViewState /OFF >> >> >>", "<< /Type /OCMD /OCGs 6 0 R /P /AllOff >>"],
        catalogue="/OCProperties << /OCGs [6 0 R] /D << /OFF [6 0 R] >> >>",
        content="/OC /A BDC BT /Helv 20 Tf 22 22 Td (AB) Tj ET EMC",
        properties="/A 7 0 R",
    ),
    tiff(
        ({256: 50, 257: 50, 254: 1}, bytes(2_500)),
        ({256: 60, 257: 50, 258: (8, 8, 8), 277: 3, 262: 8}, bytes(9_000)),
        order=">",
    ),
    bmp(60, 50, 8, bytes(3_000), colours=bytes((0, 0, 0, 0, 255, 255, 255, 0))),
]

# What a broken file makes Pillow remark is no error.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A valid file with a few bytes changed, most of them in its headers, and perhaps its end cut off."""
    body = bytearray(draw(st.sampled_from(WHOLE)))
    places = st.integers(0, len(body) - 1) | st.integers(0, 200)
    for _ in range(draw(st.integers(0, 5))):
        body[draw(places)] ^= 1 << draw(st.integers(0, 7))
    return bytes(body[: draw(st.none() | places)])


@st.composite
def signed_noise(draw: st.DrawFn) -> bytes:
    """Any bytes behind the signature of a known kind."""
    return draw(st.sampled_from([b"", *(body[:8] for body in WHOLE)])) + draw(st.binary())


BODIES, PAGES = spoilt() | signed_noise(), st.sampled_from([None, "1", "2", "1-"])


@settings(max_examples=30)
@given(body=BODIES, pages=PAGES)
def test_foreign_bytes_are_read_or_refused(recogniser: Recogniser, body: bytes, pages: str | None) -> None:
    read_or_refused(recogniser, body, pages)


@pytest.mark.long
@settings(max_examples=250)
@given(body=BODIES, pages=PAGES)
def test_many_foreign_bytes_are_read_or_refused(recogniser: Recogniser, body: bytes, pages: str | None) -> None:
    read_or_refused(recogniser, body, pages)


def read_or_refused(recogniser: Recogniser, body: bytes, pages: str | None) -> None:
    container = Container(recogniser, Limits(page_pixels=1_000_000, page_seconds=5))

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=container.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://container") as client:
            query = {"pages": pages} if pages else {}
            return await client.post("/vision/v3.2/read/syncAnalyze", content=body, params=query)

    answer = asyncio.run(send())
    if answer.status_code == 200:
        assert container.recorded == [len(answer.json()["analyzeResult"]["readResults"])]
    else:
        assert 400 <= answer.status_code < 500
        assert container.recorded == []
        assert answer.json()["message"]
