"""HTTP/1.1 as it is taken in: one way to say where a request ends, or no answer but a refusal.

h11 passes much for the sake of old clients that a proxy in front may read in another way (RFC 9112, 2.2, 5.2, 6.1, 6.3;
RFC 9110, 8.6): lines that end in LF alone, folded headers, a length beside chunks, a length that is said twice.
"""

import re
from collections.abc import Callable

import h11

from engines.server.errors import Refusal
from engines.server.refused import Unserved

_Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]
_HEAD_END = re.compile(rb"\n\r?\n")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_HOST = re.compile(rb"(?:[A-Za-z0-9.\-_~%!$&'()*+,;=]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_ADDRESS = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_FRAMED_BY = (b"content-length", b"transfer-encoding")


class Turned(h11.RemoteProtocolError):
    """A request is turned away by its connection, in words for its client."""

    def __init__(self, why: Unserved, words: str) -> None:
        super().__init__(words, why.status)
        self.why = why

    @property
    def refusal(self) -> Refusal:
        """What its client is told."""
        return Refusal(self.why.code, str(self))


class StrictConnection(h11.Connection):
    """The server's side of a connection, which raises ``Turned`` for what it does not take.

    ``chunk_bytes`` is the most that one chunk may announce: what could not be taken anyway is not waited for.
    ``is_full`` says whether one request more is too many.
    """

    def __init__(self, *, head_bytes: int, chunk_bytes: int, is_full: Callable[[], bool]) -> None:
        super().__init__(h11.SERVER, head_bytes)
        self._chunk_bytes = chunk_bytes
        self._is_full = is_full
        self._method = b""

    @property
    def is_asked_for_head_alone(self) -> bool:
        """Whether an answer to what has come in so far has no body."""
        return self._method == b"HEAD"

    def next_event(self) -> _Event:
        """The next part of a request."""
        in_head = self.their_state is h11.IDLE
        if in_head:
            received = self.trailing_data[0]
            self._method = received.partition(b" ")[0]
            _check_lines(received)
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            in_target = in_head and b"\n" not in self.trailing_data[0]
            raise _turned(error.error_status_hint, in_target=in_target) from error
        if isinstance(event, h11.Request):
            event = _without_address(event)
            _check_request(event)
            if self._is_full():
                raise Turned(Unserved.FULL, "too many requests are under way: send it again in a few seconds")
        if self.their_state is h11.SEND_BODY and (reader := self._reader) is not None:
            self._check_chunk(event, announced=getattr(reader, "_bytes_in_chunk", None))
        return event

    def _check_chunk(self, event: _Event, announced: int | None) -> None:
        """Refuse what h11 would wait for; nothing is ``announced`` in a body that comes by its length."""
        if announced is not None and isinstance(event, h11.Data) and event.chunk_start:
            announced += len(event.data)
        if announced is not None and announced > self._chunk_bytes:
            words = f"a chunk of {announced} bytes is announced: a body may have {self._chunk_bytes}"
            raise Turned(Unserved.CHUNK_TOO_LARGE, words)
        if event is h11.NEED_DATA and announced == 0 and _BARE_LF.search(self.trailing_data[0]):
            raise Turned(Unserved.NO_REQUEST, "a line of the body's chunks ends in LF alone, not in CR LF")


def _turned(status: int, *, in_target: bool) -> Turned:
    """What h11 refuses with this status."""
    if status == Unserved.HEAD_TOO_LONG.status and in_target:
        return Turned(Unserved.TARGET_TOO_LONG, "the first line of the request is too long")
    if status == Unserved.HEAD_TOO_LONG.status:
        return Turned(Unserved.HEAD_TOO_LONG, "the headers of the request, or what describes a chunk, are too long")
    if status == Unserved.CODING.status:
        words = "send the body by its length, or in chunks, and in no other Transfer-Encoding"
        return Turned(Unserved.CODING, words)
    return Turned(Unserved.NO_REQUEST, "Invalid HTTP request received.")


def _check_lines(received: bytes) -> None:
    """Hold the lines of a head, as far as it is here, to what every server in the way reads alike."""
    end = _HEAD_END.search(received)
    head = received[: end.end()] if end else received
    if _BARE_LF.search(head):
        raise Turned(Unserved.NO_REQUEST, "a line of the request ends in LF alone, not in CR LF")
    if re.search(rb"\n[ \t]", head):
        raise Turned(Unserved.NO_REQUEST, "a header is folded over two lines")
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]] if end else []
    framing = [(name.lower(), value) for name, _, value in lines if name.lower() in _FRAMED_BY]
    if len(framing) > 1 or any(name == _FRAMED_BY[0] and b"," in value for name, value in framing):
        raise Turned(Unserved.NO_REQUEST, "the length of the body is said twice: by one Content-Length, or by chunks")


def _without_address(request: h11.Request) -> h11.Request:
    """The request as it would be asked for without a proxy; its host is the one of the whole address (3.2.2)."""
    address = _ADDRESS.match(request.target)
    if address is None:
        return request
    headers = [(name, value) for name, value in request.headers if name != b"host"]
    return h11.Request(
        method=request.method,
        target=b"/" + request.target[address.end() :].removeprefix(b"/"),
        headers=[(b"host", address[1]), *headers],
        http_version=request.http_version,
    )


def _check_request(request: h11.Request) -> None:
    if not request.http_version.startswith(b"1."):
        raise Turned(Unserved.VERSION, "send the request in HTTP/1.1")
    headers = dict(request.headers)
    if request.http_version == b"1.0" and b"transfer-encoding" in headers:
        raise Turned(Unserved.NO_REQUEST, "HTTP/1.0 has no Transfer-Encoding")
    if not _HOST.fullmatch(headers.get(b"host", b"")):
        raise Turned(Unserved.NO_REQUEST, "Host is not the name of a host")
    if headers.get(b"expect", b"100-continue").lower() != b"100-continue":
        raise Turned(Unserved.EXPECTATION, "expect nothing, or 100-continue")
