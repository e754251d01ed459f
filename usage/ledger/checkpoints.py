"""The checkpoint: what a ledger held at one moment, in three lines that can be kept elsewhere or written down.

Source: C2SP tlog-checkpoint, without a signature: the ledger's name, the number of its batches, and the head after the
last of them in base64. Whoever keeps one can prove later that nothing up to there was changed.
"""

import base64
import binascii
import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import Signer
from sqlalchemy import Connection, insert, select

from licensing.core.errors import AzlicError, BadCall
from licensing.core.files import FileTooLarge, read_file
from licensing.core.instants import milliseconds
from usage.ledger.batch_log import BatchChain
from usage.ledger.canonical import ORIGIN
from usage.ledger.extent import moment_of
from usage.ledger.tables.handover import OriginRow
from usage.ledger.tables.records import BatchRow

MAX_BYTES = 1024
MAX_SIZE = 2**53
HEAD_BYTES = 32
_NAME_LENGTH = 255
_SITE_LENGTH = 64
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")


def head_text(head: bytes) -> str:
    """A head as it is written everywhere: in base64, as in a checkpoint."""
    return base64.b64encode(head).decode()


class BadCheckpoint(BadCall, ValueError):
    """A text that is not a checkpoint; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"it is not a checkpoint: {reason}", hint="give it all three lines that azlic checkpoint printed"
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A ledger's name, the number of batches it had, and the head after them; without batches that is 32 zeros."""

    origin: str
    size: int
    head: bytes

    def __post_init__(self) -> None:
        if not (1 <= len(self.origin) <= _NAME_LENGTH and self.origin.isprintable() and " " not in self.origin):
            raise BadCheckpoint("its first line is not the name of a ledger")
        if not 0 <= self.size <= MAX_SIZE:
            raise BadCheckpoint("its second line is not a number of batches")
        if len(self.head) != HEAD_BYTES or (self.size == 0 and self.head != ORIGIN):
            raise BadCheckpoint("its third line is not a head in base64")

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{head_text(self.head)}\n"

    @classmethod
    def parse(cls, text: str | bytes) -> "Checkpoint":
        """Read the three lines and nothing else. Raises ``BadCheckpoint``."""
        content = text.encode() if isinstance(text, str) else text
        if len(content) > MAX_BYTES:
            raise BadCheckpoint(f"it is larger than {MAX_BYTES:,} bytes")
        try:
            lines = content.decode().split("\n")
        except UnicodeDecodeError as error:
            raise BadCheckpoint("it is not UTF-8") from error
        if len(lines) != 4 or lines[3]:
            raise BadCheckpoint("it does not have three lines, each with its end")
        origin, size, head = lines[:3]
        if not _SIZE.fullmatch(size):
            raise BadCheckpoint("its second line is not a number of batches")
        return cls(origin, int(size), _decode(head))


def _decode(text: str) -> bytes:
    """The bytes of a head, from the one way there is to write them."""
    try:
        head = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        head = b""
    if head_text(head) != text:
        raise BadCheckpoint("its third line is not a head in base64")
    return head


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file. Raises ``AzlicError`` for a file that holds none or cannot be read."""
    try:
        return Checkpoint.parse(read_file(path, MAX_BYTES))
    except (BadCheckpoint, FileTooLarge) as error:
        reason = error.reason if isinstance(error, BadCheckpoint) else f"it is larger than {MAX_BYTES:,} bytes"
        raise AzlicError(
            f"{path} is not a checkpoint: {reason}", hint="give it all three lines that azlic checkpoint printed"
        ) from error


def take_checkpoint(connection: Connection, *, site: str, now: datetime) -> Checkpoint:
    """The ledger's checkpoint at this moment; ``connection`` may have to write its name (``origin_of``)."""
    name = origin_of(connection, site=site, now=now)
    BatchChain(connection, now=now).seal_changes(connection)
    size, head = newest_batch(connection)
    return Checkpoint(name, size, head)


def newest_batch(connection: Connection) -> tuple[int, bytes]:
    """The number of batches and the head after the last one."""
    query = select(BatchRow.sequence, BatchRow.head).order_by(BatchRow.sequence.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return (row.sequence, row.head) if row else (0, ORIGIN)


def read_origin(connection: Connection) -> str | None:
    """The ledger's name; None where it has none yet."""
    return connection.execute(select(OriginRow.name)).scalar()


def origin_of(connection: Connection, *, site: str, now: datetime) -> str:
    """The ledger's name: ``SITE/`` and a random number, given once, when it is first asked for.

    ``connection`` may have to write it then.
    """
    name = read_origin(connection)
    if name is None:
        where = re.sub(r"[^A-Za-z0-9._-]+", "-", site).strip("-")[:_SITE_LENGTH] or "site"
        name = f"{where}/{uuid.uuid4()}"
        connection.execute(insert(OriginRow).values(name=name, made_at=now))
    return name


_ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class Head:
    """The ledger as it is: its name, if it was given one, its batches, the digest behind the last of them."""

    origin: str | None
    batches: int
    digest: bytes
    taken_at: datetime | None

    @property
    def text(self) -> str:
        """The digest as it is written everywhere."""
        return head_text(self.digest)

    def checkpoint(self) -> str | None:
        """Three lines that identify the ledger's content; None while it has no name. Source: C2SP tlog-checkpoint."""
        if self.origin is None:
            return None
        return str(Checkpoint(self.origin, self.batches, self.digest))


def ledger_head(connection: Connection) -> Head:
    """The head of the ledger at present."""
    query = select(BatchRow.sequence, BatchRow.head, BatchRow.taken_at).order_by(BatchRow.sequence.desc()).limit(1)
    last = connection.execute(query).one_or_none()
    origin = connection.execute(select(OriginRow.name)).scalar()
    if last is None:
        return Head(origin, 0, ORIGIN, None)
    return Head(origin, last.sequence, bytes(last.head), moment_of(milliseconds(last.taken_at)))


def sign_checkpoint(head: Head, signer: Signer) -> str | None:
    """The checkpoint as a signed note, by the site's key; None while the ledger has no name.

    An empty line, then ``— name base64(4 bytes that hint at the key, 64 bytes of Ed25519)``. Source: C2SP signed-note.
    """
    text = head.checkpoint()
    if text is None or head.origin is None:
        return None
    name = head.origin.replace(" ", "-").replace("+", "-")
    public = bytes.fromhex(signer.public_key.to_dict()["keyval"]["public"])
    hint = hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]
    signature = bytes.fromhex(signer.sign(text.encode()).signature)
    return f"{text}\n— {name} {base64.b64encode(hint + signature).decode()}\n"
