import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from engines.read import Limits, Page, PageReading, Recogniser
from tests import pictures
from tests.engines.read.conftest import Container, busy, talking_to
from tests.waiting import eventually

SYNC = "/vision/v3.2/read/syncAnalyze"
ASYNC = "/vision/v3.2/read/analyze"
BINARY = {"Content-Type": "application/octet-stream"}


def send(client: httpx.Client, body: bytes, path: str = SYNC, **query: str) -> httpx.Response:
    return client.post(path, content=body, headers=BINARY, params=query)


def texts(answer: httpx.Response) -> list[str]:
    pages = answer.json()["analyzeResult"]["readResults"]
    return [" ".join(line["text"] for line in page["lines"]) for page in pages]


def wait_for(client: httpx.Client, location: str) -> httpx.Response:
    """The answer of an operation that has ended."""
    assert eventually(lambda: client.get(location).json()["status"] not in ("notStarted", "running"))
    return client.get(location)


def test_a_document_is_read_and_its_pages_are_counted(container: Container, client: httpx.Client) -> None:
    answer = send(client, pictures.three_page_tiff())
    assert answer.status_code == 200
    assert answer.json()["status"] == "succeeded"
    assert texts(answer) == ["FIRST PAGE", "SECOND PAGE", "THIRD PAGE"]
    assert container.recorded == [3]


def test_only_the_wanted_pages_are_read_and_counted(container: Container, client: httpx.Client) -> None:
    answer = send(client, pictures.two_page_pdf(), pages="2", readingOrder="natural", language="en")
    (page,) = answer.json()["analyzeResult"]["readResults"]
    assert (page["page"], page["unit"], page["width"], page["height"]) == (2, "inch", 5, 1.2)
    assert texts(answer) == ["SECOND PAGE"]
    assert container.recorded == [1]


@pytest.mark.parametrize(
    ("query", "pages"),
    [
        ("pages=1&pages=3", [1, 3]),
        ("pages=3&pages=1,2&pages=3", [1, 2, 3]),
        ("pages=1-2&pages=3-", [1, 2, 3]),
        ("pages=2&model-version=2022-04-30", [2]),
        ("pages=2&model-version=latest&language=", [2]),
    ],
)
def test_pages_may_be_asked_for_one_by_one(
    container: Container, client: httpx.Client, query: str, pages: list[int]
) -> None:
    answer = client.post(f"{SYNC}?{query}", content=pictures.three_page_tiff(), headers=BINARY)
    assert [page["page"] for page in answer.json()["analyzeResult"]["readResults"]] == pages
    assert container.recorded == [len(pages)]


def test_a_good_page_beside_a_damaged_one_can_be_asked_for(container: Container, client: httpx.Client) -> None:
    body = pictures.tiff_with_broken_second_page()
    assert texts(send(client, body, pages="1")) == ["FIRST PAGE"]
    refused = send(client, body)
    assert (refused.status_code, refused.json()["code"]) == (400, "InvalidImage")
    assert container.recorded == [1]


@pytest.mark.parametrize("path", ["operations", "analyzeResults"])
def test_an_operation_is_begun_and_asked_for(container: Container, client: httpx.Client, path: str) -> None:
    begun = send(client, pictures.two_page_pdf(), ASYNC)
    assert (begun.status_code, begun.content) == (202, b"")
    location = begun.headers["Operation-Location"]
    assert location.startswith(f"{client.base_url}/vision/v3.2/read/operations/".replace("//v", "/v"))
    answer = wait_for(client, location.replace("operations", path))
    assert answer.json()["status"] == "succeeded"
    assert texts(answer) == ["FIRST PAGE", "SECOND PAGE"]
    assert container.recorded == [2]


def test_results_stay_readable_for_48_hours_without_a_license(container: Container, client: httpx.Client) -> None:
    location = send(client, pictures.two_page_pdf(), ASYNC).headers["Operation-Location"]
    wait_for(client, location)
    container.licensed = False
    container.sleep(hours=47)
    assert client.get(location).status_code == 200
    container.sleep(hours=1)
    gone = client.get(location)
    assert (gone.status_code, gone.json()["code"]) == (404, "NotFound")


