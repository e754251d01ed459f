"""Statements: what an issuer signs about its own keys, licenses and clocks. Each kind is opened in the same steps.

1. size       it is no larger than its kind may be, before anything is decoded
2. envelope   it is a DSSE envelope in strict JSON
3. type       the envelope says that it holds this kind of statement, and no other document
4. signature  a key of the issuer has signed the bytes as received
5. document   the signed bytes are a statement that this version understands to the last field
6. window     a key that signed it was in force when it was issued

The keys come from the operator's trust store, never from beside the statement.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, TypeVar

from pydantic import StringConstraints
from securesystemslib.dsse import Envelope

from licensing.core.errors import AzlicError
from licensing.core.instants import iso
from licensing.core.validation_messages import shorten_key_ids
from licensing.signing.document import BadDocument, Instant, StrictModel, parse_document
from licensing.signing.envelope import (
    MAX_ENVELOPE_BYTES,
    MalformedEnvelope,
    UntrustedEnvelope,
    VerifiedPayload,
    parse_envelope,
)
from licensing.trust.keys import TrustedKey

KeyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A key's fingerprint: SHA-256, in hex."""
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class BadStatement(ValueError):
    """Bytes that are not the statement they were taken for; the text says why not."""


class RefusedStatement(AzlicError):
    """A statement is not trusted, or not taken. Exit status 1: it is a "no"."""

    exit_status = 1


class Statement(StrictModel):
    """What every statement has: its kind, the size it may have, and when it was issued."""

    payload_type: ClassVar[str]
    limit: ClassVar[int] = MAX_ENVELOPE_BYTES

    issued_at: Instant

    def to_bytes(self) -> bytes:
        """The payload that gets signed: UTF-8 JSON; what is not stated stays out."""
        return self.model_dump_json(exclude_none=True).encode()


S = TypeVar("S", bound=Statement)


def outer_form(content: bytes, kind: type[Statement]) -> Envelope:
    """Steps 1 to 3. Raises ``BadStatement``."""
    try:
        envelope = parse_envelope(content, limit=kind.limit)
    except MalformedEnvelope as error:
        raise BadStatement(str(error)) from error
    if envelope.payload_type != kind.payload_type:
        raise BadStatement(f"it is a signed document of another type: {envelope.payload_type[:80]!r}")
    return envelope


def open_statement(envelope: Envelope, kind: type[S], keys: Sequence[TrustedKey]) -> S:
    """Steps 4 to 6, for an envelope of this kind. Raises ``BadStatement``."""
    try:
        payload = VerifiedPayload(envelope, [known.key for known in keys])
    except UntrustedEnvelope as error:
        names = shorten_key_ids(envelope.signatures)
        raise BadStatement(f"it is not signed by any key that may sign it; it names {names}") from error
    try:
        statement = parse_document(payload.content, kind)
    except BadDocument as error:
        raise BadStatement(str(error)) from error
    try:
        VerifiedPayload(envelope, [known.key for known in keys if known.covers(statement.issued_at)])
    except UntrustedEnvelope as error:
        raise BadStatement(
            f"it was issued at {iso(statement.issued_at)}, when the key that signed it was not in force"
        ) from error
    return statement
