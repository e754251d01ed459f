"""The Read 3.2 answer: JSON in the shape and key order of the container's documentation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, NotRequired

import msgspec
from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from engines.read.pages import Page
from engines.read.text import Box, Line, PageReading

Status = Literal["notStarted", "running", "succeeded", "failed"]

MODEL_VERSION = "tessdata-fast"

Corners = Annotated[
    list[float],
    Field(
        min_length=8,
        max_length=8,
        description="x and y of four corners, clockwise from the text's own top left, in the page's unit",
    ),
]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Confidence = Annotated[float, Field(ge=0, le=1)]
_exact = with_config(ConfigDict(extra="forbid"))


@_exact
class Style(TypedDict):
    """Print or handwriting."""

    name: Annotated[Literal["other"], Field(description="no model here tells handwriting from print")]
    confidence: Confidence


@_exact
class Appearance(TypedDict):
    """How a line looks."""

    style: Style


@_exact
class ReadWord(TypedDict):
    """A word of a line."""

    boundingBox: Corners
    text: str
    confidence: Confidence


@_exact
class ReadLine(TypedDict):
    """A line of text."""

    boundingBox: Corners
    text: str
    appearance: Appearance
    words: list[ReadWord]


@_exact
class ReadPage(TypedDict):
    """A page and its text."""

    page: Annotated[int, Field(ge=1, description="its number in the document")]
    angle: Annotated[float, Field(ge=-180, le=180, description="how far its text is turned clockwise, in degrees")]
    width: Annotated[float, Field(gt=0)]
    height: Annotated[float, Field(gt=0)]
    unit: Annotated[Literal["pixel", "inch"], Field(description="`inch` for a page of a PDF")]
    lines: list[ReadLine]


@_exact
class AnalyzeResult(TypedDict):
    """What was read."""

    version: Literal["3.2.0"]
    modelVersion: str
    readResults: list[ReadPage]


@_exact
class OperationError(TypedDict):
    """Why there is no text."""

    code: Annotated[str, Field(description="stable: programs may go by it")]
    message: str


@_exact
class ReadOperation(TypedDict):
    """A document under way: where it stands and, once it has ended, its text or the reason why there is none."""

    status: Status
    createdDateTime: Instant
    lastUpdatedDateTime: Instant
    analyzeResult: NotRequired[AnalyzeResult]
    error: NotRequired[OperationError]


# No model here tells handwriting from print, so every line is "other", on nobody's word.
_APPEARANCE: Appearance = {"style": {"name": "other", "confidence": 0.0}}


def page_result(page: Page, reading: PageReading) -> msgspec.Raw:
    """One element of ``readResults``, encoded: a thousand pages wait for the last one as bytes, not as objects.

    An image is measured in pixels, a PDF page in inches. The four corners of a box run clockwise from the
    text's own top left, which for a line that lies upside down is the bottom right.
    """
    scale = page.dpi or 1

    def box(edges: Box, angle: float) -> list[float]:
        left, top, right, bottom = edges
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        turn = round(angle / 90) % 4
        turned = corners[turn:] + corners[:turn]
        return [_measure(value, scale) for corner in turned for value in corner]

    def line_result(line: Line) -> ReadLine:
        words: list[ReadWord] = [
            {
                "boundingBox": box(word.box, line.angle),
                "text": word.text,
                "confidence": round(word.confidence, 3),
            }
            for word in line.words
        ]
        return {
            "boundingBox": box(line.box, line.angle),
            "text": line.text,
            "appearance": _APPEARANCE,
            "words": words,
        }

    result: ReadPage = {
        "page": page.number,
        "angle": round(reading.angle, 4),
        "width": _measure(page.width, scale),
        "height": _measure(page.height, scale),
        "unit": "inch" if page.dpi else "pixel",
        "lines": [line_result(line) for line in reading.lines],
    }
    return msgspec.Raw(msgspec.json.encode(result))


def analyze_result(pages: Sequence[msgspec.Raw]) -> bytes:
    """The ``analyzeResult`` of a document, encoded, from its encoded pages."""
    result = {"version": "3.2.0", "modelVersion": MODEL_VERSION, "readResults": pages}
    return msgspec.json.encode(result)


def operation_result(status: Status, created_at: datetime, updated_at: datetime, **outcome: object) -> bytes:
    """The whole answer: the operation's state and, once it has ended, its ``analyzeResult`` or ``error``."""
    return msgspec.json.encode(
        {
            "status": status,
            "createdDateTime": created_at.isoformat(),
            "lastUpdatedDateTime": updated_at.isoformat(),
            **outcome,
        }
    )


def _measure(pixels: int, scale: int) -> float:
    return round(pixels / scale, 4) if scale > 1 else pixels
