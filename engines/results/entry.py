"""A result as a file: a line of JSON that says what it is, and the answer behind it; nothing is believed unchecked."""

import hashlib
import re
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from licensing.core.strict_json import loads

HEAD_BYTES = 1024
_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOLDER = re.compile(r"[0-9a-f]{32}")


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    key: str
    holder: str
    until: datetime | None
    size: int
    sha256: str


class Entry(NamedTuple):
    """What one container, the ``holder``, keeps under a key until an instant, or for as long as it works on it."""

    key: str
    holder: str
    until: datetime | None
    content: bytes

    def encoded(self) -> bytes:
        """The file."""
        digest = hashlib.sha256(self.content).hexdigest()
        head = _Head(1, self.key, self.holder, self.until, len(self.content), digest)
        return msgspec.json.encode(head) + b"\n" + self.content


def is_key(name: str) -> bool:
    """Whether a name is one that an operation can have; only such a name becomes part of a path."""
    return _KEY.fullmatch(name) is not None


def is_holder(name: str) -> bool:
    """Whether a name is one that a container gives itself."""
    return _HOLDER.fullmatch(name) is not None


def parse_entry(file: bytes, key: str) -> Entry:
    """Read a file that lies under a key; ``ValueError`` for all that is not whole, or is another's."""
    head = parse_head(file, key)
    content = file[file.index(b"\n") + 1 :]
    if len(content) != head.size or hashlib.sha256(content).hexdigest() != head.sha256:
        raise ValueError("it is not whole")
    try:
        content.decode("utf-8")
        msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise ValueError("its answer is no JSON object") from error
    return Entry(key, head.holder, head.until, content)


def parse_head(file: bytes, key: str) -> _Head:
    """Read the first line of a file that lies under a key; ``ValueError`` where it is none of ours."""
    line, end, _ = file[:HEAD_BYTES].partition(b"\n")
    if not end:
        raise ValueError("it has no first line")
    try:
        head = msgspec.convert(loads(line), _Head)
    except msgspec.MsgspecError as error:
        raise ValueError("its first line is not one of ours") from error
    if head.key != key or not is_holder(head.holder) or (head.until is not None and head.until.tzinfo is None):
        raise ValueError("it is another's")
    return head
