"""Installing a license that has arrived, over the network or on a stick: whole and checked, or not at all."""

import contextlib
import os
from datetime import datetime
from pathlib import Path
from typing import Unpack

from licensing.core.errors import AzlicError, NoGoodLicense
from licensing.core.files import FileTooLarge, read_file, write_whole
from licensing.core.text import command_word
from licensing.signing.envelope import MAX_ENVELOPE_BYTES
from licensing.trust.store import TrustStore
from licensing.verdict.seen import NOTHING_SEEN, AcceptedLicense, Seen
from licensing.verdict.verdict import INSTALLABLE, RUNNING, Cause, Status, Verdict
from licensing.verification import Here, verify
from licensing.verification.mounts import LICENSE_NAME


def check_folder(folder: Path) -> None:
    """Raises ``AzlicError`` where there is no license folder to install into."""
    try:
        if folder.is_dir():
            return
        if folder.exists():
            raise AzlicError(
                f"the license folder {folder} is not a folder", hint="name the folder that license.dat goes into"
            )
    except OSError as error:
        raise AzlicError(
            f"the license folder {folder} cannot be used: {error.strerror}", hint="check the path and who may enter it"
        ) from error
    raise AzlicError(f"there is no license folder {folder}", hint=f"mkdir -p {command_word(str(folder))}")


def read_carried(path: Path) -> bytes:
    """The bytes of a license that was carried in.

    Raises ``AzlicError`` where it cannot be read, and ``NoGoodLicense`` where it is larger than any license.
    """
    try:
        return read_file(path, MAX_ENVELOPE_BYTES, "the license")
    except FileTooLarge as error:
        raise NoGoodLicense(f"{error}, too large for a license", hint="copy the file again from the issuer") from error


def install(
    content: bytes,
    folder: Path,
    *,
    container: str,
    version: str,
    trust: TrustStore,
    as_of: datetime,
    seen: Seen = NOTHING_SEEN,
    **here: Unpack[Here],
) -> Verdict:
    """Verify the bytes where they will lie, under another name, and put them in place only if they are good.

    They are held against what ``here`` says of this place, as by ``verify``. The license that is there
    counts as seen: an older serial never takes its place, and one that has not begun does not while this one runs.
    Raises ``NoGoodLicense`` where the bytes are not good, and ``AzlicError`` where the folder cannot take them; the
    license that was there before is then unchanged.
    """
    check_folder(folder)

    def examine(path: Path, seen: Seen) -> Verdict:
        return verify(path, trust=trust, as_of=as_of, container=container, version=version, seen=seen, **here)

    arrived = folder / f".{LICENSE_NAME}.{os.urandom(4).hex()}.arrived"  # of two who install, each checks its own
    try:
        write_whole(arrived, content)
        before = examine(folder, seen)
        seen = _add_installed(seen, before)
        verdict = examine(arrived, seen)
        if verdict.status not in (RUNNING if before.may_run else INSTALLABLE):
            raise NoGoodLicense(
                f"the license received is {verdict.status} and was not installed:"
                f" {verdict.detail.replace(str(arrived), 'it')}",
                hint=_HINTS.get(verdict.cause or verdict.status, _TELL),
            )
        write_whole(folder / LICENSE_NAME, content)
    finally:
        with contextlib.suppress(OSError):
            arrived.unlink(missing_ok=True)
    return examine(folder, seen)


_TELL = "tell the issuer; the license that was here before is unchanged"
_ANOTHER = "ask the issuer for a license of this {}; the one that was here before is unchanged"
_HINTS: dict[Cause | Status, str] = {
    Cause.OTHER_SITE: _ANOTHER.format("site"),
    Cause.OTHER_REPOSITORY: _ANOTHER.format("image"),
    Status.WRONG_CONTAINER: _ANOTHER.format("container type"),
    Status.WRONG_IMAGE: _ANOTHER.format("image version"),
    Status.WRONG_INSTANCE: _ANOTHER.format("instance"),
    Status.OPAQUE: "put a license of Microsoft's there yourself, then: azlic adopt; one of ours, copy it again",
    Status.NOT_YET_VALID: "install it once it has begun; the license that is here is valid and was kept",
    Cause.UNKNOWN_KEY: "azlic trust update ROTATION, if the issuer has rotated its key; azlic trust add ISSUER.pem,"
    " if the issuer is new here and its key is genuine",
    Cause.TRUST_EXPIRED: "azlic trust update FILE, with the issuer's newest rotation document",
    Cause.OLDER_TRUST: "azlic trust update FILE, with what the issuer has signed since",
    Cause.ISSUED_LATER: "set the clocks of this machine and the issuer right; nothing was changed here",
    Cause.CLOCK_BEHIND: "set this machine's clock right, then look: azlic clock status; if it is right, strike what"
    " was seen wrongly: azlic clock strike",
    Status.SUPERSEDED: "the newer license here was kept; download again for one that is newer still",
}


def _add_installed(seen: Seen, installed: Verdict) -> Seen:
    license_, digest = installed.license, installed.payload_digest
    if license_ is None or digest is None:
        return seen
    known = seen.accepted.get(license_.license_id)
    if known is not None and known.serial >= license_.serial:
        return seen
    return seen._replace(accepted={**seen.accepted, license_.license_id: AcceptedLicense(license_.serial, digest)})
