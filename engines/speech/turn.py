"""One turn of a conversation with the Speech SDK: audio in, hypotheses and phrases out, each phrase counted first."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import NamedTuple

from engines.speech.answers import Form, Status, empty_answer, phrase_answer
from engines.speech.audio import TICKS, AudioFormat, Slicer, read_header
from engines.speech.counting import TurnCount
from engines.speech.desk import Desk
from engines.speech.listener import Hypothesis, Listener, Phrase

_SLICES_AT_ONCE = 3


class Mode(StrEnum):
    """How a client listens: to one phrase, or to all there are."""

    INTERACTIVE = "interactive"
    CONVERSATION = "conversation"
    DICTATION = "dictation"


class Wishes(NamedTuple):
    """What a client asked for when it connected."""

    mode: Mode
    form: Form
    connection_id: str
    initial_silence: int = 5 * TICKS
    """How long an interactive turn waits for a first word, in ticks."""


class Turn:
    """From ``turn.start`` to ``turn.end``.

    The order is the promise. (1) A phrase is heard to its end. (2) The license still runs. (3) The seconds from the
    end of the phrase before it to its own end are on the disk. (4) The phrase leaves. What is silent behind the last
    phrase is not counted, and a turn without words counts nothing.
    """

    def __init__(
        self,
        request_id: str,
        desk: Desk,
        wishes: Wishes,
        send: Callable[[str, str, object], Awaitable[None]],
        *,
        again: bool,
    ) -> None:
        self.request_id = request_id
        self.received = 0
        """Bytes of audio so far."""
        self.rate_bytes = 32_000
        """Bytes of a second of it."""
        self._desk = desk
        self._wishes = wishes
        self._send = send
        self._again = again
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=desk.limits.waiting_messages)
        self.ended = False
        """Whether the client has said that there is no more audio."""
        self._spoken = False

    async def take(self, payload: bytes) -> None:
        """Take in audio, or its end; waits while too much of it waits to be heard."""
        if not self.ended:
            self.received += len(payload)
            self.ended = not payload
            await self._queue.put(payload)

    async def run(self) -> None:
        """Hear the turn to its end. Raises ``AudioRefused``."""
        await self._tell("turn.start", {"context": {"serviceTag": uuid.uuid4().hex}})
        found = await self._header()
        if found is None:
            await self._end_of_audio(0)
        else:
            await self._hear(*found)
        self.ended = True
        while not self._queue.empty():  # whoever waits to hand in more must not wait for ever
            self._queue.get_nowait()
        await self._tell("turn.end", {})

    async def _header(self) -> tuple[AudioFormat, bytes] | None:
        """The format and the first audio; None for a turn in which there is none."""
        content = b""
        while payload := await self._queue.get():
            content += payload
            if header := read_header(content):
                form, start = header
                self.rate_bytes = form.rate * form.frame_bytes
                return form, content[start:]
        return None

    async def _hear(self, form: AudioFormat, content: bytes) -> None:
        listener = await self._desk.work(lambda: Listener(self._desk.model, form))
        count = TurnCount(self._desk.known, self._wishes.connection_id, form, again=self._again)
        slicer = Slicer(form)
        pending = slicer.cut(content)
        more = True
        while more or pending:
            if not pending:
                pending, more = await self._next_slices(slicer)
            batch = _SLICES_AT_ONCE if self._spoken else 1
            now, pending = pending[:batch], pending[batch:]
            if now and not await self._hear_slices(listener, count, form, now):
                return
            self._check_length(form, listener)
        last = await self._desk.work(listener.finish)
        if last.words:
            await self._deliver(last, count, form)
        if self._wishes.mode is not Mode.INTERACTIVE or not last.words:
            await self._end_of_audio(form.ticks(listener.heard))

    async def _next_slices(self, slicer: Slicer) -> tuple[list[bytes], bool]:
        """What is whole of the audio that waits, once some has come; False with it where that is the end of it."""
        slices: list[bytes] = []
        while payload := await self._queue.get():
            slices += slicer.cut(payload)
            if self._queue.empty() or len(slices) >= _SLICES_AT_ONCE:
                return slices, True
        return slices + slicer.last(), False

    async def _hear_slices(self, listener: Listener, count: TurnCount, form: AudioFormat, slices: list[bytes]) -> bool:
        """Hear some slices; False once the turn is over."""
        for content in slices:
            count.hear(content)
        once = self._wishes.mode is Mode.INTERACTIVE
        for phrase in await self._desk.work(lambda: _first(listener, slices) if once else list(listener.hear(slices))):
            if isinstance(phrase, Hypothesis):
                await self._tell_hypothesis(phrase)
            elif phrase.words:
                await self._deliver(phrase, count, form)
                if once:
                    return False
        if once and not self._spoken and form.ticks(listener.heard) >= self._wishes.initial_silence:
            heard = form.ticks(listener.heard)
            await self._tell("speech.endDetected", {"Offset": heard})
            await self._tell("speech.phrase", empty_answer(Status.INITIAL_SILENCE_TIMEOUT, offset=0, duration=heard))
            return False
        return True

    async def _tell_hypothesis(self, open_one: Hypothesis) -> None:
        await self._tell_start(open_one.start)
        times = {"Offset": open_one.start, "Duration": open_one.end - open_one.start}
        await self._tell("speech.hypothesis", {"Text": open_one.text, **times})

    async def _tell_start(self, offset: int) -> None:
        if not self._spoken:
            self._spoken = True
            await self._tell("speech.startDetected", {"Offset": offset})

    async def _deliver(self, phrase: Phrase, count: TurnCount, form: AudioFormat) -> None:
        """Count the audio up to the phrase's end, and only then send it."""
        end = min(form.slice_end(phrase.end), phrase.heard)

        await self._desk.count(lambda record: count.count(end, record))
        await self._tell_start(phrase.start)
        if self._wishes.mode is Mode.INTERACTIVE:
            await self._tell("speech.endDetected", {"Offset": form.ticks(end)})
        duration = form.ticks(end) - phrase.start
        await self._tell(
            "speech.phrase", phrase_answer(phrase, self._wishes.form, offset=phrase.start, duration=duration)
        )

    async def _end_of_audio(self, heard: int) -> None:
        """Say that there is no more: nothing was understood, or a longer session is over."""
        await self._tell("speech.endDetected", {"Offset": heard})
        if self._wishes.mode is Mode.INTERACTIVE:
            outcome = empty_answer(Status.NO_MATCH, offset=0, duration=heard)
        else:
            outcome = empty_answer(Status.END_OF_DICTATION, offset=heard, duration=0)
        await self._tell("speech.phrase", outcome)

    def _check_length(self, form: AudioFormat, listener: Listener) -> None:
        if form.ticks(listener.heard) > self._desk.limits.turn_seconds * TICKS:
            raise self._desk.limits.too_long()

    async def _tell(self, path: str, body: object) -> None:
        await self._send(path, self.request_id, body)


def _first(listener: Listener, slices: list[bytes]) -> list[Phrase | Hypothesis]:
    """What is heard up to the first final phrase with words: what comes after it is not listened to."""
    heard: list[Phrase | Hypothesis] = []
    for phrase in listener.hear(slices):
        heard.append(phrase)
        if isinstance(phrase, Phrase) and phrase.words:
            break
    return heard
