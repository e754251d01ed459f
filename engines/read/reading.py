"""A document's pages, decoded one after the other and spread over the recogniser's threads."""

import asyncio
from collections.abc import Sequence

import msgspec

from engines.read.decoding import Decoders, Decoding
from engines.read.pages import Page
from engines.read.recognise import Recogniser
from engines.read.refusal import DocumentRefused
from engines.read.result import analyze_result, page_result


async def read_document(
    recogniser: Recogniser,
    decoders: Decoders,
    document: Decoding,
    numbers: Sequence[int],
    *,
    model: str | None = None,
) -> bytes:
    """Read the pages ``numbers``, with one language's ``model`` or all, and return the encoded ``analyzeResult``.

    A document has at most one page per thread in the queue, and one that is being decoded, so that neither a long nor
    a slow one keeps the others waiting. A page is decoded when there is a place for it in memory. The first page that
    is ``Refused`` refuses the document and drops its other pages.
    """
    room = asyncio.Semaphore(recogniser.threads)
    seconds = document.outline.limits.page_seconds

    def recognise(page: Page) -> msgspec.Raw:
        return page_result(page, recogniser.read(page, seconds=seconds, model=model))

    async def read_in_turn(number: int) -> msgspec.Raw:
        async with room:
            await document.turn.acquire()
            try:
                await decoders.places.acquire()
            except BaseException:
                document.turn.release()
                raise
            try:
                try:
                    page = await document.page(number)
                finally:
                    document.turn.release()
                return await asyncio.wrap_future(recogniser.pool.submit(recognise, page))
            finally:
                decoders.places.release()

    try:
        async with asyncio.TaskGroup() as group:
            pages = [group.create_task(read_in_turn(number)) for number in numbers]
    except* DocumentRefused as refused:
        raise refused.exceptions[0] from None
    return analyze_result([page.result() for page in pages])
