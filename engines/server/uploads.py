"""Bodies on their way in, and the memory that they take as they were sent, all together."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from licensing.core.http_body import read_body

_PACE_SECONDS = 5.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How long one body may be, and all of them together; what those are refused with that are too long, or in the way.

    A body that is in the way came in most slowly when there was no room for one more byte.
    """

    body_bytes: int
    all_bytes: int
    too_large: Callable[[], Exception]
    no_room: Callable[[], Exception]

    def __post_init__(self) -> None:
        if self.all_bytes < self.body_bytes:
            raise ValueError("all bodies together may not be smaller than one")


class Uploads:
    """The bodies that were sent and are not done with yet; together they have at most ``all_bytes``.

    Where one more byte does not fit, the one that comes in most slowly gives way: a client that lets its upload
    stand still holds nobody up who sends.
    """

    def __init__(self, limits: UploadLimits, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._monotonic = monotonic
        self._held: set[Upload] = set()

    @contextmanager
    def one(self) -> Iterator["Upload"]:
        """One body, which has its memory until this ends."""
        upload = Upload(self, self._monotonic())
        self._held.add(upload)
        try:
            yield upload
        finally:
            self._held.discard(upload)

    async def counted(self, upload: "Upload", chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks of a body, each counted before it is kept."""
        async for chunk in chunks:
            now = self._monotonic()
            upload.add(len(chunk), now)
            while self.bytes_held > self.limits.all_bytes:
                slowest = min((each for each in self._held if each.deadline), key=lambda each: each.pace(now))
                self._held.discard(slowest)
                slowest.give_way()
            if upload not in self._held:
                raise self.limits.no_room()
            yield chunk

    @property
    def bytes_held(self) -> int:
        """What all of them take now."""
        return sum(each.size for each in self._held)


class Upload:
    """One body, from its first byte until it is done with; it has a ``deadline`` as long as it comes in."""

    def __init__(self, room: Uploads, now: float) -> None:
        self.size = 0
        self.deadline: asyncio.Timeout | None = None
        self._room = room
        self._before = self._mark = (now, 0)

    async def receive(self, request: Request) -> bytes:
        """The whole body, counted while it comes in; the limits' errors as soon as it is too large, or in the way."""
        limits = self._room.limits
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limits.body_bytes:
            raise limits.too_large()
        try:
            async with asyncio.timeout(None) as self.deadline:
                chunks = self._room.counted(self, request.stream())
                return await read_body(chunks, limits.body_bytes, limits.too_large())
        except TimeoutError as error:
            raise limits.no_room() from error
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


def named_coding(request: Request) -> str:
    """The coding that a body is said to be compressed with; nothing for one that is as it is."""
    coding = request.headers.get("content-encoding", "").strip().lower()
    return "" if coding == "identity" else coding


async def until_disconnect(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The outcome of ``work``, which is dropped with ``ClientDisconnect`` as soon as the client hangs up."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnect(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
