"""A document in a process of its own, where foreign bytes may be slow, swallow memory or crash: it is killed then.

The process is forked, since one that gave up root could no longer load a program; it keeps none of the files that the
container holds open, so that neither a lock nor a client's connection outlives its end in here.
"""

import asyncio
import gc
import math
import os
import resource
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock
from typing import TypeVar

import msgspec

from engines.read.kinds import Kind
from engines.read.limits import Limits
from engines.read.pages import Outline, Page, open_document
from engines.read.refusal import Code, DocumentRefused
from engines.read.text import Part

MEMORY = 2 * 1024**3
"""So much more than the container had when it took a document in may its process map; the largest page takes it."""
_ANSWER_ROOM = 1024 * 1024
_LAST_STANDARD = 2
_fork = get_context("fork")


class _Opened(msgspec.Struct, tag="opened"):
    kind: Kind
    sizes: list[tuple[int, int]]


class _Decoded(msgspec.Struct, tag="decoded"):
    width: int
    height: int
    pixels: bytes
    dpi: int | None
    aspect: float
    turned: tuple[Part, ...]


class _Refused(msgspec.Struct, tag="refused"):
    code: str
    message: str
    hint: str


_Answer = _Opened | _Decoded | _Refused
_decode = msgspec.msgpack.Decoder(_Answer).decode
_encode = msgspec.msgpack.Encoder().encode
_A = TypeVar("_A", _Opened, _Decoded)


class Decoders:
    """Opens documents, each in a process of its own, and bounds how many decoded pages are held at a time."""

    def __init__(self, limits: Limits, *, pages: int) -> None:
        self.places = asyncio.Semaphore(pages)
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.documents, thread_name_prefix="decode")
        self._ends: set[Future[None]] = set()

    async def open(self, body: bytes) -> "Decoding":
        """Recognise a document and count its pages; as ``open_document``, and refused where that is too slow."""
        decoding = Decoding(body, self._limits, self._threads, self._ends)
        try:
            await decoding.open()
        except BaseException:
            decoding.close()
            raise
        return decoding

    async def close(self) -> None:
        """Wait until the process of every document that was closed has ended.

        One that is killed as it begins has not yet let go of what the container holds: its next start would be refused.
        """
        await asyncio.gather(*map(asyncio.wrap_future, list(self._ends)))


class Decoding:
    """A document that is open in a process of its own; ``outline`` says what it is. Close it when it is done with."""

    outline: Outline

    def __init__(self, body: bytes, limits: Limits, threads: ThreadPoolExecutor, ends: set[Future[None]]) -> None:
        self.turn = asyncio.Lock()
        self._limits = limits
        self._threads = threads
        self._ends = ends
        self._asking = Lock()
        try:
            self._pipe, theirs = _fork.Pipe()
            self._process = _fork.Process(target=_serve, args=(theirs, body, limits), daemon=True)
            with theirs:
                self._process.start()
        except OSError as error:
            raise DocumentRefused(
                Code.TOO_MANY_REQUESTS,
                f"no process could be started for the document: {error.strerror}",
                hint="try again in a few seconds, or allow the container more processes",
            ) from error

    async def open(self) -> None:
        """Wait until the document is open, for as long as a page may take."""
        opened = await self._ask(0, "the document", _Opened)
        self.outline = Outline(opened.kind, tuple(opened.sizes), self._limits)

    async def page(self, number: int) -> Page:
        """Decode page ``number``; ``DocumentRefused`` as ``Document.page`` says, and when that takes too long."""
        self.outline.check(number)
        decoded = await self._ask(number, f"page {number}", _Decoded)
        page = Page(number, decoded.width, decoded.height, decoded.pixels, decoded.dpi, decoded.aspect, decoded.turned)
        if min(page.width, page.height) < 1 or len(page.pixels) != page.width * page.height:
            raise _damaged(f"page {number}")
        return page

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        end = self._threads.submit(self._end)
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)

    def _end(self) -> None:
        with self._asking:
            self._process.join()
            self._pipe.close()

    async def _ask(self, number: int, what: str, kind: type[_A]) -> _A:
        asked = asyncio.get_running_loop().run_in_executor(self._threads, self._exchange, number, what)
        try:
            answer = await asked
        except asyncio.CancelledError:
            self._process.kill()  # which ends the exchange as well
            raise
        if isinstance(answer, _Refused):
            raise DocumentRefused(Code(answer.code), answer.message, hint=answer.hint)
        if not isinstance(answer, kind):
            raise _damaged(what)
        return answer

    def _exchange(self, number: int, what: str) -> _Answer:
        """Have one thing done; called on a thread, which waits for it."""
        with self._asking:
            try:
                if number:
                    self._pipe.send_bytes(number.to_bytes(4, "big"))
                if not self._pipe.poll(self._limits.page_seconds):
                    self._process.kill()
                    raise DocumentRefused(
                        Code.TIMEOUT, f"{what} took too long to decode", hint="send each page as a plain image"
                    )
                answer: _Answer = _decode(self._pipe.recv_bytes(self._limits.page_pixels + _ANSWER_ROOM))
            except (OSError, EOFError, msgspec.DecodeError) as error:
                raise _damaged(what) from error
            return answer


