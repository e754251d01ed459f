"""The Read routes described as OpenAPI: what they take, and every answer they give."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import ConfigDict, with_config

from engines.read.refusal import Code
from engines.read.result import MODEL_VERSION, ReadOperation
from engines.server.described import Responses, answer, errors, header
from engines.server.errors import FAULT, NOT_ADMITTED, Error
from engines.server.refusing import NAMED, headers_of

_TAKEN_IN = frozenset(Code) - {Code.NOT_FOUND, Code.RESULTS_UNAVAILABLE, Code.USAGE_NOT_RECORDED}
"""What a document is refused with before its pages are read; a page may still be the reason while they are."""


@with_config(ConfigDict(extra="forbid"))
class SyncError(Error):
    """Why a document was not read while its client waited."""

    status: Literal["Failed"]


_BEGUN: ReadOperation = {
    "status": "succeeded",
    "createdDateTime": "2027-01-01T08:00:00+00:00",
    "lastUpdatedDateTime": "2027-01-01T08:00:01+00:00",
    "analyzeResult": {
        "version": "3.2.0",
        "modelVersion": MODEL_VERSION,
        "readResults": [
            {
                "page": 1,
                "angle": 0.0,
                "width": 502,
                "height": 252,
                "unit": "pixel",
                "lines": [
                    {
                        "boundingBox": [14, 40, 130, 40, 130, 68, 14, 68],
                        "text": "MIND",
                        "appearance": {"style": {"name": "other", "confidence": 0.0}},
                        "words": [
                            {
                                "boundingBox": [14, 40, 130, 40, 130, 68, 14, 68],
                                "text": "MIND",
                                "confidence": 0.96,
                            }
                        ],
                    }
                ],
            }
        ],
    },
}


def _refusals(
    codes: Iterable[Code], shape: type = Error, *, more: Mapping[int, Mapping[str, str]], **first: str
) -> Responses:
    """The refusals by their status, with those of ``more`` that are not Read's own."""
    meanings: dict[int, dict[str, str]] = {status: dict(told) for status, told in more.items()}
    for code in sorted(codes):
        meanings.setdefault(code.status, {})[code] = code.meaning
    return {
        status: errors(
            meanings[status],
            shape,
            headers=headers_of(status),
            **first,
        )
        for status in sorted(meanings)
    }


DOCUMENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A JPEG, PNG, BMP, TIFF or PDF. Its bytes tell which; the type need not.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}  # lets Swagger UI offer a file to choose
            for media_type in ("application/octet-stream", "application/pdf", "image/*")
        },
    }
}
SYNC: Responses = {
    200: answer(
        "The text.",
        ReadOperation,
        example=_BEGUN,
        headers=NAMED,
        narrowed={"properties": {"status": {"const": "succeeded"}}, "required": ["analyzeResult"]},
    ),
    **_refusals(_TAKEN_IN | {Code.USAGE_NOT_RECORDED}, SyncError, more={503: NOT_ADMITTED}, status="Failed"),
    500: errors(FAULT),
}
ASYNC: Responses = {
    202: answer(
        "The document is being read.",
        headers={**NAMED, "Operation-Location": header("Where to ask for its text.", format="uri")},
    ),
    **_refusals(_TAKEN_IN | {Code.RESULTS_UNAVAILABLE}, more={503: NOT_ADMITTED}),
    500: errors(FAULT),
}
RESULT: Responses = {
    200: answer("Where the operation stands.", ReadOperation, example=_BEGUN, headers=NAMED),
    **_refusals([Code.NOT_FOUND, Code.RESULTS_UNAVAILABLE], more={}),
}
