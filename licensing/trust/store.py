"""The trust store: the operator's own folder of public keys, what their issuers stated since, and nobody else's.

A ``.pem`` file is an anchor: a key that the operator put there by hand. Each anchor begins the chain of one issuer. An
issuer's statements lie beside it (``licensing.trust.chains``), and are checked anew, from the anchor on, at each load.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from securesystemslib.signer import Key

from licensing.errors import AzlicError, BadCall
from licensing.files import make_folder, write_whole
from licensing.keys import load_public_key, public_pem

if TYPE_CHECKING:
    from licensing.trust.revocations import RevocationList
    from licensing.trust.rotation import Rotation


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


class TrustedIssuer(NamedTuple):
    """What an issuer has stated last: about its keys, and about licenses that it took back.

    ``withdrawn`` are the ids of the keys that it once had and lists no more.
    """

    rotation: "Rotation | None" = None
    revocations: "RevocationList | None" = None
    withdrawn: frozenset[str] = frozenset()

    @property
    def said_at(self) -> datetime | None:
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
        return None if self.said_at is None else max((as_of - self.said_at).days, 0)


class Held(NamedTuple):
    """What a trust store holds: its keys, and for each file that cannot be used the error that says so.

    ``issuers`` has an entry for each issuer of ``keys``. The keys of an issuer whose newest rotation has expired are
    among them: only a caller knows the time to compare it with. ``untrusted`` names for each issuer whose statements do
    not hold together the file that has to be mended first.
    """

    keys: tuple[TrustedKey, ...]
    unusable: tuple[AzlicError, ...]
    issuers: Mapping[str, TrustedIssuer] = MappingProxyType({})
    untrusted: Mapping[str, Path] = MappingProxyType({})


class TrustStore(NamedTuple):
    """A folder of Ed25519 public keys, one ``.pem`` file each; a folder that is not there holds none."""

    folder: Path

    def held(self) -> Held:
        """The keys, in the order of their file names, and the files that cannot be used.

        Such a file can take trust away and never give it: one that is no key is passed over, and an issuer with a
        statement that does not verify has no keys, for nobody knows what it withdrew.
        Raises ``AzlicError`` when the folder itself cannot be listed, or is none.
        """
        files = self.files()
        return _held(*self.anchors(files), files)

    def anchors(self, files: list[Path]) -> tuple[tuple[TrustedKey, ...], tuple[AzlicError, ...]]:
        """The keys that were put there by hand, and an error for each ``.pem`` file that is none."""
        keys, unusable = [], []
        for path in files:
            if path.suffix == ".pem":
                try:
                    key = load_public_key(path)
                    keys.append(TrustedKey(path, key, key.keyid))
                except AzlicError as error:
                    unusable.append(AzlicError(error.message, hint=_mend(path, error)))
        return tuple(keys), tuple(unusable)

    def files(self) -> list[Path]:
        """Every file of the store, in the order of the names."""
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise AzlicError(
                    f"the trust store {self.folder} is not a folder",
                    hint="name a folder of public keys with --trust; azlic trust add ISSUER.pem puts one there",
                )
            return sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        except OSError as error:
            raise AzlicError(
                f"the trust store {self.folder} cannot be read by user {os.geteuid()}: {error.strerror}",
                hint=f"run as a user who may read it, or, since it holds no secret: chmod -R a+rX {self.folder}",
            ) from error

    def add(self, source: Path) -> TrustedKey:
        """Take a public key into the store; a key that is there already stays as it is.

        Raises ``BadCall`` when another key has the same file name, ``AzlicError`` when its issuer has withdrawn it.
        """
        key = load_public_key(source)
        files = self.files()
        anchors, unusable = self.anchors(files)
        for known in _held(anchors, unusable, files).keys + anchors:
            if known.key_id == key.keyid:
                return known
        target = self.folder / source.with_suffix(".pem").name
        if target.exists():
            raise BadCall(
                f"the trust store already holds another key as {target.name}",
                hint="rename the new file, so that both can be told apart",
            )
        added = TrustedKey(target, key, key.keyid)
        if added not in (then := _held((*anchors, added), (), files)).keys:
            raise then.unusable[-1]
        make_folder(self.folder, "the trust store", "--trust", mode=0o755)
        write_whole(target, public_pem(key), mode=0o644)
        return added


def _mend(path: Path, error: AzlicError) -> str:
    if isinstance(error.__cause__, PermissionError):
        return f"run as a user who may read it, or, since it holds no secret: chmod a+r {path}"
    return f"remove {path} from the trust store, or put the right public key in its place"


def _held(anchors: tuple[TrustedKey, ...], unusable: tuple[AzlicError, ...], files: list[Path]) -> Held:
    statements = [path for path in files if path.suffix == ".json"]
    if not statements:
        return Held(anchors, unusable, {known.issuer: TrustedIssuer() for known in anchors})
    from licensing.trust.chains import held_with  # noqa: PLC0415 - most stores need none of it, and verify starts often

    return held_with(anchors, unusable, statements)
