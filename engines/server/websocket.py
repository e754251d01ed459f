"""A client's WebSocket, which is held only as long as its client reads what it is told (docs/adr/0019).

uvicorn has no time limit for a client that reads nothing, and leaves an upgrade without an answer that it cannot read.
"""

import asyncio
import contextlib
import functools
import time
from collections.abc import Callable
from typing import Any, cast

import uvicorn
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidState

from engines.logs.request import new_request_id
from engines.server.errors import Refusal, flat
from engines.server.limits import ConnectionLimits
from engines.server.refused import Unserved

_NO_UPGRADE = Refusal(
    Unserved.NO_REQUEST.code, "the request for a WebSocket has a body, or headers that cannot be read"
)


class WebSocketConnection(WebSocketsSansIOProtocol):
    """One WebSocket: cut when its client lets its answers stand still, and when the server has to stop.

    Whether a client sends is what its application watches. Nobody is pinged: a client's answer would wait behind audio
    that the server has not had time for.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: ConnectionLimits,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._monotonic = monotonic
        self._read = monotonic()
        self._unread = 0
        self._stopping: float | None = None
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a connection that asks for a WebSocket."""
        super().connection_made(transport)
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the client go."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent: first the request for a WebSocket, which is refused where it is none."""
        super().data_received(data)
        if not self.handshake_initiated:
            self._refuse()

    def handle_ping(self) -> None:
        """Answer a ping, unless the client does not read."""
        output = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(output)

    def shutdown(self) -> None:
        """Let the server stop, also while the connection is closing."""
        self._stopping = self._monotonic()
        with contextlib.suppress(InvalidState):
            super().shutdown()
        self.transport.close()

    async def send(self, message: ASGISendEvent) -> None:
        """Send on. Raises ``OSError`` once the connection is being closed."""
        if self.transport.is_closing():
            raise ClientDisconnected
        await super().send(message)

    def _refuse(self) -> None:
        answer = flat(Unserved.NO_REQUEST.status, _NO_UPGRADE, new_request_id(), headers={"Connection": "close"})
        head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        self.handshake_complete = self.close_sent = True
        self.transport.write(f"HTTP/1.1 400 Bad Request\r\n{head}\r\n".encode() + bytes(answer.body))
        self.transport.close()

    def _look_later(self) -> None:
        self._watch = self.loop.call_later(self._limits.look_seconds, self._look)

    def _look(self) -> None:
        self._look_later()
        now, unread = self._monotonic(), self.transport.get_write_buffer_size()
        if unread == 0 or unread < self._unread:
            self._read = now
        self._unread = unread
        is_late = self._stopping is not None and now >= self._stopping + self._limits.stop_seconds
        if is_late or now >= self._read + self._limits.stall_seconds:
            self.transport.abort()


def websocket_connections(
    limits: ConnectionLimits, monotonic: Callable[[], float] = time.monotonic
) -> type[asyncio.Protocol]:
    """What makes a server's WebSockets, as uvicorn's ``ws`` takes it."""
    made = functools.partial(WebSocketConnection, limits=limits, monotonic=monotonic)
    return cast(type[asyncio.Protocol], made)
