"""What a connection refuses by itself, whatever is asked: every status and code, in one table."""

from enum import Enum
from http import HTTPStatus


class Unserved(Enum):
    """Why a request is refused before the application has all of it: its status, its code, and what it means."""

    NO_REQUEST = 400, "BadRequest", "it is no HTTP request, or one that is framed in two ways"
    STALLED = 408, "RequestTimeout", "nothing more of the request came in"
    CHUNK_TOO_LARGE = 413, "RequestBodyTooLarge", "a chunk of the body is larger than a body may be"
    TARGET_TOO_LONG = 414, "RequestURITooLong", "the address is too long"
    EXPECTATION = 417, "ExpectationFailed", "something else than 100-continue is expected"
    HEAD_TOO_LONG = 431, "RequestHeaderFieldsTooLarge", "the headers, or what describes a chunk, are too long"
    CODING = 501, "NotImplemented", "the body comes in a transfer coding other than chunked"
    FULL = 503, "ServiceUnavailable", "as many requests as there is room for are under way, or the server is stopping"
    VERSION = 505, "HTTPVersionNotSupported", "it is not HTTP/1.0 or HTTP/1.1"

    def __init__(self, status: int, code: str, meaning: str) -> None:
        self.status = HTTPStatus(status)
        self.code = code
        self.meaning = meaning
