"""A trusted key: a public key, where it came from, and when it was in force."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from securesystemslib.signer import Key

if TYPE_CHECKING:
    pass


class TrustedKey(NamedTuple):
    """A public key that the operator trusts, the file it came from, and the key id of the anchor it goes back to.

    It is trusted for what was issued from ``not_before`` up to, not including, ``not_after``; None is no limit.
    """

    path: Path
    key: Key
    issuer: str
    not_before: datetime | None = None
    not_after: datetime | None = None

    @property
    def key_id(self) -> str:
        """The key's fingerprint: SHA-256, in hex."""
        return str(self.key.keyid)

    def covers(self, instant: datetime) -> bool:
        """Whether the key was in force at an instant."""
        return (self.not_before is None or self.not_before <= instant) and (
            self.not_after is None or instant < self.not_after
        )
