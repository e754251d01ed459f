"""The revocation list: which licenses an issuer has revoked, numbered, and with a freshness of its own."""

from datetime import datetime
from typing import ClassVar, Self

from pydantic import model_validator

from licensing.signing.document import Count, Instant, Label, StrictModel
from licensing.trust.statement import KeyId, Statement, Uuid

MAX_REVOCATIONS_BYTES = 1024 * 1024
"""How large a signed list may be, which is room for some 4,000 licenses."""


class RevokedLicense(StrictModel):
    """A revoked license: up to and with a serial, or every serial where none is named."""

    license_id: Uuid
    up_to_serial: Count | None = None
    reason: Label
    revoked_at: Instant

    def covers(self, license_id: str, serial: int) -> bool:
        """Whether it takes this license back."""
        return license_id == self.license_id and (self.up_to_serial is None or serial <= self.up_to_serial)


class RevocationList(Statement):
    """Every revoked license of an issuer; a list with a higher ``number`` replaces it.

    The next list is due at ``next_update``: what is revoked stays so, but there may be more by then.
    """

    payload_type: ClassVar[str] = "application/vnd.azlic.revocations.v1+json"
    limit: ClassVar[int] = MAX_REVOCATIONS_BYTES

    issuer: KeyId
    number: Count
    next_update: Instant
    licenses: tuple[RevokedLicense, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.issued_at >= self.next_update:
            raise ValueError("the next list is due before this one was issued")
        return self

    def revoking(self, license_id: str, serial: int) -> RevokedLicense | None:
        """The entry that takes this license back, if there is one."""
        return next((entry for entry in self.licenses if entry.covers(license_id, serial)), None)

    def stale(self, as_of: datetime) -> bool:
        """Whether a newer list is due."""
        return as_of > self.next_update
