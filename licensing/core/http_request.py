"""The body of a request, as a server takes it: so many bytes, in so much time."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from licensing.core.http_body import read_body

REQUEST_SECONDS = 10.0
"""How long a client may take to send its request's body."""


async def request_body(request: Request, limit: int, *, seconds: float = REQUEST_SECONDS) -> bytes:
    """The whole body, counted while it comes in.

    Raises ``HTTPException`` as soon as it is larger than ``limit`` bytes or too slow, or its client goes away.
    """
    too_large = HTTPException(413, f"the body is larger than {limit} bytes")
    try:
        async with asyncio.timeout(seconds):
            return await read_body(request.stream(), limit, too_large)
    except TimeoutError as error:
        raise HTTPException(408, f"the body was not complete after {seconds:g} seconds") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the client went away") from error
