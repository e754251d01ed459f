"""What a trust store holds: its keys, and what their issuers stated last."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from licensing.core.errors import AzlicError
from licensing.trust.keys import TrustedKey

if TYPE_CHECKING:
    from licensing.trust.revocations import RevocationList
    from licensing.trust.rotation import Rotation


class TrustedIssuer(NamedTuple):
    """What an issuer has stated last: about its keys, and about licenses that it took back.

    ``withdrawn`` are the ids of the keys that it once had and lists no more.
    """

    rotation: "Rotation | None" = None
    revocations: "RevocationList | None" = None
    withdrawn: frozenset[str] = frozenset()

    @property
    def last_stated_at(self) -> datetime | None:
        """When it stated anything last."""
        return max((said.issued_at for said in (self.rotation, self.revocations) if said), default=None)

    @property
    def rotation_number(self) -> int:
        """The newest rotation's version; 0 where there is none."""
        return self.rotation.version if self.rotation else 0

    @property
    def revocations_number(self) -> int:
        """The newest revocation list's number; 0 where there is none."""
        return self.revocations.number if self.revocations else 0

    def days_old(self, as_of: datetime) -> int | None:
        """For how many whole days it has stated nothing; None where it never has."""
        return None if self.last_stated_at is None else max((as_of - self.last_stated_at).days, 0)


class Held(NamedTuple):
    """What a trust store holds: its keys, and for each file that cannot be used the error that says so.

    ``issuers`` has an entry for each issuer of ``keys``. The keys of an issuer whose newest rotation has expired are
    among them: only a caller knows the time to compare it with. ``untrusted`` names for each issuer whose statements do
    not hold together the file that has to be fixed first.
    """

    keys: tuple[TrustedKey, ...]
    unusable: tuple[AzlicError, ...]
    issuers: Mapping[str, TrustedIssuer] = MappingProxyType({})
    untrusted: Mapping[str, Path] = MappingProxyType({})
