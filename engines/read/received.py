"""What a client sends with a document: the options in the query, and what the body is said to be."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from engines.read.languages import languages_of, model_of
from engines.read.refusal import Code, DocumentRefused
from engines.read.selection import PATTERN
from engines.server.uploads import named_coding

_TAKEN = {
    *("", "application/octet-stream", "application/pdf", "application/x-pdf", "image/*"),
    *("image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/x-png", "image/apng"),
    *("image/bmp", "image/x-bmp", "image/x-ms-bmp", "image/x-windows-bmp"),
    *("image/tiff", "image/tif", "image/x-tiff", "image/tiff-fx"),
}


class ReadOptions(BaseModel, frozen=True):
    """How to read a document."""

    language: Annotated[
        str,
        Field(
            description="`en` or another of the container, with or without its region: `de-DE`; else all of them",
            examples=["en"],
        ),
    ] = ""
    pages: Annotated[
        list[Annotated[str, Field(json_schema_extra={"pattern": PATTERN})]],
        Field(
            description="Which pages to read and count: `1,3-4` or `5-`, or each in a parameter of its own; else all",
            examples=[["1,3-4"], ["1", "3"]],
        ),
    ] = []
    reading_order: Annotated[
        Literal["basic", "natural"],
        Field(alias="readingOrder", description="Lines come in natural order either way"),
    ] = "basic"
    model_version: Annotated[
        Literal["latest", "2022-04-30", "tessdata-fast"],
        Field(alias="model-version", description="One model reads all of them; the answer names it"),
    ] = "latest"

    @property
    def selection(self) -> str | None:
        """The wanted pages as one text, or None for all."""
        return ",".join(self.pages) if self.pages else None

    @property
    def model(self) -> str | None:
        """The model of the language that is asked for; None for all that are open."""
        return model_of(self.language) if self.language else None

    def check_language(self, models: Sequence[str]) -> None:
        """Refuse a language that none of the open ``models`` knows."""
        if self.language and self.model not in models:
            raise DocumentRefused(
                Code.NOT_SUPPORTED_LANGUAGE,
                f"language={self.language[:20]} is not supported",
                hint=f"this container reads {', '.join(languages_of(models))}",
            )


def check_media_type(request: Request) -> None:
    """Refuse a body that cannot be a document, before any of it is read."""
    if coding := named_coding(request):
        raise DocumentRefused(
            Code.UNSUPPORTED_MEDIA_TYPE,
            f"a body with Content-Encoding: {coding[:60]} is not taken",
            hint="send the document's bytes as they are, without that header",
        )
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
