"""The trust store: the operator's own folder of public keys, what their issuers stated since, and nobody else's.

A ``.pem`` file is an anchor: a key that the operator put there by hand. Each anchor begins the chain of one issuer. An
issuer's statements are beside it (``licensing.trust.chains``), and are checked again, from the anchor on, at each load.
"""

import os
from pathlib import Path
from typing import NamedTuple

from securesystemslib.signer import SSlibKey

from licensing.core.errors import AzlicError, BadCall
from licensing.core.files import make_folder, write_whole
from licensing.core.folder_lock import holding_folder
from licensing.core.text import command_word
from licensing.signing.keys import load_public_key, public_pem
from licensing.trust.held import Held, TrustedIssuer
from licensing.trust.keys import TrustedKey
from licensing.trust.staging import finish, list_files


class TrustStore(NamedTuple):
    """A folder of Ed25519 public keys, one ``.pem`` file each; a folder that is not there holds none."""

    folder: Path

    def load(self) -> Held:
        """The keys, in the order of their file names, and the files that cannot be used.

        Such a file can take trust away and never give it: one that is not a key is skipped, and an issuer with a
        statement that does not verify has no keys, for nobody knows what it withdrew.
        Raises ``AzlicError`` when the folder itself cannot be listed, or is none.
        """
        while True:
            files = self.files()
            before = _identities(files)
            held = _hold(*self.anchors(files), files)
            if _identities(self.files()) == before:  # else an update came in between, and half of it was read
                return held

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
            return list_files(self.folder) if self.folder.is_dir() else []
        except OSError as error:
            raise AzlicError(
                f"the trust store {self.folder} cannot be read by user {os.geteuid()}: {error.strerror}",
                hint="run as a user who may read it, or, since it holds no secret:"
                f" chmod -R a+rX {command_word(str(self.folder))}",
            ) from error

    def add(self, source: Path) -> TrustedKey:
        """Take a public key into the store; a key that is there already stays as it is.

        Raises ``BadCall`` when another key has the same file name, ``AzlicError`` when its issuer has withdrawn it.
        """
        key = load_public_key(source)
        make_folder(self.folder, "the trust store", "--trust", mode=0o755)
        with holding_folder(self.folder):
            finish(self.folder)
            return self._add(source, key)

    def _add(self, source: Path, key: SSlibKey) -> TrustedKey:
        files = self.files()
        anchors, unusable = self.anchors(files)
        for known in _hold(anchors, unusable, files).keys + anchors:
            if known.key_id == key.keyid:
                return known
        target = self.folder / source.with_suffix(".pem").name
        if target.exists():
            raise BadCall(
                f"the trust store already holds another key as {target.name}",
                hint="rename the new file, so that both can be told apart",
            )
        added = TrustedKey(target, key, key.keyid)
        if added not in (then := _hold((*anchors, added), (), files)).keys:
            raise then.unusable[-1]
        write_whole(target, public_pem(key), mode=0o644)
        return added


def _identities(files: list[Path]) -> list[tuple[str, int, int] | None]:
    return [_identity(path) for path in files]


def _identity(path: Path) -> tuple[str, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_ino, found.st_mtime_ns


def _mend(path: Path, error: AzlicError) -> str:
    if isinstance(error.__cause__, PermissionError):
        return f"run as a user who may read it, or, since it holds no secret: chmod a+r {command_word(str(path))}"
    return f"remove {path} from the trust store, or put the right public key in its place"


def _hold(anchors: tuple[TrustedKey, ...], unusable: tuple[AzlicError, ...], files: list[Path]) -> Held:
    statements = [path for path in files if path.suffix == ".json"]
    if not statements:
        return Held(anchors, unusable, {known.issuer: TrustedIssuer() for known in anchors})
    from licensing.trust.chains import hold_chains  # noqa: PLC0415 - most stores need none of it, and verify starts often

    return hold_chains(anchors, unusable, statements)
