"""Why a document was not read: a stable code in Azure's vocabulary, its HTTP status, and words."""

from enum import StrEnum

from engines.server import errors
from engines.server.errors import NOT_ADMITTED, NOT_RECORDED, WorkRefused


class Code(StrEnum):
    """The reason of a refusal, as the Read 3.2 clients know it; ``status`` is the HTTP status it travels with."""

    INVALID_ARGUMENT = errors.INVALID_ARGUMENT
    INVALID_IMAGE = "InvalidImage"
    INVALID_IMAGE_DIMENSION = "InvalidImageDimension"
    INVALID_IMAGE_SIZE = "InvalidImageSize"
    INVALID_IMAGE_URL = "InvalidImageURL"
    INVALID_PAGE_RANGE = "InvalidPageRange"
    NOT_FOUND = "NotFound"
    NOT_SUPPORTED_IMAGE = "NotSupportedImage"
    NOT_SUPPORTED_LANGUAGE = "NotSupportedLanguage"
    RESULTS_UNAVAILABLE = "ResultsUnavailable"
    TIMEOUT = "Timeout"
    TOO_MANY_REQUESTS = "TooManyRequests"
    UNSUPPORTED_MEDIA_TYPE = "UnsupportedMediaType"
    USAGE_NOT_RECORDED = NOT_RECORDED

    @property
    def status(self) -> int:
        return _STATUS.get(self, 400)

    @property
    def meaning(self) -> str:
        """What it says, whatever the document."""
        return _MEANINGS[self]


_STATUS = {
    Code.NOT_FOUND: 404,
    Code.INVALID_IMAGE_SIZE: 413,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    # Not 408 or 504: clients retry those by themselves, and a slow page stays slow.
    Code.TIMEOUT: 422,
    Code.TOO_MANY_REQUESTS: 429,
    Code.RESULTS_UNAVAILABLE: 503,
    Code.USAGE_NOT_RECORDED: 503,
}
_MEANINGS = {
    Code.INVALID_ARGUMENT: "a parameter has a value that it does not take",
    Code.INVALID_IMAGE: "the document, or a page of it, is empty or damaged",
    Code.INVALID_IMAGE_DIMENSION: "a page is too small or too large",
    Code.INVALID_IMAGE_SIZE: "the document has too many bytes or pages, or too much text to be kept",
    Code.INVALID_IMAGE_URL: "an address was sent instead of a document; this container fetches nothing",
    Code.INVALID_PAGE_RANGE: "`pages` cannot be read, or names a page that the document does not have",
    Code.NOT_FOUND: "there is no such operation, or its result is not kept any longer",
    Code.NOT_SUPPORTED_IMAGE: "the document is of a kind that is not read",
    Code.NOT_SUPPORTED_LANGUAGE: "`language` names one that is not read",
    Code.RESULTS_UNAVAILABLE: "the folder that results are shared in cannot be used now, or does not answer",
    Code.TIMEOUT: "the document, or a page of it, took too long; sending it again does not help",
    Code.TOO_MANY_REQUESTS: "there is no room for another document now",
    Code.UNSUPPORTED_MEDIA_TYPE: "the body is compressed, or of a type that cannot be a document",
    Code.USAGE_NOT_RECORDED: NOT_ADMITTED[NOT_RECORDED],
}


class DocumentRefused(WorkRefused):
    """A document or a request was not read, nothing was metered, and ``code`` says why."""

    code: Code

    def __init__(self, code: Code, message: str, *, hint: str) -> None:
        super().__init__(code, code.status, message, hint=hint)


def no_pages(kind: str) -> DocumentRefused:
    """The refusal of a sound document in which there is nothing to read."""
    return DocumentRefused(
        Code.INVALID_IMAGE, f"the {kind} has no pages", hint="send a document with at least one page"
    )
