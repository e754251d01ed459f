"""The issuer's signing key: a folder with its private half and the public half that operators get."""

from pathlib import Path

from securesystemslib.signer import Signer, SSlibKey

from licensing.files import make_folder
from licensing.keys import create_key_pair, load_signer

PRIVATE, PUBLIC = "issuer-key.pem", "issuer.pem"


def create_issuer_keys(folder: Path) -> SSlibKey:
    """Make the issuer's first key pair. Raises ``AzlicError`` when there is one already."""
    make_folder(folder, "the signing key folder", "--keys", mode=0o700)
    return create_key_pair(folder / PRIVATE, folder / PUBLIC)


def issuer_signer(folder: Path) -> Signer:
    """The key that signs now. Raises ``AzlicError`` when it is missing, not ours to read, or readable by others."""
    return load_signer(folder / PRIVATE, folder / PUBLIC)
