"""What a client sends: the options in the query and the document in the body."""

import asyncio
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from engines.read.limits import Limits
from engines.read.refusal import Code, DocumentRefused
from licensing.core.http_body import read_body

_TAKEN = {
    *("", "application/octet-stream", "application/pdf", "application/x-pdf", "image/*"),
    *("image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/x-png", "image/apng"),
    *("image/bmp", "image/x-bmp", "image/x-ms-bmp", "image/x-windows-bmp"),
    *("image/tiff", "image/tif", "image/x-tiff", "image/tiff-fx"),
}


class ReadOptions(BaseModel, frozen=True):
    """How to read a document."""

    language: Annotated[str | None, Field(description="`en`, the one language of the model, or nothing")] = None
    pages: Annotated[str | None, Field(description="Which pages to read and count: `1,3-4` or `5-`")] = None
    reading_order: Annotated[
        Literal["basic", "natural"],
        Field(alias="readingOrder", description="Lines come in natural order either way"),
    ] = "basic"
    model_version: Annotated[Literal["latest", "tessdata-fast"], Field(alias="model-version")] = "latest"

    def check_language(self) -> None:
        """Refuse a language the model does not know."""
        if self.language not in (None, "", "en"):
            raise DocumentRefused(
                Code.NOT_SUPPORTED_LANGUAGE,
                f"language={self.language[:20]} is not supported",
                hint="only English (en) can be read",
            )


def check_media_type(request: Request) -> None:
    """Refuse a body that cannot be a document, before any of it is read."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        raise DocumentRefused(
            Code.INVALID_IMAGE_URL,
            "this container is disconnected and fetches no URL",
            hint="send the document itself as application/octet-stream",
        )
    if media_type not in _TAKEN:
        raise DocumentRefused(
            Code.UNSUPPORTED_MEDIA_TYPE,
            f"a body of type {media_type[:60]} is not taken",
            hint="send the bytes of a JPEG, PNG, BMP, TIFF or PDF as they are, as application/octet-stream",
        )


async def receive_body(request: Request, limits: Limits) -> bytes:
    """The whole body, counted while it comes in: ``Refused`` as soon as it is too large or too slow."""
    declared = request.headers.get("content-length", "")
    limits.check_body(int(declared) if declared.isdecimal() else 0)
    try:
        async with asyncio.timeout(limits.upload_seconds):
            return await read_body(request.stream(), limits.body_bytes, limits.too_large)
    except TimeoutError as error:
        raise DocumentRefused(
            Code.TIMEOUT,
            f"the body was not complete after {limits.upload_seconds:g} seconds",
            hint="check the network between client and container",
        ) from error
