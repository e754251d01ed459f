"""The head of the ledger: how many batches it holds, and the digest that binds all of them; signed, where it can be."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.signer import Signer
from sqlalchemy import Connection, select

from usage.batches import ORIGIN
from usage.checkpoint import Checkpoint
from usage.export_tables import Origin
from usage.tables import Batch

_ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class Head:
    """The ledger as it stands: its name, if it was given one, its batches, the digest behind the last of them."""

    origin: str | None
    batches: int
    digest: bytes
    taken_at: datetime | None

    def checkpoint(self) -> str | None:
        """The three lines that stand for the ledger; None while it has no name. Source: C2SP tlog-checkpoint."""
        if self.origin is None:
            return None
        return str(Checkpoint(self.origin, self.batches, self.digest))


def ledger_head(connection: Connection) -> Head:
    """The head of the ledger as it stands."""
    query = select(Batch.sequence, Batch.head, Batch.taken_at).order_by(Batch.sequence.desc()).limit(1)
    last = connection.execute(query).one_or_none()
    origin = connection.execute(select(Origin.name)).scalar()
    if last is None:
        return Head(origin, 0, ORIGIN, None)
    return Head(origin, last.sequence, bytes(last.head), last.taken_at)


def signed_checkpoint(head: Head, signer: Signer) -> str | None:
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