def _damaged(what: str) -> DocumentRefused:
    return DocumentRefused(
        Code.INVALID_IMAGE,
        f"{what} is damaged and cannot be read",
        hint="check that the file was sent completely and opens in a viewer",
    )


def _serve(pipe: Connection, body: bytes, limits: Limits) -> None:
    """The process: open the document, then decode the pages that are asked for."""
    try:
        _confine(pipe.fileno())
        with suppress(OSError, EOFError):
            _work(pipe, body, limits)
    finally:
        os._exit(0)  # nothing of the container is to be ended or written here


def _work(pipe: Connection, body: bytes, limits: Limits) -> None:
    _allow(limits.page_seconds)
    try:
        document = open_document(body, limits)
    except DocumentRefused as refused:
        pipe.send_bytes(_encode(_refused(refused)))
        return
    pipe.send_bytes(_encode(_Opened(document.kind, list(document.sizes))))
    while True:
        number = int.from_bytes(pipe.recv_bytes(), "big")
        _allow(limits.page_seconds)
        try:
            page = document.page(number)
            answer: _Answer = _Decoded(page.width, page.height, page.pixels, page.dpi, page.aspect, page.turned)
        except DocumentRefused as refused:
            answer = _refused(refused)
        pipe.send_bytes(_encode(answer))


def _refused(refused: DocumentRefused) -> _Refused:
    return _Refused(refused.code, refused.message, refused.hint)


def _confine(pipe: int) -> None:
    """Let go of what the container holds, and take no more memory than a page needs."""
    gc.disable()  # what was the container's is not to be finalised here
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # the container ends in good order, and then its documents
    for held in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 - those alone: the limit may be a thousand million
        if held > _LAST_STANDARD and held != pipe:
            with suppress(OSError):  # that of this very look is closed already
                os.close(held)
    with suppress(OSError):
        # What a decoder written in C says of a file is no business of a container's log.
        os.dup2(os.open(os.devnull, os.O_WRONLY), _LAST_STANDARD)
    with open("/proc/self/statm", "rb") as mapped:  # noqa: PTH123 - one system call less to go wrong
        bound = int(mapped.read().split()[0]) * resource.getpagesize() + MEMORY
    _bound(resource.RLIMIT_AS, bound)
    _bound(resource.RLIMIT_CORE, 0)


def _allow(seconds: float) -> None:
    """A bound of the kernel's for one piece of work: should the container have been killed, nobody else ends this."""
    _bound(resource.RLIMIT_CPU, math.ceil(time.process_time() + seconds) + 2)


def _bound(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
