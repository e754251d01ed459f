"""Installing a license that has arrived, over the network or on a stick: whole and checked, or not at all."""

import contextlib
import os
from datetime import datetime
from pathlib import Path

from licensing.envelope import MAX_ENVELOPE_BYTES
from licensing.errors import AzlicError, NoGoodLicense
from licensing.files import FileTooLarge, read_capped, write_whole
from licensing.mount import LICENSE_NAME
from licensing.trust import TrustStore
from licensing.verdict import RUNNING, Cause, Status, Verdict
from licensing.verification import verify

_INSTALLABLE = RUNNING | {Status.NOT_YET_VALID}
"""What may be installed: a license that begins later is fetched ahead of time."""


def check_folder(folder: Path) -> None:
    """Raises ``AzlicError`` where there is no license folder to install into."""
    try:
        if folder.is_dir():
            return
        if folder.exists():
            raise AzlicError(
                f"the license folder {folder} is no folder", hint="name the folder that license.dat goes into"
            )
    except OSError as error:
        raise AzlicError(
            f"the license folder {folder} cannot be used: {error.strerror}", hint="check the path and who may enter it"
        ) from error
    raise AzlicError(f"there is no license folder {folder}", hint=f"mkdir -p {folder}")


def read_arrived(path: Path) -> bytes:
    """The bytes of a license that was carried in.

    Raises ``AzlicError`` where it cannot be read, and ``NoGoodLicense`` where it is larger than any license.
    """
    try:
        return read_capped(path, MAX_ENVELOPE_BYTES)
    except FileTooLarge as error:
        raise NoGoodLicense(f"{error}, and no license is", hint="copy the file again from the issuer") from error
    except OSError as error:
        raise AzlicError(
            f"the license {path} cannot be read: {error.strerror or error}", hint="check the path and who may read it"
        ) from error


def install_license(
    content: bytes, folder: Path, *, container: str, version: str, trust: TrustStore, as_of: datetime
) -> Verdict:
    """Verify the bytes where they will lie, under another name, and put them in place only if they are good.

    Raises ``NoGoodLicense`` where they are not, and ``AzlicError`` where the folder cannot take them; the license that
    was there before is then unchanged.
    """
    check_folder(folder)
    arrived = folder / f".{LICENSE_NAME}.{os.urandom(4).hex()}.arrived"  # of two who install, each checks its own
    try:
        write_whole(arrived, content)
        verdict = verify(arrived, trust=trust, as_of=as_of, container=container, version=version)
        if verdict.status not in _INSTALLABLE:
            raise NoGoodLicense(
                f"the license that came is {verdict.status} and was not installed:"
                f" {verdict.detail.replace(str(arrived), 'it')}",
                hint="azlic trust add ISSUER.pem, if the issuer's key is right and only missing"
                if verdict.cause is Cause.UNKNOWN_KEY
                else "tell the issuer; the license that was here before is unchanged",
            )
        write_whole(folder / LICENSE_NAME, content)
    finally:
        with contextlib.suppress(OSError):
            arrived.unlink(missing_ok=True)
    return verify(folder, trust=trust, as_of=as_of, container=container, version=version)
