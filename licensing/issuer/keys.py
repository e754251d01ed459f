"""The issuer's signing keys: a folder with the first key, and with each rotation's key and document.

``issuer-key.pem`` and ``issuer.pem`` are the first key's halves; operators get the public one, and it stays the anchor
of the chain. ``rotation-N.json`` is rotation N, and ``issuer-key-N.pem`` with ``issuer-N.pem`` the key that it brought
in. The newest document says which key signs: until it is there, whole, a new key is not used, and is made again.
"""

from itertools import count, takewhile
from pathlib import Path

from securesystemslib.signer import Signer, SSlibKey

from licensing.core.errors import AzlicError
from licensing.core.files import make_folder
from licensing.core.folder_lock import holding_folder
from licensing.signing.keys import create_key_pair, load_public_key, load_signer

PRIVATE, PUBLIC = "issuer-key.pem", "issuer.pem"


def create_issuer_keys(folder: Path) -> SSlibKey:
    """Make the issuer's first key pair. Raises ``AzlicError`` when there is one already."""
    make_folder(folder, "the signing key folder", "--keys", mode=0o700)
    with holding_folder(folder):
        return create_key_pair(folder / PRIVATE, folder / PUBLIC)


def issuer_signer(folder: Path) -> Signer:
    """The key that signs now. Raises ``AzlicError`` when it is missing, not ours to read, or readable by others."""
    check_key_folder(folder)
    return load_signer(*halves(folder, len(rotation_documents(folder))))


def issuer_id(folder: Path) -> str:
    """The key id of the first key, which names the issuer for good."""
    check_key_folder(folder)
    return load_public_key(folder / PUBLIC).keyid


def check_key_folder(folder: Path) -> None:
    """Raise ``AzlicError`` for a folder that does not hold an issuer's first key."""
    try:
        (folder / PUBLIC).stat()
    except OSError as error:
        raise AzlicError(
            f"the issuer's public key {folder / PUBLIC} cannot be read: {error.strerror}",
            hint="name the issuer's key folder with --keys or AZLIC_ISSUER_KEYS; azlic issuer init makes one",
        ) from error


def rotation_document(folder: Path, version: int) -> Path:
    """Where a rotation document of this issuer is kept."""
    return folder / f"rotation-{version}.json"


def rotation_documents(folder: Path) -> list[Path]:
    """Every rotation document of this issuer, the oldest first: what an operator's trust store needs all of."""
    return list(takewhile(Path.exists, (rotation_document(folder, version) for version in count(1))))


def halves(folder: Path, version: int) -> tuple[Path, Path]:
    """The private and the public half of the key that a rotation brought in; the first key's for version 0."""
    if version == 0:
        return folder / PRIVATE, folder / PUBLIC
    return folder / f"issuer-key-{version}.pem", folder / f"issuer-{version}.pem"
