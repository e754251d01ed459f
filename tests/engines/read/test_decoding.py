"""A document is decoded in a process of its own: slow, greedy and deadly ones are refused, and hold nobody up."""

import multiprocessing
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from engines.read import Code, Limits, Recogniser
from tests import pictures
from tests.engines.read.conftest import Container, talking_to
from tests.engines.read.test_api import SYNC, send, texts
from tests.filled_forms import compressed_pdf
from tests.rasters import tiff
from tests.waiting import eventually

SLOW: dict[str, Callable[[], bytes]] = {
    "forms within forms": pictures.nested_forms_pdf,
    "very many paths": pictures.many_paths_pdf,
    "very many shadings": pictures.shaded_pdf,
    "a JPEG of very many scans": lambda: pictures.jpeg_of_scans(3_000),
}
TALKATIVE = {
    "many texts": pictures.chatty_png(b"tEXt", 100_000, 9),
    "long packed texts": pictures.chatty_png(b"zTXt", 60, 1_000_000),
    "long packed texts of any language": pictures.chatty_png(b"iTXt", 60, 1_000_000),
    "very many pages": pictures.tiff_of_folders(1_999),
}
SIGN = pictures.encode(pictures.sign(), "PNG")


def processes() -> list[multiprocessing.process.BaseProcess]:
    """The processes that hold a document."""
    return [process for process in multiprocessing.active_children() if process.is_alive()]


def begun(pool: ThreadPoolExecutor, client: httpx.Client, *bodies: bytes) -> list[Future[httpx.Response]]:
    """Requests under way, each of whose documents has its process."""
    before = set(processes())
    futures = [pool.submit(send, client, body) for body in bodies]
    assert eventually(lambda: len({*processes()} - before) == len(bodies))
    return futures


def test_while_one_document_is_slow_others_are_read_and_metered_and_the_container_answers(
    recogniser: Recogniser,
) -> None:
    container = Container(recogniser, Limits(page_seconds=3_600))
    with ThreadPoolExecutor(len(SLOW)) as pool, talking_to(container.app) as client:
        # as many as may be waited for, each with another reason to be slow
        slow = begun(pool, client, *(make() for make in SLOW.values()))
        for number in range(1, 3):
            assert texts(send(client, SIGN)) == ["MIND THE STEP"]
            assert container.recorded == [1] * number
        assert client.get("/vision/v3.2/read/operations/none").status_code == 404
        assert not any(request.done() for request in slow)
        for process in processes():
            process.kill()
        assert {request.result().json()["code"] for request in slow} == {Code.INVALID_IMAGE}
        assert container.recorded == [1, 1]


@pytest.mark.parametrize("name", SLOW)
def test_a_page_that_is_too_slow_is_refused_and_its_process_ends(recogniser: Recogniser, name: str) -> None:
    container = Container(recogniser, Limits(page_seconds=0.3))
    with talking_to(container.app) as client:
        refused = send(client, SLOW[name]())
        assert (refused.status_code, refused.json()["code"]) == (422, Code.TIMEOUT)
    assert not processes()  # one that dies late would hold the output folder, and the next start would be refused
    assert container.recorded == []


@pytest.mark.parametrize("name", TALKATIVE)
def test_what_stands_around_the_pixels_counts_into_the_time_of_the_page(recogniser: Recogniser, name: str) -> None:
    container = Container(recogniser, Limits(page_seconds=0.05))
    with talking_to(container.app) as client:
        refused = send(client, TALKATIVE[name])
    assert (refused.status_code, refused.json()["code"]) == (422, Code.TIMEOUT)
    assert container.recorded == []


def test_a_client_that_hangs_up_ends_the_process_and_pays_nothing(recogniser: Recogniser) -> None:
    container = Container(recogniser, Limits(page_seconds=3_600))
    with talking_to(container.app) as client:
        with httpx.Client(base_url=client.base_url) as other, suppress(httpx.ReadTimeout):
            other.post(SYNC, content=pictures.nested_forms_pdf(), timeout=httpx.Timeout(60, read=0.5))
        assert eventually(lambda: not processes())
        assert texts(send(client, SIGN)) == ["MIND THE STEP"]
    assert container.recorded == [1]


