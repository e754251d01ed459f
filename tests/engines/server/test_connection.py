"""What rude clients may hold of a server, on real sockets, with the server's stopwatch in hand."""

import asyncio
import fcntl
import http.client
import json
import socket
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from engines.server.answers import PIECE_BYTES
from engines.server.connection import Connection, Phase
from engines.server.limits import ConnectionLimits
from engines.server.process import make_server
from tests.serving import running
from tests.waiting import eventually

LIMITS = ConnectionLimits(
    head_seconds=0.08, stall_seconds=0.12, linger_seconds=0.04, stop_seconds=0.08, idle_seconds=60, connections=6
)
LARGE = bytes(12 * 1024 * 1024)
PATIENCE = 60


class Stopwatch:
    """Says what it was told; the server has looked at it so many times."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now


def waiting(end: socket.socket, queue: int) -> int:
    """The bytes that the system holds in a queue of this end of a connection."""
    held: int = struct.unpack("i", fcntl.ioctl(end.fileno(), queue, struct.pack("i", 0)))[0]
    return held


class Served:
    """A server, what it got, and clients of it."""

    def __init__(self) -> None:
        self.watch = Stopwatch()
        self.received = 0
        self.gone = 0
        self.go_on = threading.Event()
        self.server = make_server(self._app(), limits=LIMITS, monotonic=self.watch)
        self.port = 0
        self._clients = ExitStack()

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/body")
        async def body(request: Request) -> dict[str, int]:
            whole = 0
            try:
                async for chunk in request.stream():
                    whole += len(chunk)
                    self.received += len(chunk)
            except ClientDisconnect:
                self.gone += 1
                raise
            return {"bytes": whole}

        @app.post("/refused")
        def refused() -> Response:
            return Response(status_code=413)

        @app.get("/large")
        def large() -> Response:
            return Response(LARGE)

        @app.get("/work")
        def work() -> Response:
            self.received += 1
            assert self.go_on.wait(PATIENCE)
            return Response("done")

        app.get("/")(lambda: "fine")
        return app

    @property
    def connections(self) -> list[Connection]:
        return [each for each in list(self.server.server_state.connections) if isinstance(each, Connection)]

    def client(self, sent: bytes = b"", *, room: int | None = None) -> socket.socket:
        """A client that has connected, and sent something that the server has taken in.

        ``room`` is all that the client's machine takes of an answer.
        """
        one = self._clients.enter_context(socket.socket())
        if room is not None:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        one.settimeout(PATIENCE)
        one.connect(("127.0.0.1", self.port))
        assert eventually(lambda: one.getsockname() in [each.client for each in self.connections], PATIENCE)
        one.sendall(sent)
        assert eventually(lambda: self._has_taken_all_of(one), PATIENCE)
        return one

    def _has_taken_all_of(self, client: socket.socket) -> bool:
        """Whether all that a client has sent came through the system's hands, and then the server's."""
        address = client.getsockname()
        for connection in [each for each in self.connections if each.client == address]:
            ours: socket.socket = connection.transport.get_extra_info("socket")
            if ours.fileno() < 0 or waiting(client, termios.TIOCOUTQ) or waiting(ours, termios.FIONREAD):
                return ours.fileno() < 0
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), connection.loop).result(PATIENCE)
        return True

    def passes(self, seconds: float) -> None:
        """So much later, and every connection that is still there has been looked at since."""
        self.watch.now += seconds
        enough = self.watch.looks + 3 * len(self.connections)
        assert eventually(lambda: self.watch.looks > enough or not self.connections, PATIENCE)

    def until_closed(self, client: socket.socket) -> bytes:
        """What a client is told until it is hung up on, while time goes by; it hangs up then, too."""
        told = b""
        client.settimeout(0.02)
        for _ in range(50 * PATIENCE):
            with suppress(TimeoutError, ConnectionResetError):
                more = client.recv(65536)
                told += more
                if not more:
                    client.close()
                    return told
            self.watch.now += LIMITS.stall_seconds
        raise AssertionError(f"still connected after {told!r}")

    def close(self) -> None:
        self._clients.close()


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    with running(served.server) as port:
        served.port = port
        assert eventually(lambda: served.server.started, PATIENCE)
        yield served
        served.go_on.set()
        served.close()


def answer(client: socket.socket, sent: bytes = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") -> bytes:
    client.sendall(sent)
    return received(client, b"fine", b"Unavailable")


def received(client: socket.socket, *ends: bytes) -> bytes:
    """What a client is told, until that holds one of the ends."""
    told = b""
    while not any(end in told for end in ends):
        more = client.recv(65536)
        assert more, told
        told += more
    return told


def read(client: socket.socket, size: int) -> None:
    """Read so much, and not more."""
    while size:
        more = len(client.recv(min(size, 1024 * 1024)))
        assert more, f"{size} bytes are missing"
        size -= more


def post(path: str = "/body", *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join((f"POST {path} HTTP/1.1", "Host: x", *headers, "", "")).encode() + body


def code(told: bytes) -> str:
    return str(json.loads(told.partition(b"\r\n\r\n")[2])["code"])


STALLED = {
    "half a request line": b"GET / HT",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\nCookie: a",
    "a body that never comes": post("/body", "Content-Length: 1000"),
    "half a body": post("/body", "Content-Length: 1000", body=bytes(500)),
    "a length that is a lie": post("/body", "Content-Length: 50000000000", body=bytes(5)),
    "half a chunk": post("/body", "Transfer-Encoding: chunked", body=b"10\r\nabc"),
    "chunks without an end": post("/body", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n"),
    "a body that was to be asked for": post("/body", "Content-Length: 10", "Expect: 100-continue"),
}


@pytest.mark.parametrize("sent", STALLED.values(), ids=STALLED.keys())
def test_a_request_that_stands_still_is_cut_and_told(served: Served, sent: bytes) -> None:
    told = served.until_closed(served.client(sent)).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 408 Request Timeout\r\n"), told
    assert code(told) == "RequestTimeout"
    assert eventually(lambda: not served.connections, PATIENCE)
    assert not served.server.server_state.tasks


def test_a_connection_without_a_request_is_closed_without_a_word(served: Served) -> None:
    assert served.until_closed(served.client()) == b""


def test_a_head_that_trickles_is_cut_as_a_whole(served: Served) -> None:
    client = served.client(b"GET / HTTP/1.1\r\nHost: x\r\n")
    for _ in range(3):
        served.passes(LIMITS.head_seconds * 0.4)
        with suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(b"a: b\r\n")
    assert client.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_the_next_request_of_a_connection_is_held_to_the_same(served: Served) -> None:
    client = served.client()
    assert answer(client).startswith(b"HTTP/1.1 200 ")
    served.passes(100 * LIMITS.stall_seconds)  # between two requests another limit counts
    client.sendall(b"GET / HT")
    assert served.until_closed(client).startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_is_kept_and_not_used_is_closed_in_its_own_time(served: Served) -> None:
    client = served.client(post("/refused", "Content-Length: 100000", body=bytes(50_000)))
    received(client, b"content-length: 0\r\n\r\n")
    client.sendall(bytes(50_000))
    assert eventually(lambda: {each.phase.name for each in served.connections} == {"REQUEST"}, PATIENCE)
    served.passes(LIMITS.idle_seconds - 1)
    assert answer(client).startswith(b"HTTP/1.1 200 ")
    served.passes(LIMITS.idle_seconds)
    assert client.recv(1) == b""


def test_a_slow_body_that_goes_on_is_taken(served: Served) -> None:
    client = served.client(post("/body", "Content-Length: 5"))
    for number in range(5):
        served.passes(LIMITS.stall_seconds * 0.9)
        client.sendall(b"x")
        assert eventually(lambda so_far=number + 1: served.received == so_far, PATIENCE)  # type: ignore[misc]
    received(client, b'{"bytes":5}')


def test_work_takes_as_long_as_it_takes(served: Served) -> None:
    client = served.client(b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
    served.passes(100 * LIMITS.stall_seconds)
    served.go_on.set()
    received(client, b"done")


ASKING = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"


def test_an_answer_that_is_not_read_is_dropped_and_held_in_a_piece_alone(served: Served) -> None:
    served.client(ASKING, room=4096)
    assert eventually(lambda: any(each.phase.name == "READER" for each in served.connections), PATIENCE)
    (held,) = (each.transport.get_write_buffer_size() for each in served.connections)
    assert held <= 2 * PIECE_BYTES
    for _ in range(3):
        served.passes(LIMITS.stall_seconds)
    assert eventually(lambda: not served.connections, PATIENCE)


def test_an_answer_that_is_read_slowly_arrives_whole(served: Served) -> None:
    client = served.client(ASKING, room=4096)
    for _ in range(4):
        read(client, 2 * 1024 * 1024)
        served.passes(LIMITS.stall_seconds * 0.9)
    read(client, len(LARGE) - 4 * 2 * 1024 * 1024)


@pytest.mark.parametrize("coming", ["Content-Length: 50000000", "Transfer-Encoding: chunked"])
def test_a_body_that_goes_on_after_its_answer_is_not_taken_for_ever(served: Served, coming: str) -> None:
    client = served.client(post("/refused", coming))
    assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
    with pytest.raises(OSError, match=r"reset|Broken pipe"):
        for _ in range(50 * PATIENCE):
            client.sendall(b"5\r\nabcde\r\n")
            served.passes(LIMITS.linger_seconds)


@pytest.mark.parametrize("close", [{}, {"Connection": "close"}], ids=["kept", "closed"])
def test_a_client_that_sends_on_gets_to_read_its_answer(served: Served, close: dict[str, str]) -> None:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    client.request("POST", "/refused", body=LARGE, headers=close)  # sends all of it before it reads
    assert client.getresponse().status == 413
    client.close()


RUDE = {
    "nothing": b"",
    "half a head": b"GET / HT",
    "half a body": post("/body", "Content-Length: 1000", body=b"x"),
    "chunks without an end": post("/body", "Transfer-Encoding: chunked", body=b"1\r\nx\r\n"),
    "an answer half read": ASKING,
}


@pytest.mark.parametrize("sent", RUDE.values(), ids=RUDE.keys())
def test_as_many_rude_clients_as_there_is_room_for_keep_nobody_out(served: Served, sent: bytes) -> None:
    for _ in range(LIMITS.connections):
        served.client(sent, room=4096)
    assert eventually(lambda: all(each.phase < Phase.WORK for each in served.connections), PATIENCE)
    for _ in range(3):
        assert answer(served.client()).startswith(b"HTTP/1.1 200 ")
    assert len(served.connections) <= LIMITS.connections


def test_connections_that_were_used_and_kept_give_way(served: Served) -> None:
    kept = [served.client() for _ in range(LIMITS.connections)]
    for client in kept:
        served.watch.now += 0.001
        assert answer(client).startswith(b"HTTP/1.1 200 ")
    assert answer(served.client()).startswith(b"HTTP/1.1 200 ")
    assert kept[0].recv(1) == b""  # the one that has waited longest


def test_work_under_way_gives_way_to_nobody(served: Served) -> None:
    working = [served.client(b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(LIMITS.connections)]
    assert eventually(lambda: served.received == LIMITS.connections, PATIENCE)
    assert answer(served.client()).startswith(b"HTTP/1.1 503 ")
    served.go_on.set()
    for client in working:
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_stop_finishes_what_is_under_way_and_cuts_what_is_not_complete() -> None:
    served = Served()
    with running(served.server) as port:
        served.port = port
        assert eventually(lambda: served.server.started, PATIENCE)
        working = served.client(b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
        nearly = served.client(post("/body", "Content-Length: 2", body=b"x"))
        never = served.client(post("/body", "Content-Length: 2", body=b"x"))
        unread = served.client(ASKING, room=4096)
        idle = [served.client(), served.client(b"GET / HT")]
        assert eventually(lambda: served.received == 3, PATIENCE)
        served.server.should_exit = True
        assert [each.recv(1) for each in idle] == [b"", b""]
        nearly.sendall(b"x")
        received(nearly, b'{"bytes":2}')
        told = served.until_closed(never)
        assert told.startswith(b"HTTP/1.1 503 ") and code(told) == "ServiceUnavailable"
        assert eventually(lambda: len(served.connections) == 1, PATIENCE)
        served.go_on.set()
        received(working, b"done")
    assert served.gone == 1
    unread.close()
    served.close()


@pytest.mark.parametrize("sent", [b"\x16\x03\x01 hello\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_request_is_refused_in_flat_json(served: Served, sent: bytes) -> None:
    told = served.until_closed(served.client(sent))
    assert told.startswith(b"HTTP/1.1 400 ") and code(told) == "BadRequest"


def test_the_limits_as_shipped_outlast_the_pools_of_proxies() -> None:
    config = make_server(FastAPI()).config
    assert isinstance(config, uvicorn.Config) and config.timeout_keep_alive == 75
