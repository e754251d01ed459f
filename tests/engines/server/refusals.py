"""Requests that a connection refuses by itself, on real sockets, whatever is asked."""

import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

import httpx
from fastapi import FastAPI

from engines.server.limits import ConnectionLimits
from engines.server.process import make_server
from engines.server.refused import Unserved
from tests.serving import running

PATIENCE = 60
QUICK = ConnectionLimits(head_seconds=0.05, stall_seconds=0.05, linger_seconds=0.05)
_LONG = "a" * 70_000


def _sent(headers: str = "", body: str = "", version: str = "1.1") -> Callable[[str, str], str]:
    return lambda method, target: f"{method} {target} HTTP/{version}\r\nHost: x\r\n{headers}\r\n{body}"


REQUESTS: Mapping[Unserved, Callable[[str, str], str]] = {
    Unserved.NO_REQUEST: _sent("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    Unserved.STALLED: lambda method, target: f"{method} {target} HTTP/1.1\r\nHost: x\r\n",
    Unserved.CHUNK_TOO_LARGE: _sent("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFF\r\n"),
    Unserved.TARGET_TOO_LONG: lambda method, target: f"{method} {target}?{_LONG}",
    Unserved.EXPECTATION: _sent("Expect: a-miracle\r\n"),
    Unserved.HEAD_TOO_LONG: _sent(f"Cookie: {_LONG}"),
    Unserved.CODING: _sent("Transfer-Encoding: gzip, chunked\r\n"),
    Unserved.FULL: _sent(),
    Unserved.VERSION: _sent(version="2.0"),
}


def unserved(app: FastAPI, operations: Iterable[tuple[str, str]]) -> Iterator[httpx.Response]:
    """The answers to all of them, for each method and path; none of the requests gets to the application."""
    everything = list(operations)
    for limits, reasons in ((QUICK, [*Unserved]), (ConnectionLimits(connections=0), [Unserved.FULL])):
        with running(make_server(app, limits=limits)) as port:
            for reason in reasons:
                if limits is QUICK and reason is Unserved.FULL:
                    continue
                for method, path in everything:
                    yield answer_to(port, method, path, REQUESTS[reason])


def answer_to(port: int, method: str, path: str, request: Callable[[str, str], str]) -> httpx.Response:
    """What one request is answered with."""
    target = re.sub(r"\{\w+\}", "x", path)
    raw = asked(port, request(method, target).encode())
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    told = httpx.Request(method, f"http://x{target}")
    return httpx.Response(int(status.split()[1]), headers=headers, content=body, request=told)


def asked(port: int, sent: bytes) -> bytes:
    """All that a client is told until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(sent)
        told = b""
        with suppress(ConnectionResetError):
            while more := client.recv(65_536):
                told += more
        return told
