"""A document spread over the recogniser's threads."""

import asyncio
from collections.abc import Sequence

import msgspec

from engines.read.pages import Document
from engines.read.recognise import Recogniser
from engines.read.refusal import DocumentRefused
from engines.read.result import analyze_result, page_result


async def read_document(recogniser: Recogniser, document: Document, numbers: Sequence[int]) -> bytes:
    """Read the pages ``numbers`` and return the encoded ``analyzeResult``.

    A document has at most one page per thread in the queue, so that a long one cannot keep the short ones
    waiting. Pages are decoded on the recogniser's threads: no more of them are in memory than there are
    threads. The first page that is ``Refused`` refuses the document and drops its other pages.
    """
    room = asyncio.Semaphore(recogniser.threads)

    def read_page(number: int) -> msgspec.Raw:
        page = document.page(number)
        return page_result(page, recogniser.read(page, seconds=document.limits.page_seconds))

    async def read_in_turn(number: int) -> msgspec.Raw:
        async with room:
            return await asyncio.wrap_future(recogniser.pool.submit(read_page, number))

    try:
        async with asyncio.TaskGroup() as group:
            pages = [group.create_task(read_in_turn(number)) for number in numbers]
    except* DocumentRefused as refused:
        raise refused.exceptions[0] from None
    return analyze_result([page.result() for page in pages])
