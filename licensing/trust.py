"""The trust store: the operator's own folder of public keys, and nobody else's."""

from pathlib import Path
from typing import NamedTuple

from securesystemslib.signer import Key

from licensing.errors import AzlicError, BadCall
from licensing.files import write_whole
from licensing.keys import load_public_key, public_pem


class TrustedKey(NamedTuple):
    """A public key the operator has put into the trust store, and the file it came from."""

    path: Path
    key: Key

    @property
    def key_id(self) -> str:
        """The key's fingerprint: SHA-256, in hex."""
        return str(self.key.keyid)


class TrustStore(NamedTuple):
    """A folder of Ed25519 public keys, one ``.pem`` file each; a folder that is not there holds none."""

    folder: Path

    def keys(self) -> list[TrustedKey]:
        """All keys, in the order of their file names.

        Raises ``AzlicError`` naming the file when one of them is no public key or cannot be read: a store that is
        half readable would turn a broken file into a license that nobody trusts.
        """
        try:
            names = self.folder.iterdir() if self.folder.is_dir() else []
            paths = sorted(path for path in names if path.suffix == ".pem")
        except OSError as error:
            raise AzlicError(
                f"the trust store {self.folder} cannot be read: {error.strerror}",
                hint="run as a user who may read it",
            ) from error
        return [TrustedKey(path, load_public_key(path)) for path in paths]

    def add(self, source: Path) -> TrustedKey:
        """Take a public key into the store; a key that is there already stays as it is.

        Raises ``BadCall`` when another key has the same file name.
        """
        key = load_public_key(source)
        for known in self.keys():
            if known.key_id == key.keyid:
                return known
        target = self.folder / source.with_suffix(".pem").name
        if target.exists():
            raise BadCall(
                f"the trust store already holds another key as {target.name}",
                hint="rename the new file, so that both can be told apart",
            )
        self._make_folder()
        write_whole(target, public_pem(key), mode=0o644)
        return TrustedKey(target, key)

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        except OSError as error:
            raise AzlicError(
                f"the trust store {self.folder} cannot be made: {error.strerror}",
                hint="run as a user who may write there, or choose another with --trust",
            ) from error
