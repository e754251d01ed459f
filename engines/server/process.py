"""A serving process: its address, everything loaded, privileges dropped, and an end in good order."""

import asyncio
import errno
import gc
import logging
import os
import resource
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from engines.server.answers import in_pieces
from engines.server.connection import connections
from engines.server.forwarded import Forwarded, Proxies
from engines.server.limits import ConnectionLimits
from engines.server.swagger import swagger_assets
from licensing.core.errors import AzlicError

_LISTEN_HINTS = {
    errno.EADDRINUSE: "choose another port, or stop what uses this one",
    errno.EACCES: "choose a port from 1024 up: those below are root's",
}

_MOST_FILES = 65_536
_COLLECTIONS = (5_000, 10, 10)


MESSAGE_BYTES = 256 * 1024
"""The largest message over a WebSocket: 100 ms of audio, as the Speech SDK sends them, need at most 150 KB."""


def preload() -> None:
    """Answer one request, to ourselves, so that all a server loads late is loaded before the right to read it goes."""
    app = FastAPI()
    app.get("/")(lambda: {})
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            asyncio.run(_ask(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        finally:
            server.should_exit = True
            thread.join()
    swagger_assets()


async def _ask(url: str) -> None:
    """Ask once, as a download does: its client loads half of itself, and the public CAs, only then."""
    import httpx  # noqa: PLC0415 - only a process that asks needs it

    import licensing.delivery.billing  # noqa: PLC0415 - a container imports it, and the next, where it asks an issuer
    import licensing.delivery.downloading  # noqa: F401, PLC0415
    from licensing.delivery.tls import public_roots  # noqa: PLC0415

    "localhost".encode("idna")  # the codec too
    async with httpx.AsyncClient(verify=public_roots(), trust_env=False) as client:
        (await client.get(url)).raise_for_status()


def drop_privileges(uid: int, gid: int) -> None:
    """Go on as another user, for good. Raises ``AzlicError`` when this process may not."""
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except OSError as error:
        raise AzlicError(
            f"this process may not become user {uid}:{gid}: {error.strerror}",
            hint="start it as root, or leave --user away and start it as that user",
        ) from error


def make_server(
    app: FastAPI,
    *,
    tls: ssl.SSLContext | None = None,
    limits: ConnectionLimits | None = None,
    proxies: Proxies = (),
    websockets: bool = False,
    monotonic: Callable[[], float] = time.monotonic,
) -> uvicorn.Server:
    """A server whose clients are held to ``limits``; ``proxies`` are believed what they say of theirs.

    ``websockets`` are refused unless the application takes them.
    """
    limits = limits or ConnectionLimits()
    config = uvicorn.Config(
        in_pieces(Forwarded(app, proxies) if proxies else app),
        http=connections(limits, monotonic),
        timeout_keep_alive=limits.idle_seconds,
        backlog=limits.queue,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe whoever is on this machine
        ws=_websocket_connections(limits, monotonic) if websockets else "none",
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
    )
    if tls is not None:
        config.ssl_context_factory = lambda _config, _default: tls
    logging.getLogger("uvicorn.error").addFilter(_is_no_refusal)
    return uvicorn.Server(config)


def _websocket_connections(limits: ConnectionLimits, monotonic: Callable[[], float]) -> type[asyncio.Protocol]:
    from engines.server.websocket import websocket_connections  # noqa: PLC0415 - an extra

    return websocket_connections(limits, monotonic)


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Whether a line of uvicorn's log says more than that a WebSocket was refused: no fault (docs/adr/0019)."""
    return record.msg != "ASGI callable returned without completing handshake."


def serve(
    app: FastAPI,
    listener: socket.socket,
    *,
    tls: ssl.SSLContext | None = None,
    proxies: Proxies = (),
    websockets: bool = False,
    ready: Callable[[], None] | None = None,
) -> None:
    """Answer on a socket that is bound already, until SIGTERM or SIGINT; both end it in good order.

    ``ready`` is called once they do.
    """
    _collect_what_clients_leave()
    limits = ConnectionLimits().within(_open_files())
    server = make_server(app, tls=tls, limits=limits, proxies=proxies, websockets=websockets)

    def stop(*_: object) -> None:  # before uvicorn listens for it, and when uvicorn raises it once more at its end
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if ready is not None:
        ready()
    server.run(sockets=[listener])


def _collect_what_clients_leave() -> None:
    """Look for garbage often, but not among what is loaded: the program looks for it seldom, for the sake of its start.

    A connection is a circle of 150 objects with its buffers in it: a hundred thousand objects would be 20 MB.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)


def _open_files() -> int:
    """How many files this process may have open, once it has allowed itself as many as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _MOST_FILES:
        soft = _MOST_FILES if hard == resource.RLIM_INFINITY else min(_MOST_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def listen(host: str, port: int) -> socket.socket:
    """Bind the address a server will answer on. Raises ``AzlicError`` when it is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named so that asyncio turns Nagle's algorithm off: it would hold every answer for 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise AzlicError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint=_LISTEN_HINTS.get(error.errno or 0, "give an address of this machine: 127.0.0.1, or 0.0.0.0 for all"),
        ) from error
    return listener
