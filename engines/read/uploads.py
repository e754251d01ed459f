"""Documents on their way in, and the memory that they take as they were sent, all together."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from fastapi import Request

from engines.read.limits import Limits
from engines.read.refusal import Code, DocumentRefused
from licensing.core.http_body import read_body

_PACE_SECONDS = 5.0


class Uploads:
    """The documents that were sent and not read yet; together they are at most ``documents_bytes`` long.

    Where one more byte does not fit, the document that comes in most slowly gives way: a client that lets its upload
    stand still holds nobody up who sends.
    """

    def __init__(self, limits: Limits, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._held: set[Upload] = set()

    @contextmanager
    def one(self) -> Iterator["Upload"]:
        """One document, which has its memory until this ends."""
        upload = Upload(self, self._monotonic())
        self._held.add(upload)
        try:
            yield upload
        finally:
            self._held.discard(upload)

    async def counted(self, upload: "Upload", chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks of a document, each counted before it is kept."""
        async for chunk in chunks:
            now = self._monotonic()
            upload.add(len(chunk), now)
            while self.bytes_held > self._limits.documents_bytes:
                slowest = min((each for each in self._held if each.deadline), key=lambda each: each.pace(now))
                self._held.discard(slowest)
                slowest.give_way()
            if upload not in self._held:
                raise self.no_room
            yield chunk

    @property
    def bytes_held(self) -> int:
        """What all of them take now."""
        return sum(each.size for each in self._held)

    @property
    def limits(self) -> Limits:
        """What documents are held to."""
        return self._limits

    @property
    def no_room(self) -> DocumentRefused:
        """What a document is refused with that gave way."""
        return DocumentRefused(
            Code.TOO_MANY_REQUESTS,
            f"the documents that are here have {self._limits.documents_bytes} bytes, and this one came in most slowly",
            hint="try again in a few seconds",
        )


class Upload:
    """One document, from its first byte until it was read; it has a ``deadline`` as long as it comes in."""

    def __init__(self, room: Uploads, now: float) -> None:
        self.size = 0
        self.deadline: asyncio.Timeout | None = None
        self._room = room
        self._before = self._mark = (now, 0)

    async def receive(self, request: Request) -> bytes:
        """The whole body, counted while it comes in; ``DocumentRefused`` as soon as it is too large, or in the way."""
        limits = self._room.limits
        declared = request.headers.get("content-length", "")
        limits.check_body(int(declared) if declared.isdecimal() else 0)
        try:
            async with asyncio.timeout(None) as self.deadline:
                return await read_body(self._room.counted(self, request.stream()), limits.body_bytes, limits.too_large)
        except TimeoutError as error:
            raise self._room.no_room from error
        finally:
            self.deadline = None

    def add(self, size: int, now: float) -> None:
        """Note that more has come in."""
        self.size += size
        if now - self._mark[0] >= _PACE_SECONDS:
            self._before, self._mark = self._mark, (now, self.size)

    def pace(self, now: float) -> float:
        """The bytes that came in per second, over the last five to ten seconds and while nothing came."""
        at, size = self._before
        return (self.size - size) / max(now - at, 1e-3)

    def give_way(self) -> None:
        """Let its client be told so, as soon as its turn comes."""
        if self.deadline is not None:
            self.deadline.reschedule(asyncio.get_running_loop().time())