def test_a_process_that_dies_refuses_its_document_alone_and_each_page_is_recorded_once(recogniser: Recogniser) -> None:
    container = Container(recogniser, Limits(page_seconds=3_600))
    with ThreadPoolExecutor(1) as pool, talking_to(container.app) as client:
        for number in range(3):
            assert eventually(lambda: not processes())
            (slow,) = begun(pool, client, pictures.nested_forms_pdf())
            processes()[0].kill()
            assert (slow.result().status_code, slow.result().json()["code"]) == (400, Code.INVALID_IMAGE)
            assert container.recorded == [1] * number
            assert texts(send(client, SIGN)) == ["MIND THE STEP"]
    assert container.recorded == [1, 1, 1]


def test_a_slow_document_holds_no_connection_of_another_client(recogniser: Recogniser) -> None:
    container = Container(recogniser, Limits(page_seconds=3_600))
    with ThreadPoolExecutor(1) as pool, talking_to(container.app) as client:
        address = urlsplit(str(client.base_url))
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=60) as other:
            other.sendall(b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
            other.recv(65536)  # so that the server has accepted it
            (slow,) = begun(pool, client, pictures.nested_forms_pdf())
            other.sendall(b"GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            while other.recv(65536):
                pass
            assert not slow.done()
        processes()[0].kill()
        assert slow.result().status_code == 400


def test_where_no_process_can_be_started_the_client_is_put_off(container: Container) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with talking_to(container.app) as client:
        send(client, SIGN)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
        try:
            refused = client.post(SYNC, content=SIGN)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert (refused.status_code, refused.json()["code"]) == (429, Code.TOO_MANY_REQUESTS)
        assert texts(send(client, SIGN)) == ["MIND THE STEP"]
    assert container.recorded == [1, 1]


DECODED = """
import asyncio, pathlib, sys
from contextlib import closing
from engines.read import DocumentRefused, Limits
from engines.read.decoding import Decoders

class Nothing:
    def find_spec(self, name, path=None, target=None):
        raise ImportError(name)

async def decode(body):
    with closing(await Decoders(Limits(), pages=1).open(body)) as document:
        for number in document.outline.select(None):
            print((await document.page(number)).width)

asyncio.run(decode(pathlib.Path(sys.argv[1]).read_bytes()))  # what the container itself imports late
sys.meta_path.insert(0, Nothing())
for name in sys.argv[1:]:
    try:
        asyncio.run(decode(pathlib.Path(name).read_bytes()))
    except DocumentRefused as refused:
        print(refused.code)
"""
REMARKABLE = [
    *(pictures.hostile_files()[name][0] for name in ("half a TIFF", "the start of a TIFF", "half a PDF")),
    tiff(({256: 100, 257: 60}, bytes(3_000))),
    tiff(({256: 100, 257: 60, 259: 5}, bytes(9))),
    tiff(({256: 100, 257: 60, 259: 50001}, bytes(9))),
]


PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 50] /UserUnit 2 >>"
SOUND = [
    *(pictures.encode(pictures.sign(), kind) for kind in ("JPEG", "PNG", "BMP", "PDF", "MPO")),
    pictures.encode(pictures.sign(), "MPO", [pictures.sign()]),
    tiff(({256: 100, 257: 60, 258: (8, 8, 8), 277: 3, 262: 8}, bytes(100 * 60 * 3))),
    tiff(({256: 100, 257: 60, 258: 32, 339: 3}, bytes(100 * 60 * 4))),
    compressed_pdf("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", PAGE),
]


def test_a_document_leaves_no_remark_on_stderr_and_needs_no_module_that_is_not_there(tmp_path: Path) -> None:
    bodies = [*SOUND, *REMARKABLE]
    names = [tmp_path / str(number) for number in range(len(bodies))]
    for name, body in zip(names, bodies, strict=True):
        name.write_bytes(body)
    command = [sys.executable, "-W", "default", "-c", DECODED, *map(str, names)]
    ended = subprocess.run(command, capture_output=True, check=True, text=True)
    assert ended.stderr == ""
    widths = [500] + [500] * 3 + [1000] + [500] * 2 + [100] * 2 + [round(200 * 200 / 72)]
    assert ended.stdout.split() == [*map(str, widths), *["InvalidImage"] * 5, "NotSupportedImage"]