def test_a_result_is_kept_as_long_as_the_container_was_told(recogniser: Recogniser) -> None:
    container = Container(recogniser, Limits(kept=timedelta(hours=1)))
    with talking_to(container.app) as client:
        location = send(client, pictures.encode(pictures.sign(), "PNG"), ASYNC).headers["Operation-Location"]
        wait_for(client, location)
        container.sleep(hours=0.9)
        assert client.get(location).status_code == 200
        container.sleep(hours=0.1)
        gone = client.get(location)
        assert gone.status_code == 404 and "results are kept for 1 hour," in gone.json()["message"]


def test_a_document_that_may_take_no_time_is_refused_and_not_charged(recogniser: Recogniser) -> None:
    container = Container(recogniser, Limits(document_seconds=0))
    with talking_to(container.app) as client:
        refused = send(client, pictures.two_page_pdf())
        assert (refused.status_code, refused.json()["code"]) == (422, "Timeout")
        assert "not read within 0 seconds" in refused.json()["message"]
        begun = send(client, pictures.two_page_pdf(), ASYNC)
        assert wait_for(client, begun.headers["Operation-Location"]).json()["error"]["code"] == "Timeout"
    assert container.recorded == []


def test_a_document_that_fails_late_is_failed_whole(container: Container, client: httpx.Client) -> None:
    begun = send(client, pictures.tiff_with_broken_second_page(), ASYNC)
    answer = wait_for(client, begun.headers["Operation-Location"]).json()
    assert (answer["status"], answer["error"]["code"]) == ("failed", "InvalidImage")
    assert "page 2" in answer["error"]["message"]
    assert "analyzeResult" not in answer
    assert container.recorded == []


def test_no_text_leaves_that_was_not_recorded(container: Container, client: httpx.Client) -> None:
    container.disk_full = True
    sync = send(client, pictures.two_page_pdf())
    assert (sync.status_code, sync.json()["code"]) == (503, "UsageNotRecorded")
    begun = send(client, pictures.two_page_pdf(), ASYNC)
    answer = wait_for(client, begun.headers["Operation-Location"])
    assert (answer.json()["status"], answer.json()["error"]["code"]) == ("failed", "UsageNotRecorded")
    assert "the disk is full" in answer.json()["error"]["message"]
    assert b"PAGE" not in sync.content + answer.content


@pytest.mark.parametrize("path", [SYNC, ASYNC])
def test_without_a_license_nothing_is_read(container: Container, client: httpx.Client, path: str) -> None:
    container.licensed = False
    answer = send(client, pictures.two_page_pdf(), path)
    assert (answer.status_code, answer.json()["code"]) == (503, "LicenseExpired")
    assert container.recorded == []


