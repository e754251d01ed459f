"""One connection of the Speech SDK: its messages in, its turns one after the other, and an end with a reason."""

import asyncio
import contextlib

from starlette.websockets import WebSocket, WebSocketDisconnect

from engines.speech import messages
from engines.speech.desk import Desk
from engines.speech.refusal import AudioRefused, CloseCode
from engines.speech.turn import Turn, Wishes

_LOOK_EVERY_SECONDS = 1.0


class _Gone(Exception):
    """The client has gone."""


class Session:
    """A connection, from its acceptance to its end. There is one turn at a time; a new one ends the one before."""

    def __init__(self, socket: WebSocket, desk: Desk, wishes: Wishes) -> None:
        self._socket = socket
        self._desk = desk
        self._wishes = wishes
        self._turn: Turn | None = None
        self._task: asyncio.Task[None] | None = None
        self._turns = 0
        self._last_id = ""
        self._quiet_since = asyncio.get_running_loop().time()
        self._begun_at = self._quiet_since
        self._audible = 0

    async def run(self) -> None:
        """Answer until the client goes, or is refused: then the connection is closed with the reason in words."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch())
                tasks.create_task(self._receive(tasks))
        except* _Gone:
            pass
        except* AudioRefused as refused:
            (first, *_) = _leaves(refused)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(first.close, first.reason)

    async def _receive(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise _Gone
            text, content = message.get("text"), message.get("bytes")
            if len(text or content or b"") > self._desk.limits.message_bytes:
                raise AudioRefused(
                    f"a message has more than {self._desk.limits.message_bytes} bytes",
                    hint="send 100 ms of audio at a time",
                    close=CloseCode.TOO_BIG,
                )
            if content is not None:
                await self._take(messages.read_audio(content), tasks)
            else:
                self._note(messages.read_text(text or ""), tasks)

    def _note(self, message: messages.TextMessage, tasks: asyncio.TaskGroup) -> None:
        """A context begins a turn. What else a client tells, telemetry above all, is nothing to us."""
        if message.path in ("speech.config", "speech.context"):
            messages.read_object(message.body)
        if message.path == "speech.context" and message.request_id:
            self._begin(message.request_id, tasks)

    async def _take(self, audio: messages.AudioMessage, tasks: asyncio.TaskGroup) -> None:
        self._begin(audio.request_id, tasks)
        turn = self._turn
        if turn is not None and turn.request_id == audio.request_id:
            await turn.take(audio.payload)
            self._note_progress(turn)

    def _begin(self, request_id: str, tasks: asyncio.TaskGroup) -> None:
        """Begin a turn, unless it has begun, or ended already: audio that was under way at its end is passed over."""
        if request_id == self._last_id:
            return
        if self._task is not None:
            self._task.cancel()
        self._last_id = request_id
        self._turns += 1
        self._audible = 0
        self._quiet_since = self._begun_at = asyncio.get_running_loop().time()
        turn = self._turn = Turn(request_id, self._desk, self._wishes, self._send, again=self._turns == 1)
        self._task = tasks.create_task(self._run(turn))

    async def _run(self, turn: Turn) -> None:
        await turn.run()
        if self._turn is turn:
            self._turn = None
            self._quiet_since = asyncio.get_running_loop().time()

    async def _send(self, path: str, request_id: str, body: object) -> None:
        try:
            await self._socket.send_text(messages.answer(path, request_id, body))
        except (RuntimeError, WebSocketDisconnect) as error:
            raise _Gone from error

    def _note_progress(self, turn: Turn) -> None:
        """A client that drips is quiet: what counts is a whole second of audio, or its end."""
        seconds = turn.received // turn.rate_bytes
        if seconds > self._audible or turn.ended:
            self._audible = seconds
            self._quiet_since = asyncio.get_running_loop().time()

    async def _watch(self) -> None:
        """End the connection with its license, and one on which nothing happens."""
        limits = self._desk.limits
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            if self._turn is not None:
                await asyncio.to_thread(self._desk.check_admission)
            now = asyncio.get_running_loop().time()
            if now - self._quiet_since > limits.idle_seconds and not (self._turn and self._turn.ended):
                raise AudioRefused(
                    f"no audio came for {limits.idle_seconds:g} seconds",
                    hint="connect again when there is some",
                    close=CloseCode.REFUSED if self._turn else CloseCode.GOING_AWAY,
                )
            if self._turn and now - self._begun_at > limits.turn_seconds:
                raise limits.too_long()


def _leaves(group: BaseExceptionGroup[AudioRefused]) -> list[AudioRefused]:
    found: list[AudioRefused] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
