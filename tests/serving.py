"""A real server on a loopback socket, for as long as a test needs it."""

import contextlib
import re
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

_KEPT: list[socket.socket] = []


def free_port() -> int:
    """A port on the loopback that is free, and stays so for a server of this test session alone.

    It is bound here and never listened on: nobody else is given it, and a server that lets an address be used again,
    as they all do, may listen on it. Until one does, whoever connects is refused.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    _KEPT.append(kept)
    return int(kept.getsockname()[1])


@contextmanager
def serving(app: FastAPI, *, tls: tuple[Path, Path] | None = None, port: int = 0, **settings: Any) -> Iterator[str]:
    """Serve an application and give its address; leaving waits until the server has shut down.

    ``tls`` is a certificate and its key; ``settings`` are more of uvicorn's.
    """
    files = {"ssl_certfile": tls[0], "ssl_keyfile": tls[1]} if tls else {}
    options: dict[str, Any] = {"log_level": "warning", "timeout_graceful_shutdown": 60}
    server = uvicorn.Server(uvicorn.Config(app, **(options | files | settings)))
    with running(server, port) as bound:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{bound}"


@contextmanager
def running(server: uvicorn.Server, port: int = 0) -> Iterator[int]:
    """Run a server on a port of its own, if none is named; leaving waits until it has shut down."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def until_gone(connection: socket.socket, seconds: float) -> None:
    """Wait for so long, or until the client goes away."""
    hanging_up = select.poll()
    hanging_up.register(connection, select.POLLRDHUP)
    hanging_up.poll(1000 * seconds)


def _is_whole(request: bytes) -> bool:
    """Whether all of a request is there: a connection that is closed with bytes unread is reset, answer and all."""
    headers, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\ncontent-length: *(\d+)", headers)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@contextmanager
def answering(script: Callable[[socket.socket], None], *, seen: list[bytes] | None = None) -> Iterator[str]:
    """Give each connection to ``script``, once the request is there, and close it afterwards.

    A script that sends for ever ends when its client has gone, or with the test. ``seen`` gathers the requests.
    """
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def talk(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = b""
            while not _is_whole(request):
                received = connection.recv(65536)
                request += received
                if not received:
                    break
            if seen is not None:
                seen.append(request)
            script(connection)

    def accept(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connections.append(listening.accept()[0])
                threads.append(threading.Thread(target=talk, args=(connections[-1],)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=accept, args=(listening,))
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
