"""What rude clients may hold of a server by a WebSocket, on real sockets, with the server's stopwatch in hand."""

import base64
import os
import socket
import struct
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, WebSocket

from engines.server.limits import ConnectionLimits
from engines.server.process import make_server
from engines.server.websocket import WebSocketConnection
from tests.serving import running
from tests.waiting import eventually

LIMITS = ConnectionLimits(head_seconds=0.08, stall_seconds=0.12, linger_seconds=0.04, stop_seconds=0.08)
PATIENCE = 60
UPGRADE = (
    "Host: x",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
)


class Served:
    """A server that talks for ever to whoever says "talk", and says "well" to all else; time stands still in it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.looks = 0
        self.told = 0
        self.ended = 0
        self.server = make_server(self._app(), limits=LIMITS, monotonic=self._watch, websockets=True)
        self.port = 0

    def _watch(self) -> float:
        self.looks += 1
        return self.now

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.websocket("/")
        async def talk(socket: WebSocket) -> None:
            await socket.accept()
            try:
                while True:
                    said = await socket.receive_text()
                    while said == "talk":
                        await socket.send_text("blah" * 10_000)
                        self.told += 1
                    await socket.send_text("well")
            finally:
                self.ended += 1

        return app

    @property
    def connections(self) -> list[WebSocketConnection]:
        return [each for each in list(self.server.server_state.connections) if isinstance(each, WebSocketConnection)]

    def ask(self, *lines: str) -> socket.socket:
        """A client that has sent the head of a request."""
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(PATIENCE)
        one.connect(("127.0.0.1", self.port))
        one.sendall("\r\n".join((*lines, "", "")).encode())
        return one

    def upgraded(self) -> socket.socket:
        """A client with a WebSocket."""
        one = self.ask("GET / HTTP/1.1", *UPGRADE)
        told = b""
        while b"\r\n\r\n" not in told:
            told += one.recv(1)
        assert told.startswith(b"HTTP/1.1 101 ")
        return one

    def passes(self, seconds: float) -> None:
        """So much later, and every connection that is still there has been looked at since."""
        self.now += seconds
        enough = self.looks + 3 * len(self.connections)
        assert eventually(lambda: self.looks > enough or not self.connections, PATIENCE)


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    with running(served.server) as port:
        served.port = port
        assert eventually(lambda: served.server.started, PATIENCE)
        yield served


def frame(opcode: int, content: bytes = b"") -> bytes:
    """A client's frame, masked with nothing."""
    return struct.pack("!BB", 0x80 | opcode, 0x80 | len(content)) + bytes(4) + content


TEXT, CLOSE, PING = 1, 8, 9


def stuck(served: Served, one: socket.socket) -> None:
    """Have the server talk until it can send no more."""
    one.sendall(frame(TEXT, b"talk"))
    assert eventually(lambda: served.told > 0 and not served.connections[0].writable.is_set(), PATIENCE)


def test_a_client_that_reads_nothing_is_cut(served: Served) -> None:
    with served.upgraded() as one:
        stuck(served, one)
        served.passes(LIMITS.stall_seconds / 2)
        assert len(served.connections) == 1
        served.passes(LIMITS.stall_seconds)
        assert eventually(lambda: not served.connections and served.ended == 1, PATIENCE)


def test_a_client_that_says_nothing_is_not_cut_for_that_nor_pinged(served: Served) -> None:
    with served.upgraded() as one:
        served.passes(1_000 * LIMITS.stall_seconds)
        assert served.connections[0].ping_timer is None
        one.sendall(frame(TEXT, b"hello"))
        assert one.recv(100)[2:] == b"well"


def test_pings_of_a_client_that_reads_nothing_take_no_memory(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with served.upgraded() as one:
        stuck(served, one)
        (connection,) = served.connections
        held, answer = connection.transport.get_write_buffer_size(), connection.handle_ping
        pings: list[None] = []
        monkeypatch.setattr(connection, "handle_ping", lambda: pings.append(answer()))
        connection.loop.call_soon_threadsafe(connection.transport.resume_reading)  # a talking application reads nothing
        for _ in range(1_000):
            one.sendall(frame(PING, bytes(100)))
        assert eventually(lambda: len(pings) == 1_000, PATIENCE)
        assert connection.transport.get_write_buffer_size() <= held


REFUSED = {
    "a body": ("GET / HTTP/1.1", "Content-Length: 1000", *UPGRADE),
    "a chunked body": ("GET / HTTP/1.1", "Transfer-Encoding: chunked", *UPGRADE),
    "another method": ("POST / HTTP/1.1", *UPGRADE),
    "no key": ("GET / HTTP/1.1", *UPGRADE[:-1]),
    "a key that is none": ("GET / HTTP/1.1", *UPGRADE[:-1], "Sec-WebSocket-Key: key"),
    "another version": ("GET / HTTP/1.1", *UPGRADE[:3], "Sec-WebSocket-Version: 7", UPGRADE[-1]),
    "a long line": ("GET / HTTP/1.1", f"X: {'x' * 20_000}", *UPGRADE),
    "many headers": ("GET / HTTP/1.1", *(f"X-{number}: x" for number in range(300)), *UPGRADE),
    "a long path": (f"GET /{'x' * 20_000} HTTP/1.1", *UPGRADE),
}


@pytest.mark.parametrize("lines", REFUSED.values(), ids=REFUSED.keys())
def test_a_request_for_a_websocket_that_is_none_is_answered_and_closed(served: Served, lines: tuple[str, ...]) -> None:
    with served.ask(*lines) as one:
        told = b""
        while more := one.recv(65536):
            told += more
    status = int(told.split()[1])
    assert 400 <= status < 500, told
    assert eventually(lambda: not served.server.server_state.connections, PATIENCE)


@pytest.mark.parametrize("state", ["open", "closing", "not reading"])
def test_the_server_stops_whatever_its_clients_do(served: Served, state: str) -> None:
    def has_ended() -> bool:
        served.now += LIMITS.stop_seconds
        return not served.connections

    with served.upgraded() as one:
        (connection,) = served.connections
        if state == "closing":
            connection.loop.call_soon_threadsafe(connection.conn.send_close, 1000)
        elif state == "not reading":
            stuck(served, one)
        served.server.should_exit = True
        assert eventually(has_ended, PATIENCE)
