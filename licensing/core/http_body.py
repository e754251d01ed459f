"""The body of a request or an answer, read with a size cap while it comes in."""

from collections.abc import AsyncIterable


async def read_body(chunks: AsyncIterable[bytes], limit: int, too_large: Exception) -> bytes:
    """Put a body together from its chunks; raise ``too_large`` as soon as they are more than ``limit`` bytes."""
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > limit:
            raise too_large
    return bytes(content)
