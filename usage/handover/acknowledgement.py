"""The acknowledgement: head office's signed word on which export of a site it booked, up to which head.

The site keeps it. From then on its ledger has a witness elsewhere: one that was rolled back, copied or rewritten no
longer agrees with what head office has signed.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import Key, Signer
from sqlalchemy import Connection, Engine, func, select, update

from licensing.core.files import FileTooLarge, read_file
from licensing.core.instants import from_milliseconds, milliseconds
from licensing.db.database import writing
from licensing.db.lock import holding
from licensing.db.schema import row_of
from licensing.history.remember import advance
from licensing.signing.document import BadDocument, Count, Instant, Label, StrictModel, parse_document
from licensing.signing.envelope import (
    MAX_ENVELOPE_BYTES,
    MalformedEnvelope,
    UntrustedEnvelope,
    VerifiedPayload,
    parse_envelope,
    seal,
)
from licensing.verdict.seen import WitnessKind
from usage.handover.contents import head_at
from usage.handover.errors import HandoverRefused
from usage.handover.manifest import Digest, Manifest
from usage.ledger.checkpoints import Checkpoint, head_text
from usage.ledger.tables.handover import ExportRow, OriginRow

ACKNOWLEDGEMENT_TYPE = "application/vnd.azlic.acknowledgement.v1+json"


class Acknowledgement(StrictModel):
    """Which export of which ledger was booked, up to which batch and head; ``export`` is its payload's digest."""

    site: Label
    origin: Label
    number: Count
    export: Digest
    size: Count
    head: Digest
    accepted_at: Instant

    @classmethod
    def of(cls, manifest: Manifest, digest: bytes, accepted_at: datetime) -> "Acknowledgement":
        """The acknowledgement of an export; the same one each time it is asked for."""
        return cls(
            site=manifest.site,
            origin=manifest.origin,
            number=manifest.number,
            export=digest.hex(),
            size=manifest.last_batch,
            head=manifest.head,
            accepted_at=from_milliseconds(milliseconds(accepted_at)),
        )

    @property
    def checkpoint(self) -> Checkpoint:
        """How far the ledger had come that was booked."""
        return Checkpoint(self.origin, self.size, bytes.fromhex(self.head))

    def sign(self, signer: Signer) -> bytes:
        """The file for the site."""
        return seal(self.model_dump_json().encode(), ACKNOWLEDGEMENT_TYPE, signer)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An acknowledgement that was taken; ``again`` says that it had been taken before."""

    acknowledgement: Acknowledgement
    key_id: str
    again: bool


def acknowledge(engine: Engine, path: Path, *, key: Key, now: datetime) -> Acknowledged:
    """Take head office's acknowledgement of an export; those before it are acknowledged with it.

    1. head office's key, which was put here by hand, has signed it
    2. it is of this ledger, and of an export that was made here
    3. this ledger still has the acknowledged head at that size
    4. none of a later export was taken before: an old one that is replayed proves nothing

    Raises ``Refused`` where one of these is not so, ``AzlicError`` where the file or the ledger cannot be used.
    """
    acknowledgement = _read_signed(path, key)  # 1
    with holding(engine), writing(engine) as connection:
        row = _export(connection, path, acknowledgement)  # 2
        _check_head(connection, path, acknowledgement)  # 3
        again = row.acknowledged_at is not None
        _check_newest(connection, path, acknowledgement)  # 4
        open_ones = update(ExportRow).where(ExportRow.number <= row.number, ExportRow.acknowledged_at.is_(None))
        connection.execute(open_ones.values(acknowledged_at=now, acknowledged_by=key.keyid))
        advance(connection, WitnessKind.EVALUATION, now, "acknowledge")
    return Acknowledged(acknowledgement, key.keyid, again)


def _read_signed(path: Path, key: Key) -> Acknowledgement:
    try:
        envelope = parse_envelope(read_file(path, MAX_ENVELOPE_BYTES, "the acknowledgement"))
        if envelope.payload_type != ACKNOWLEDGEMENT_TYPE:
            raise _refusal(path, f"it is a signed document of another type: {envelope.payload_type[:80]!r}")
        return parse_document(VerifiedPayload(envelope, [key]).content, Acknowledgement)
    except UntrustedEnvelope as error:
        raise _refusal(path, f"head office's key {key.keyid[:16]} has not signed it") from error
    except (FileTooLarge, MalformedEnvelope, BadDocument) as error:
        raise _refusal(path, str(error)) from error


def _export(connection: Connection, path: Path, acknowledgement: Acknowledgement) -> ExportRow:
    origin = connection.execute(select(OriginRow.name)).scalar()
    if acknowledgement.origin != origin:
        raise _refusal(path, f"it is of the ledger {acknowledgement.origin}, and this one is {origin}")
    row = row_of(connection, ExportRow, ExportRow.number == acknowledgement.number)
    if row is None or row.digest.hex() != acknowledgement.export:
        raise _refusal(
            path,
            f"this ledger never made export {acknowledgement.number}, which it names: it was rolled back, or is a copy",
        )
    return row


def _check_head(connection: Connection, path: Path, acknowledgement: Acknowledgement) -> None:
    head = head_at(connection, acknowledgement.size)
    if head is None or head.hex() != acknowledgement.head:
        has = "ends before it" if head is None else f"has {head_text(head)} there"
        raise _refusal(
            path,
            f"head office has seen batch {acknowledgement.size} with head {acknowledgement.head[:16]}, and this ledger"
            f" {has}: it was rolled back or changed",
        )


def _check_newest(connection: Connection, path: Path, acknowledgement: Acknowledgement) -> None:
    taken = select(func.max(ExportRow.number)).where(ExportRow.acknowledged_at.is_not(None))
    newest = connection.execute(taken).scalar() or 0
    if acknowledgement.number < newest:
        raise _refusal(
            path,
            f"it is of export {acknowledgement.number}, but that of export {newest} was already taken: it is outdated",
        )


def _refusal(path: Path, reason: str) -> HandoverRefused:
    return HandoverRefused(f"{path}: {reason}", hint="ask head office for the acknowledgement of the newest export")
