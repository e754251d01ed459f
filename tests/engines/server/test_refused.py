"""One way to say where a request ends: every other is refused at once, on real sockets, and the rest is taken."""

from collections.abc import Iterator
from itertools import product

import pytest
from fastapi import FastAPI, Request

from engines.server.limits import ConnectionLimits
from engines.server.process import make_server
from engines.server.refused import Unserved
from tests.engines.server.refusals import asked
from tests.serving import running


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server that says what it got, with the limits as shipped: nothing stands still long enough to be cut."""
    app = FastAPI()

    @app.post("/body")
    async def body(request: Request) -> dict[str, object]:
        return {"got": (await request.body()).decode(), "host": request.headers.get("host")}

    with running(make_server(app)) as port:
        yield port


def post(*headers: str, body: str = "", target: str = "/body", version: str = "1.1") -> bytes:
    own = [] if any(each.lower().startswith("connection") for each in headers) else ["Connection: close"]
    lines = [f"POST {target} HTTP/{version}", "Host: x", *own, *headers, "", body]
    return "\r\n".join(lines).encode("latin-1")


CHUNKED = "Transfer-Encoding: chunked"
TAKEN = {
    "by its length": post("Content-Length: 3", body="abc"),
    "by its length, with spaces around it": post("Content-Length: \t 3  ", body="abc"),
    "in a chunk": post(CHUNKED, body="3\r\nabc\r\n0\r\n\r\n"),
    "in chunks with extensions": post(CHUNKED, body="1;a=b\r\na\r\n2;c\r\nbc\r\n0;d\r\n\r\n"),
    "in a chunk whose size has zeros before it": post(CHUNKED, body="0003\r\nabc\r\n000\r\n\r\n"),
    "in a chunk with trailers": post(CHUNKED, body="3\r\nabc\r\n0\r\nA: b\r\n\r\n"),
    "chunked in capitals": post("TRANSFER-ENCODING: CHUNKED", body="3\r\nabc\r\n0\r\n\r\n"),
    "in HTTP/1.0": post("Content-Length: 3", body="abc", version="1.0"),
    "by its whole address": post("Content-Length: 3", body="abc", target="http://x/body"),
}


@pytest.mark.parametrize("sent", TAKEN.values(), ids=TAKEN.keys())
def test_what_is_framed_in_one_way_is_taken(port: int, sent: bytes) -> None:
    told = asked(port, sent)
    assert told.startswith(b"HTTP/1.1 200 ") and b'"got":"abc"' in told, told


@pytest.mark.parametrize("host", ["x", "x:80", "127.0.0.1", "[::1]:5000", "a_b.example", ""])
def test_a_host_is_taken_as_it_is(port: int, host: str) -> None:
    told = asked(
        port, f"POST /body HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert told.startswith(b"HTTP/1.1 200 ") and f'"host":"{host}"'.encode() in told, told


def bad_chunks() -> Iterator[str]:
    yield from (
        "-1\r\n",
        "+3\r\nabc\r\n",
        "0x3\r\nabc\r\n",
        "three\r\n",
        "\r\n",
        " 3\r\nabc\r\n",
        "3g\r\n",
    )
    yield from ("3\nabc\n0\n\n", "3\r\nabcd\r\n0\r\n\r\n", "3\r\nab\r\n0\r\n\r\n", "F" * 21 + "\r\n", "3\r\nabcX")
    yield from ("3\r\nabc\r\n0\r\nno trailer\r\n\r\n", "3\r\nabc\r\n0\r\nA\0: b\r\n\r\n", "\0\r\n")


SMUGGLED = {
    "both": [CHUNKED, "Content-Length: 3"],
    "both, the other way round": ["Content-Length: 3", CHUNKED],
    "two lengths": ["Content-Length: 3", "Content-Length: 4"],
    "one length twice": ["Content-Length: 3", "content-length: 3"],
    "a list of lengths": ["Content-Length: 3, 3"],
    "two lists of codings": [CHUNKED, CHUNKED],
    "a negative length": ["Content-Length: -3"],
    "a length with a sign": ["Content-Length: +3"],
    "a length that is no number": ["Content-Length: three"],
    "a length of no ASCII digits": ["Content-Length: \xb3"],
    "a length in hexadecimal digits": ["Content-Length: 0x3"],
    "a length of too many digits": [f"Content-Length: {'9' * 40}"],
    "no length": ["Content-Length:"],
    "a folded header": ["A: b\r\n c"],
    "a folded length": ["Content-Length:\r\n 3"],
    "a length behind a space": [" Content-Length: 3"],
    "a space before a colon": ["Content-Length : 3"],
    "a header without a name": [": 3"],
    "a header without a colon": ["Content-Length 3"],
    "a line that ends in LF": ["A: b\nContent-Length: 3"],
    "a line that ends in CR": ["A: b\rContent-Length: 3"],
    "a NUL": ["A: b\0c"],
    "a NUL in a name": ["A\0: b"],
    "two hosts": ["Host: y"],
    "chunks in HTTP/1.0": [CHUNKED],
}


@pytest.mark.parametrize("body", list(bad_chunks()))
def test_a_body_that_is_no_chunks_is_refused_at_once(port: int, body: str) -> None:
    assert_refused(asked(port, post(CHUNKED, body=body)), Unserved.NO_REQUEST)


@pytest.mark.parametrize("headers", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_a_request_that_two_servers_may_read_in_two_ways_is_refused_at_once(port: int, headers: list[str]) -> None:
    version = "1.0" if headers == [CHUNKED] else "1.1"
    told = asked(port, post(*headers, body="3\r\nabc\r\n0\r\n\r\n", version=version))
    assert_refused(told, Unserved.NO_REQUEST)


@pytest.mark.parametrize(
    ("host", "where"), list(product(["a b", "x/y", "x:y", "<x>", "x\\y", "é"], ["/body", "/nothing"]))
)
def test_a_host_that_is_none_is_refused(port: int, host: str, where: str) -> None:
    assert_refused(asked(port, f"POST {where} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()), Unserved.NO_REQUEST)


@pytest.mark.parametrize("size", ["FFFFFFFFFFFFFFFF", "ffffffffffffffffffff", "3200001", "0003200001"])
def test_a_chunk_that_no_body_may_have_is_not_waited_for(port: int, size: str) -> None:
    for already in ("", "a" * 1_000):
        assert_refused(asked(port, post(CHUNKED, body=f"{size}\r\n{already}")), Unserved.CHUNK_TOO_LARGE)


LONG = "a" * 70_000
ENDLESS = {
    "an address": (f"GET /{LONG}".encode(), Unserved.TARGET_TOO_LONG),
    "a header": (post(f"A: {LONG}")[:-4], Unserved.HEAD_TOO_LONG),
    "an extension of a chunk": (post(CHUNKED, body=f"3;{LONG}"), Unserved.HEAD_TOO_LONG),
    "a trailer": (post(CHUNKED, body=f"0\r\nA: {LONG}"), Unserved.HEAD_TOO_LONG),
    "the digits of a chunk": (post(CHUNKED, body="0" * 70_000), Unserved.HEAD_TOO_LONG),
}


@pytest.mark.parametrize(("sent", "why"), ENDLESS.values(), ids=ENDLESS.keys())
def test_what_has_no_end_is_refused_when_it_is_too_long(port: int, sent: bytes, why: Unserved) -> None:
    assert_refused(asked(port, sent), why)


def test_what_comes_after_a_refusal_is_not_taken_for_a_request(port: int) -> None:
    second = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    for headers in SMUGGLED.values():
        told = asked(port, post(*headers, "Connection: keep-alive", body="", version="1.1")[:-2] + b"\r\n" + second)
        if headers != [CHUNKED]:
            assert told.count(b"HTTP/1.1 ") == 1, told


def test_a_head_that_is_asked_for_alone_is_refused_without_a_body(port: int) -> None:
    for sent in (b"HEAD / HTTP/1.1\nHost: x\n\n", b"HEAD / HTTP/1.1\r\nHost: x\r\nExpect: much\r\n\r\n"):
        assert asked(port, sent).endswith(b"\r\n\r\n")


def test_what_a_refused_body_would_have_been_changes_no_answer_that_was_given() -> None:
    app = FastAPI()
    app.post("/early")(lambda: "answered")
    with running(make_server(app, limits=ConnectionLimits(linger_seconds=0.05))) as port:
        told = asked(port, post(CHUNKED, body="3\r\nabc\r\n", target="/early"))
    assert told.startswith(b"HTTP/1.1 200 ") and told.endswith(b'"answered"')


def assert_refused(told: bytes, *reasons: Unserved) -> None:
    assert any(told.startswith(f"HTTP/1.1 {why.status} ".encode()) and why.code.encode() in told for why in reasons), (
        told
    )
