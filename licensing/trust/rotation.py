"""Rotation: how an issuer brings in a new key, and how it withdraws an old one.

A chain begins at an anchor, the public key that the operator put into the trust store. Each rotation document lists
every key that is trusted from then on. Document N + 1 follows document N (the anchor alone, for N = 0) when:

1. a key of version N that stays has signed it; one that was given an end beside a key that outlasts it may not
2. it is of the same issuer, and its version is N + 1
3. it was not issued before the one that it follows
4. every key that it brings in has signed it too, which proves that somebody holds it

Rule 1 keeps a retired key from bringing in others, whatever date its thief writes. That a document between has expired
does not matter; whether the last one has is for the caller to ask, who knows the time.
Source: TUF specification, section 5.3, on root metadata.
"""

import base64
import binascii
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator
from securesystemslib.dsse import Envelope
from securesystemslib.signer import Key, SSlibKey

from licensing.signing.document import Count, Instant, Label, StrictModel
from licensing.signing.envelope import UntrustedEnvelope, VerifiedPayload
from licensing.signing.keys import public_key_from, raw_public_key
from licensing.trust.keys import TrustedKey
from licensing.trust.statement import BadStatement, KeyId, Statement, open_statement

MAX_KEYS = 64
MAX_VERSIONS = 256


def _is_public_key(text: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a public key is not base64") from error
    if len(raw) != 32 or base64.b64encode(raw).decode() != text:
        raise ValueError("a public key is not 32 bytes long, in base64")
    return text


class RotationKey(StrictModel):
    """A key and the window in which it may sign: from ``not_before`` up to, not including, ``not_after``."""

    public_key: Annotated[str, AfterValidator(_is_public_key)]
    not_before: Instant | None = None
    not_after: Instant | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.not_before and self.not_after and self.not_before >= self.not_after:
            raise ValueError("the key's window ends before it begins")
        return self

    @classmethod
    def of(cls, key: Key, not_before: datetime | None, not_after: datetime | None) -> Self:
        """The entry for a key."""
        text = base64.b64encode(raw_public_key(key)).decode()
        return cls(public_key=text, not_before=not_before, not_after=not_after)

    @property
    def key(self) -> SSlibKey:
        """The key itself."""
        return public_key_from(base64.b64decode(self.public_key))


class Rotation(Statement):
    """The keys of an issuer from one version on; ``issuer`` is the key id of the anchor that its chain begins at.

    A key that the newest version does not list is withdrawn. From ``expires_at`` on (exclusive, like a license's), no
    key of the chain is trusted any more, unless another document has followed.
    """

    payload_type: ClassVar[str] = "application/vnd.azlic.rotation.v1+json"

    issuer: KeyId
    version: Annotated[Count, Field(le=MAX_VERSIONS)]
    expires_at: Instant
    keys: Annotated[tuple[RotationKey, ...], Field(min_length=1, max_length=MAX_KEYS)]
    reason: Label

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.issued_at >= self.expires_at:
            raise ValueError("the rotation expires before it was issued")
        if len({entry.public_key for entry in self.keys}) != len(self.keys):
            raise ValueError("it lists a key twice")
        return self

    def is_expired(self, as_of: datetime) -> bool:
        """Whether its keys are no longer to be used, unless another document follows it."""
        return as_of >= self.expires_at


class KeyChain(NamedTuple):
    """An issuer's keys as far as its rotation documents were followed.

    ``keys`` are those of the newest version, ``introduced`` the ids of all that any version has listed.
    """

    issuer: str
    keys: tuple[TrustedKey, ...]
    rotation: Rotation | None = None
    introduced: frozenset[str] = frozenset()

    @property
    def version(self) -> int:
        """The newest rotation's version; 0 where there is only the anchor."""
        return self.rotation.version if self.rotation else 0

    @property
    def withdrawn(self) -> frozenset[str]:
        """The ids of the keys that it once had and lists no more."""
        return (self.introduced | {self.issuer}) - {known.key_id for known in self.keys}

    @property
    def staying(self) -> tuple[TrustedKey, ...]:
        """The keys that may sign the next rotation: those without an end, or else those whose end is the last."""
        if endless := tuple(known for known in self.keys if known.not_after is None):
            return endless
        last = max(known.not_after for known in self.keys if known.not_after)
        return tuple(known for known in self.keys if known.not_after == last)

    def follow(self, envelope: Envelope, path: Path) -> "KeyChain":
        """The chain after one more rotation document, which is at ``path``. Raises ``BadStatement``."""
        rotation = open_statement(envelope, Rotation, self.staying)
        if rotation.issuer != self.issuer:
            raise BadStatement(f"it is of another issuer, {rotation.issuer[:12]}")
        if rotation.version != self.version + 1:
            raise BadStatement(f"it is rotation {rotation.version}, but rotation {self.version + 1} comes next")
        if self.rotation and rotation.issued_at < self.rotation.issued_at:
            raise BadStatement("it was issued before the rotation that it follows")
        keys = tuple(
            TrustedKey(path, entry.key, self.issuer, entry.not_before, entry.not_after) for entry in rotation.keys
        )
        self._require_possession(envelope, keys)
        return KeyChain(self.issuer, keys, rotation, self.introduced | {known.key_id for known in keys})

    def _require_possession(self, envelope: Envelope, keys: tuple[TrustedKey, ...]) -> None:
        before = {known.key_id for known in self.keys}
        for known in keys:
            if known.key_id not in before:
                try:
                    VerifiedPayload(envelope, [known.key])
                except UntrustedEnvelope as error:
                    raise BadStatement(f"it is not signed by key {known.key_id[:12]}, which it introduces") from error
