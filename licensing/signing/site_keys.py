"""A site's own signing key: with it a site signs what it hands over, such as a request for a license."""

from pathlib import Path

from securesystemslib.signer import Signer, SSlibKey

from licensing.core.errors import AzlicError
from licensing.core.files import make_folder
from licensing.core.folder_lock import holding_folder
from licensing.signing.keys import create_key_pair, load_signer

PRIVATE, PUBLIC = "site-key.pem", "site.pem"
_MADE_BY = "azlic site init"


def create_site_keys(folder: Path) -> SSlibKey:
    """Make the site's key pair. Raises ``AzlicError`` when there is one already."""
    make_folder(folder, "the site's key folder", "--keys", mode=0o700)
    with holding_folder(folder):
        return create_key_pair(folder / PRIVATE, folder / PUBLIC)


def site_signer(folder: Path) -> Signer:
    """The key this site signs with. Raises ``AzlicError`` when it is missing, not ours to read, or open to others."""
    if not folder.exists():
        raise AzlicError(f"this site has no key in {folder}", hint=f"make one with {_MADE_BY}, or name its folder")
    return load_signer(folder / PRIVATE, folder / PUBLIC, made_by=_MADE_BY)
