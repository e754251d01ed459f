"""The desk of a Read container: takes documents in, has them read, counts their pages, hands out the text."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import ParamSpec, TypeVar

import msgspec
from fastapi import Request

from engines.metering.meter import Meter
from engines.read.decoding import Decoders, Decoding
from engines.read.limits import Limits
from engines.read.operations import Operation, Operations
from engines.read.reading import read_document
from engines.read.received import ReadOptions, check_media_type
from engines.read.recognise import Recogniser
from engines.read.refusal import Code, DocumentRefused
from engines.read.result import operation_result
from engines.results.store import ResultStore
from engines.server.errors import INTERNAL
from engines.server.uploads import Uploads, until_disconnect
from licensing.containers import READ
from licensing.core.errors import AzlicError

(METER,) = READ.meters

_WAITING_PAGES = 3
"""So many pages more than are recognised at a time may be decoded or wait: nobody waits for so many slow documents."""
_STORING = 8
_P = ParamSpec("_P")
_T = TypeVar("_T")
log = logging.getLogger("azlic.container")


class Desk:
    """One document after the other: read whole, recorded, and only then handed out.

    The order is the promise. (1) Every page is read; the first that cannot be refuses the document.
    (2) The client of a synchronous request is still there. (3) The pages are recorded. (4) The text
    leaves. What stops before (3) was not counted.
    """

    def __init__(
        self,
        *,
        recogniser: Recogniser,
        meter: Meter,
        results: ResultStore,
        clock: Callable[[], datetime],
        limits: Limits,
    ) -> None:
        self.operations = Operations(results, clock=clock, kept=limits.kept)
        self._recogniser = recogniser
        self._meter = meter
        self._clock = clock
        self._limits = limits
        self._decoders = Decoders(limits, pages=recogniser.threads + _WAITING_PAGES)
        self._uploads = Uploads(limits.uploads)
        self._reading = 0
        self._recording = ThreadPoolExecutor(1, "record")  # a mount that hangs holds up nothing else
        self._storing = ThreadPoolExecutor(_STORING, "results") if results.shared else None
        self._jobs: set[asyncio.Task[None]] = set()

    async def read(self, request: Request, options: ReadOptions) -> bytes:
        """Read the document while its client waits; the finished answer."""
        started_at = self._clock()
        with ExitStack() as held:
            document, numbers = await self._receive(request, options, held)
            result = await until_disconnect(request, self._read_in_time(document, numbers, options.model))
            await self._record(len(numbers))
        return operation_result("succeeded", started_at, self._clock(), analyzeResult=msgspec.Raw(result))

    async def close(self) -> None:
        """Wait until nothing is left of the documents that were read."""
        await self._decoders.close()

    async def begin(self, request: Request, options: ReadOptions) -> tuple[Operation, asyncio.Task[None]]:
        """Take the document in and start to read it: the operation to ask for, and the job that ends it."""
        with ExitStack() as held:
            document, numbers = await self._receive(request, options, held)
            operation = await self._stored(self.operations.begin)
            job = asyncio.create_task(self._run(operation, document, numbers, options.model))
            kept = held.pop_all()
        self._jobs.add(job)  # the loop itself would let a running task be collected
        job.add_done_callback(self._jobs.discard)
        job.add_done_callback(lambda _: kept.close())
        return operation, job

    async def _run(self, operation: Operation, document: Decoding, numbers: list[int], model: str | None) -> None:
        try:
            await self._stored(self.operations.run, operation)
            result = await self._read_in_time(document, numbers, model)
            ended = await self._stored(self.operations.prepare, operation, result)
            if ended is None:
                log.warning("A document was read, but others had taken this container for gone: it is not counted.")
                return
            await self._record(len(numbers))
            await self._stored(self.operations.succeed, operation, ended)
        except DocumentRefused as refused:
            await self._fail(operation, refused.code, refused.advice)
        except BaseException:
            await self._fail(operation, INTERNAL, "the container failed")
            raise

    async def _fail(self, operation: Operation, code: str, message: str) -> None:
        try:
            await self._stored(self.operations.fail, operation, code, message)
        except DocumentRefused as refused:
            log.error("%s", refused.message)

    async def answer(self, operation_id: str) -> bytes:
        """The state of an operation, as its client gets it; ``DocumentRefused`` where there is none."""
        try:
            async with asyncio.timeout(self._limits.stored_seconds):
                return await self._stored(self.operations.answer, operation_id)
        except TimeoutError as error:
            raise DocumentRefused(
                Code.RESULTS_UNAVAILABLE,
                f"the results have not answered for {self._limits.stored_seconds:g} seconds",
                hint="ask again later; whoever runs the container sees to the network storage",
            ) from error

    async def _stored(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Ask the results; a disk or a network is waited for beside everything else."""
        if self._storing is None:
            return call(*args, **kwargs)
        asked = partial(call, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._storing, asked)

    async def _receive(self, request: Request, options: ReadOptions, held: ExitStack) -> tuple[Decoding, list[int]]:
        """The document, open, and the pages to read; ``held`` lets go of its place, its memory and its process.

        It has its place from when it is there: who still sends, or has stopped to, keeps nobody from being read.
        """
        options.check_language(self._recogniser.models)
        check_media_type(request)
        self._check_places()
        body = await held.enter_context(self._uploads.one()).receive(request)
        held.enter_context(self._place())
        document = held.enter_context(closing(await self._decoders.open(body)))
        return document, document.outline.select(options.selection)

    def _check_places(self) -> None:
        if self._reading >= self._limits.documents:
            raise DocumentRefused(
                Code.TOO_MANY_REQUESTS,
                f"{self._limits.documents} documents are being read already",
                hint="try again in a few seconds",
            )

    @contextmanager
    def _place(self) -> Iterator[None]:
        self._check_places()
        self._reading += 1
        try:
            yield
        finally:
            self._reading -= 1

    async def _read_in_time(self, document: Decoding, numbers: list[int], model: str | None) -> bytes:
        allowed = asyncio.timeout(self._limits.document_seconds)
        try:
            async with allowed:
                return await read_document(self._recogniser, self._decoders, document, numbers, model=model)
        except TimeoutError as error:
            if not allowed.expired():
                raise
            raise DocumentRefused(
                Code.TIMEOUT,
                f"the document was not read within {self._limits.document_seconds:g} seconds",
                hint="send the document in parts",
            ) from error

    async def _record(self, pages: int) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._recording, self._count, pages)
        except AzlicError as error:
            raise DocumentRefused(
                Code.USAGE_NOT_RECORDED,
                f"the usage could not be recorded, so the text is withheld: {error.message}",
                hint=error.hint,
            ) from error

    def _count(self, pages: int) -> None:
        self._meter.record(METER, Decimal(pages), at=self._clock())
