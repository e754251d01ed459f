"""Clients that send their document slowly, half, or not at all, beside one that has a document to be read."""

import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from engines.read import Limits, Recogniser
from engines.server.uploads import Uploads
from tests import pictures
from tests.engines.read.conftest import Container, busy, talking_to
from tests.engines.read.test_api import ASYNC, BINARY, SYNC, connected, send, texts
from tests.waiting import eventually

PATIENCE = 60


def head(*headers: str, path: str = SYNC) -> bytes:
    return "\r\n".join((f"POST {path} HTTP/1.1", "Host: x", *headers, "", "")).encode()


STALLED = {
    "no body": head("Content-Length: 1000"),
    "half a body": head("Content-Length: 1000") + bytes(500),
    "half a chunk": head("Transfer-Encoding: chunked") + b"10\r\nabc",
    "waiting to be asked": head("Content-Length: 1000", "Expect: 100-continue"),
    "asynchronous": head("Content-Length: 1000", path=ASYNC) + bytes(500),
}


def test_clients_that_stall_their_upload_take_no_place(container: Container, client: httpx.Client) -> None:
    with ExitStack() as clients:
        for sent in [*STALLED.values()] * 2:  # ten, where there are two places
            clients.enter_context(connected(client)).sendall(sent)
        assert eventually(lambda: container.admissions >= 10, PATIENCE)
        assert texts(send(client, pictures.encode(pictures.sign(), "PNG"))) == ["MIND THE STEP"]
        assert send(client, pictures.two_page_pdf(), ASYNC).status_code == 202


def test_uploads_that_fill_the_memory_and_stall_give_way(recogniser: Recogniser) -> None:
    body = pictures.encode(pictures.sign(), "BMP")
    room = len(body) + 1000
    container = Container(recogniser, Limits(body_bytes=room, documents_bytes=room, documents=2))
    with talking_to(container.app) as client, connected(client) as stalled:
        stalled.settimeout(PATIENCE)
        stalled.sendall(head(f"Content-Length: {room}") + bytes(room - 1))
        assert eventually(lambda: send(client, body).status_code == 200, PATIENCE)
        told = stalled.recv(65536)
    assert told.startswith(b"HTTP/1.1 429 ") and b"TooManyRequests" in told and b"retry-after: 5" in told


def test_documents_that_are_being_read_take_their_room_too() -> None:
    uploads = Uploads(Limits(body_bytes=1000, documents_bytes=1000).uploads)
    with uploads.one() as being_read, uploads.one() as coming:
        being_read.add(700, now=0)
        coming.add(200, now=0)
        assert uploads.bytes_held == 900
    assert uploads.bytes_held == 0


def test_the_slowest_of_late_gives_way_and_not_the_one_that_began_first() -> None:
    uploads = Uploads(Limits().uploads, monotonic=lambda: 0.0)
    with uploads.one() as first, uploads.one() as burst:
        burst.add(10_000_000, now=0.1)
        for second in range(1, 61):
            first.add(10_000, now=float(second))
            burst.add(1, now=float(second))
        assert first.pace(60.5) > 5_000
        assert burst.pace(60.5) < 10


def test_many_who_ask_for_results_without_a_pause_keep_no_document_waiting(
    recogniser: Recogniser, container: Container, client: httpx.Client
) -> None:
    body = pictures.encode(pictures.sign(), "PNG")
    enough = threading.Event()

    def poll(location: str) -> set[int]:
        told = set[int]()
        with httpx.Client(timeout=60) as asking:
            while not told or not enough.is_set():
                told.add(asking.get(location).status_code)
        return told

    with ThreadPoolExecutor(4) as many, busy(recogniser):
        location = send(client, body, ASYNC).headers["Operation-Location"]
        polls = [many.submit(poll, each) for each in (location, f"{location}0") * 2]
        try:
            assert send(client, body, ASYNC).status_code == 202
        finally:
            enough.set()
    assert [each.result() for each in polls] == [{200}, {404}] * 2


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, identity"])
def test_a_compressed_body_is_refused_by_the_name_of_its_coding(client: httpx.Client, coding: str) -> None:
    for path in (SYNC, ASYNC):
        body = gzip.compress(pictures.encode(pictures.sign(), "PNG"))
        answer = client.post(path, content=body, headers=BINARY | {"Content-Encoding": coding})
        assert (answer.status_code, answer.json()["code"]) == (415, "UnsupportedMediaType")
        assert f"Content-Encoding: {coding.lower()}" in answer.json()["message"]
        assert answer.headers["Accept-Encoding"] == "identity"


def test_a_body_that_is_said_to_be_as_it_is_is_taken(client: httpx.Client) -> None:
    body = pictures.encode(pictures.sign(), "PNG")
    answer = client.post(SYNC, content=body, headers=BINARY | {"Content-Encoding": "identity"})
    assert texts(answer) == ["MIND THE STEP"]


REFUSED_AT_ONCE = {
    "too large": ("Content-Length: 50000000", 413),
    "a text": ("Content-Length: 10\r\nContent-Type: text/plain", 415),
    "compressed": ("Content-Length: 10\r\nContent-Encoding: gzip", 415),
}


@pytest.mark.parametrize(("headers", "status"), REFUSED_AT_ONCE.values(), ids=REFUSED_AT_ONCE.keys())
def test_a_client_that_asks_first_is_refused_before_it_sends(client: httpx.Client, headers: str, status: int) -> None:
    with connected(client) as asking:
        asking.settimeout(PATIENCE)
        asking.sendall(head(headers, "Expect: 100-continue"))
        assert asking.recv(65536).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_length_that_says_too_little_ends_the_document_there(container: Container, client: httpx.Client) -> None:
    body = pictures.encode(pictures.sign(), "PNG")
    with connected(client) as lying:
        lying.settimeout(PATIENCE)
        lying.sendall(head(f"Content-Length: {len(body)}") + body + b"and what else there is\r\n\r\n")
        told = read_to_end(lying)
    assert told.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 400 " in told
    assert container.recorded == [1]


def read_to_end(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as answer:
        return answer.read()
