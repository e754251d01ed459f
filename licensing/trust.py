"""The trust store: the operator's own folder of public keys, and nobody else's."""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from securesystemslib.signer import Key

from licensing.errors import AzlicError, BadCall
from licensing.files import make_folder, write_whole
from licensing.keys import load_public_key, public_pem


class TrustedKey(NamedTuple):
    """A public key the operator has put into the trust store, and the file it came from."""

    path: Path
    key: Key
    issuer: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None

    def covers(self, instant: datetime) -> bool:
        return (self.not_before is None or self.not_before <= instant) and (
            self.not_after is None or instant < self.not_after
        )

    @property
    def key_id(self) -> str:
        """The key's fingerprint: SHA-256, in hex."""
        return str(self.key.keyid)


class Held(NamedTuple):
    """What a trust store holds: its keys, and for each ``.pem`` file that is none the error that says so."""

    keys: tuple[TrustedKey, ...]
    unusable: tuple[AzlicError, ...]
    issuers: Mapping[str, Any] = MappingProxyType({})


class TrustStore(NamedTuple):
    """A folder of Ed25519 public keys, one ``.pem`` file each; a folder that is not there holds none."""

    folder: Path

    def held(self) -> Held:
        """The keys, in the order of their file names, and the files that are none.

        A file that is no key can take trust away and never give it, so it is for the caller to decide without it.
        Raises ``AzlicError`` when the folder itself cannot be listed, or is none.
        """
        keys, unusable = [], []
        for path in self._files():
            try:
                keys.append(TrustedKey(path, load_public_key(path)))
            except AzlicError as error:
                hint = f"remove {path} from the trust store, or put the right public key in its place"
                unusable.append(AzlicError(error.message, hint=hint))
        return Held(tuple(keys), tuple(unusable))

    def _files(self) -> list[Path]:
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise AzlicError(
                    f"the trust store {self.folder} is not a folder",
                    hint="name a folder of public keys with --trust; azlic trust add ISSUER.pem puts one there",
                )
            names = self.folder.iterdir() if self.folder.is_dir() else []
            return sorted(path for path in names if path.suffix == ".pem")
        except OSError as error:
            raise AzlicError(
                f"the trust store {self.folder} cannot be read by user {os.geteuid()}: {error.strerror}",
                hint=f"run as a user who may read it, or, since it holds no secret: chmod -R a+rX {self.folder}",
            ) from error

    def add(self, source: Path) -> TrustedKey:
        """Take a public key into the store; a key that is there already stays as it is.

        Raises ``BadCall`` when another key has the same file name.
        """
        key = load_public_key(source)
        for known in self.held().keys:
            if known.key_id == key.keyid:
                return known
        target = self.folder / source.with_suffix(".pem").name
        if target.exists():
            raise BadCall(
                f"the trust store already holds another key as {target.name}",
                hint="rename the new file, so that both can be told apart",
            )
        make_folder(self.folder, "the trust store", "--trust", mode=0o755)
        write_whole(target, public_pem(key), mode=0o644)
        return TrustedKey(target, key)