def test_an_error_is_flat_and_names_its_request(client: httpx.Client) -> None:
    sync, begun = (send(client, b"no picture", path) for path in (SYNC, ASYNC))
    assert list(sync.json()) == ["status", "code", "message", "requestId"]
    assert sync.json()["status"] == "Failed"
    assert list(begun.json()) == ["code", "message", "requestId"]
    for answer in (sync, begun):
        assert answer.json()["requestId"] == answer.headers["apim-request-id"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"language": "de"}, "NotSupportedLanguage"),
        ({"pages": "0"}, "InvalidPageRange"),
        ({"pages": "2-3"}, "InvalidPageRange"),
        ({"readingOrder": "upwards"}, "InvalidArgument"),
        ({"model-version": "2021-04-12"}, "InvalidArgument"),
    ],
)
def test_an_option_that_cannot_be_met_is_refused(
    container: Container, client: httpx.Client, query: dict[str, str], code: str
) -> None:
    answer = send(client, pictures.two_page_pdf(), **query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert container.recorded == []


@pytest.mark.parametrize(
    "media_type", ["image/tiff", "IMAGE/PNG", "application/pdf", "application/octet-stream; x=y", ""]
)
def test_the_bytes_decide_what_a_document_is(client: httpx.Client, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    body = pictures.encode(pictures.sign(), "PNG")
    assert texts(client.post(SYNC, content=body, headers=headers)) == ["MIND THE STEP"]


@pytest.mark.parametrize("name", ["heic", "heif", "webp", "jp2", "avif", "gif", "svg+xml", "vnd.microsoft.icon"])
def test_a_picture_of_a_kind_that_is_not_read_is_refused_by_its_media_type(client: httpx.Client, name: str) -> None:
    for path in (SYNC, ASYNC):
        answer = client.post(path, content=b"\0" * 50, headers={"Content-Type": f"image/{name}"})
        assert (answer.status_code, answer.json()["code"]) == (415, "UnsupportedMediaType")
        assert f"image/{name}" in answer.json()["message"]


def test_a_url_a_form_and_a_text_are_refused_in_words(client: httpx.Client) -> None:
    answers = [
        client.post(SYNC, json={"url": "http://example.com/a.png"}),
        client.post(SYNC, files={"file": pictures.two_page_pdf()}),
        client.post(SYNC, data={"file": "letter.png"}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (400, "InvalidImageURL"),
        (415, "UnsupportedMediaType"),
        (415, "UnsupportedMediaType"),
    ]
    assert "octet-stream" in answers[1].json()["message"]


def chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 4096):
        yield body[start : start + 4096]


def test_a_body_may_come_in_chunks_of_unknown_length(container: Container, client: httpx.Client) -> None:
    answer = client.post(SYNC, content=chunks(pictures.three_page_tiff()), headers=BINARY)
    assert "content-length" not in answer.request.headers
    assert len(texts(answer)) == 3
    assert container.recorded == [3]


def test_a_body_over_the_limit_is_refused_declared_or_not(container: Container, client: httpx.Client) -> None:
    for body in (bytes(2_000_001), chunks(bytes(2_000_001))):
        answer = client.post(SYNC, content=body, headers=BINARY)
        assert (answer.status_code, answer.json()["code"]) == (413, "InvalidImageSize")
    assert container.recorded == []


def test_a_client_that_hangs_up_is_not_charged(recogniser: Recogniser, container: Container) -> None:
    body = pictures.two_page_pdf()
    # The server shuts down while the recogniser is still busy: only hanging up can have ended the request.
    with busy(recogniser), talking_to(container.app) as client, connected(client) as connection:
        connection.sendall(request_head(len(body)) + body)
        assert container.asked.wait(timeout=60)
    assert container.recorded == []


def test_a_shutdown_lets_documents_in_hand_be_finished(container: Container) -> None:
    with talking_to(container.app) as client:
        send(client, pictures.three_page_tiff(), ASYNC)
    assert container.recorded == [3]


def test_more_documents_than_there_is_room_for_are_put_off(
    recogniser: Recogniser, container: Container, client: httpx.Client
) -> None:
    body = pictures.two_page_pdf()
    with busy(recogniser):
        begun = [send(client, body, ASYNC).headers["Operation-Location"] for _ in range(2)]
        assert client.get(begun[0]).json()["status"] == "running"
        for path in (SYNC, ASYNC):
            answer = send(client, body, path)
            assert (answer.status_code, answer.json()["code"]) == (429, "TooManyRequests")
            assert answer.headers["Retry-After"] == "5"
    for location in begun:
        assert wait_for(client, location).json()["status"] == "succeeded"
    assert container.recorded == [2, 2]


class InPairs(Recogniser):
    """Reads no page before another one is there to be read beside it."""

    def __init__(self) -> None:
        super().__init__(threads=2)
        self._both = threading.Barrier(2, timeout=60)

    def read(self, page: Page, *, seconds: float, model: str | None = None) -> PageReading:
        self._both.wait()
        return super().read(page, seconds=seconds, model=model)


@pytest.fixture
def in_pairs() -> Iterator[InPairs]:
    recogniser = InPairs()
    yield recogniser
    recogniser.close()


def test_two_clients_are_read_side_by_side(in_pairs: InPairs) -> None:
    container = Container(in_pairs, Limits())
    body = pictures.encode(pictures.sign(), "PNG")
    with talking_to(container.app) as client, ThreadPoolExecutor(2) as clients:
        answers = list(clients.map(lambda _: send(client, body), range(2)))
    assert [texts(answer) for answer in answers] == [["MIND THE STEP"]] * 2


def test_the_pages_of_a_document_are_read_side_by_side(in_pairs: InPairs) -> None:
    container = Container(in_pairs, Limits())
    with talking_to(container.app) as client:
        assert texts(send(client, pictures.two_page_pdf())) == ["FIRST PAGE", "SECOND PAGE"]


def test_swagger_offers_a_file_and_the_options(container: Container) -> None:
    for path in (SYNC, ASYNC):
        route = container.app.openapi()["paths"][path]["post"]
        content = route["requestBody"]["content"]["application/octet-stream"]
        assert content["schema"] == {"type": "string", "format": "binary"}
        names = [option["name"] for option in route["parameters"]]
        assert names == ["language", "pages", "readingOrder", "model-version"]


def connected(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 80))


def request_head(length: int) -> bytes:
    return f"POST {SYNC} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
