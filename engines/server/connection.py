"""A client's connection, which is held only as long as something moves on it (docs/adr/0017).

uvicorn has a time limit for connections between two requests, and none for a client that sends nothing, half a head,
half a body, or reads half an answer.
"""

import asyncio
import fcntl
import functools
import logging
import struct
import sys
import termios
import time
from collections.abc import Callable
from enum import IntEnum
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from engines.logs.request import new_request_id
from engines.server.errors import flat
from engines.server.framing import StrictConnection, Turned
from engines.server.limits import ConnectionLimits
from engines.server.refused import Unserved

STALLED = Turned(Unserved.STALLED, "nothing more of the request came in: check the network between client and server")
STOPPING = Turned(Unserved.FULL, "the server is stopping, and the request was not complete: send it again")
log = logging.getLogger("azlic.requests")


class Phase(IntEnum):
    """What a connection waits for; the first ones give way first where there are too many."""

    LINGERING = 0
    REQUEST = 1
    READER = 2
    BODY = 3
    WORK = 4


class Connection(H11Protocol):
    """One connection: cut when its client lets it stand still, and when the server has to stop."""

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
        self.conn: StrictConnection = StrictConnection(
            head_bytes=limits.head_bytes, chunk_bytes=limits.body_bytes, is_full=self._is_one_too_many
        )
        self._limits = limits
        self._monotonic = monotonic
        self._moved = self._head_began = monotonic()
        self._unread: int | None = None
        self._reading_began = self._moved
        self._drained = False
        self._between_requests = False
        self._stopping: float | None = None
        self.has_hung_up = False
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a client in, in another one's place where there are too many."""
        super().connection_made(cast(asyncio.Transport, _Lingering(transport, self)))
        self._look_later()
        if len(self.connections) > self._limits.connections:
            others = [each for each in self.connections if isinstance(each, Connection) and each is not self]
            waiting = [each for each in others if each.phase < Phase.WORK]
            if waiting:
                first = min(waiting, key=lambda each: (each.phase, each._moved))
                self.connections.discard(first)  # its place is free from now on
                first.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the client go."""
        self._look_no_more()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection on: a WebSocket has limits of its own."""
        self._look_no_more()
        self.transport = cast(_Lingering, self.transport).handed_on()
        super().handle_websocket_upgrade(event)

    @property
    def phase(self) -> Phase:
        """What the connection waits for now."""
        if self.has_hung_up:
            return Phase.LINGERING
        if self.transport.get_write_buffer_size():
            return Phase.READER
        if self.cycle is None:
            return Phase.REQUEST
        if self.cycle.response_complete:
            return Phase.LINGERING if self.conn.their_state is h11.SEND_BODY else Phase.REQUEST
        if self.cycle.more_body and not (self.flow.read_paused or self.cycle.waiting_for_100_continue):
            return Phase.BODY
        return Phase.WORK

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent."""
        if self.has_hung_up:
            return
        before = self.phase
        if before is Phase.BODY:
            self._moved = self._monotonic()
        if self._between_requests and before is not Phase.LINGERING:
            self._between_requests, self._head_began = False, self._monotonic()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._moved = self._head_began = self._monotonic()
        self._between_requests = True
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - what was raised says more
        """Refuse what is not taken, as uvicorn calls it while it handles what ``conn`` raised."""
        turned = sys.exception()
        assert isinstance(turned, Turned)  # noqa: S101 - nothing else is raised
        self._refuse(turned)

    def resume_writing(self) -> None:
        """Send on: the client has read some of its answer."""
        self._drained = True
        super().resume_writing()

    def shutdown(self) -> None:
        """Let the server stop: what is under way is finished, what is not complete has a little time left."""
        self._stopping = self._monotonic()
        super().shutdown()

    def _is_one_too_many(self) -> bool:
        """Whether there are as many others as there may be, and all of them at work."""
        return len(self.connections) > self._limits.connections

    def _look_later(self) -> None:
        self._watch = self.loop.call_later(self._limits.look_seconds, self._look)

    def _look_no_more(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    def _look(self) -> None:
        self._look_later()
        now, phase = self._monotonic(), self.phase
        if phase is not Phase.READER:
            self._unread = None
        if phase is Phase.WORK:
            self._moved = now
        elif phase is Phase.READER:
            self._look_at_reader(now)
        elif phase is Phase.LINGERING:
            if now >= self._moved + self._limits.linger_seconds:
                self.transport.abort()
        elif phase is Phase.BODY:
            if now >= self._moved + self._limits.stall_seconds or self._is_to_stop(now):
                self._cut()
        elif self._between_requests:
            if now >= self._moved + self._limits.idle_seconds:
                self.transport.close()
        elif now >= self._head_began + self._limits.head_seconds:
            self._cut()

    def _look_at_reader(self, now: float) -> None:
        unread = self._count_unread()
        if self._unread is None:
            self._moved = self._reading_began = now
        elif unread < self._unread or self._drained:
            self._moved = now
        self._unread, self._drained = unread, False
        if now >= self._moved + self._limits.stall_seconds or self._is_to_stop(now, self._reading_began):
            self.transport.abort()

    def _is_to_stop(self, now: float, began: float = 0.0) -> bool:
        """Whether the server is stopping, and what began at an instant has had its time since."""
        return self._stopping is not None and now >= max(self._stopping, began) + self._limits.stop_seconds

    def _cut(self) -> None:
        """End a request that does not come in; a client that asked for nothing is told nothing."""
        if self._stopping is not None:
            self._refuse(STOPPING)
        elif self.phase is Phase.BODY or self.conn.trailing_data[0]:
            self._refuse(STALLED)
        else:
            self.transport.close()

    def _refuse(self, turned: Turned) -> None:
        """Answer in the application's place, tell it that its client has gone, and take nothing more."""
        self._moved = self._monotonic()
        if self.conn.our_state is h11.SEND_BODY:
            self.transport.abort()
            return
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            status = turned.why.status
            own_id = new_request_id()
            log.debug("Refused: %d %s", status, turned.why.code, extra={"request_id": own_id})
            answer = flat(status, turned.refusal, own_id, headers={"Connection": "close"})
            head = h11.Response(status_code=status, headers=answer.raw_headers, reason=status.phrase.encode())
            body = () if self.conn.is_asked_for_head_alone else (h11.Data(data=bytes(answer.body)), h11.EndOfMessage())
            for event in (head, *body):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.hang_up()

    @property
    def is_being_sent_to(self) -> bool:
        """Whether the client is still in the middle of a body."""
        return self.conn.their_state is h11.SEND_BODY

    def hang_up(self) -> None:
        """Send what was answered and no more, and let what still comes in pass, so that the client gets to read it."""
        if self.has_hung_up:
            return
        self.has_hung_up, self._moved = True, self._monotonic()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _count_unread(self) -> int:
        """The bytes of answers that are not yet with the client: ours, and those that the system holds for us."""
        waiting = struct.pack("i", 0)
        socket = self.transport.get_extra_info("socket")
        held: int = struct.unpack("i", fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, waiting))[0]
        return self.transport.get_write_buffer_size() + held


def connections(limits: ConnectionLimits, monotonic: Callable[[], float] = time.monotonic) -> type[asyncio.Protocol]:
    """What makes a server's connections, as uvicorn's ``http`` takes it."""
    return cast(type[asyncio.Protocol], functools.partial(Connection, limits=limits, monotonic=monotonic))


class _Lingering:
    """A transport that is not closed on a client in the middle of a body: that would take the answer back."""

    def __init__(self, transport: asyncio.Transport, connection: Connection) -> None:
        self._transport = transport
        self._connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def handed_on(self) -> asyncio.Transport:
        """The transport itself, for another protocol than HTTP."""
        return self._transport

    def is_closing(self) -> bool:
        """Whether nothing more is sent."""
        return self._connection.has_hung_up or self._transport.is_closing()

    def close(self) -> None:
        """Close, or hang up first."""
        if self._connection.has_hung_up or not self._connection.is_being_sent_to:
            self._transport.close()
        else:
            self._connection.hang_up()
