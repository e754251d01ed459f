"""The Speech SDK's messages: headers of one line each, then JSON in a text message, audio in a binary one.

Source: facts §5.2 to §5.4.
"""

import json
import re
from typing import NamedTuple

from engines.speech.refusal import AudioRefused
from licensing.core.text import json_escaped

_HEADER_BYTES = 8 * 1024
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_HINT = "the Speech SDK and its protocol are what this container understands"


class TextMessage(NamedTuple):
    """What a client says: ``speech.config``, ``speech.context``, ``telemetry`` or something unknown."""

    path: str
    request_id: str
    body: str


class AudioMessage(NamedTuple):
    """Some audio of a request; none at all is the end of it."""

    request_id: str
    payload: bytes


def read_text(message: str) -> TextMessage:
    """A text message. Raises ``AudioRefused`` for one without headers."""
    head, _, body = message.replace("\r\n", "\n").partition("\n\n")
    headers = _headers(head)
    return TextMessage(headers.get("path", "").lower(), _request_id(headers), body)


def read_audio(message: bytes) -> AudioMessage:
    """A binary message. Raises ``AudioRefused`` where its lengths do not agree with it, or it holds no audio."""
    length = int.from_bytes(message[:2], "big")
    if len(message) < 2 or len(message) < 2 + length:
        raise AudioRefused("a binary message is shorter than its header says", hint=_HINT)
    try:
        headers = _headers(message[2 : 2 + length].decode())
    except UnicodeDecodeError as error:
        raise AudioRefused("the header of a binary message is not UTF-8 text", hint=_HINT) from error
    if headers.get("path", "").lower() != "audio" or not headers.get("x-requestid"):
        raise AudioRefused("a binary message names no request, or holds no audio", hint=_HINT)
    return AudioMessage(_request_id(headers), message[2 + length :])


def read_object(body: str) -> dict[str, object]:
    """The JSON object of a message. Raises ``AudioRefused`` for anything else."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise AudioRefused("a message holds no JSON", hint=_HINT) from error
    if not isinstance(read, dict):
        raise AudioRefused("a message holds no JSON object", hint=_HINT)
    return read


def answer(path: str, request_id: str, body: object) -> str:
    """A message to the client."""
    told = json_escaped(json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    return f"X-RequestId:{request_id}\r\nContent-Type:application/json; charset=utf-8\r\nPath:{path}\r\n\r\n{told}"


def _headers(head: str) -> dict[str, str]:
    if len(head) > _HEADER_BYTES:
        raise AudioRefused(f"the headers of a message have more than {_HEADER_BYTES} bytes", hint=_HINT)
    lines = (line.partition(":") for line in head.splitlines())
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    if not headers.get("path"):
        raise AudioRefused("a message has no Path header", hint=_HINT)
    return headers


def _request_id(headers: dict[str, str]) -> str:
    found = headers.get("x-requestid", "")
    if found and not _ID.fullmatch(found):
        raise AudioRefused("the X-RequestId of a message is none", hint=_HINT)
    return found
