"""DownloadLicense: fetch the license of one container and install it, or leave everything as it was."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from licensing.endpoint import check_endpoint
from licensing.errors import AzlicError, NoGoodLicense
from licensing.fetch import ATTEMPTS, Denied, Order, Slow, Waiting, fetch_license
from licensing.files import write_whole
from licensing.mount import LICENSE_NAME
from licensing.trust import TrustStore
from licensing.verdict import RUNNING, Cause, Status, Verdict
from licensing.verification import verify

__all__ = ["ATTEMPTS", "Denied", "Order", "Slow", "Waiting", "download"]

_INSTALLABLE = RUNNING | {Status.NOT_YET_VALID}
"""What may be installed: a license that begins later is fetched ahead of time."""


def download(
    order: Order,
    folder: Path,
    *,
    trust: TrustStore,
    clock: Callable[[], datetime],
    waiting: Waiting | None = None,
    slow: Slow | None = None,
    ca: Path | None = None,
    allow_plain_http: bool = False,
) -> Verdict:
    """Fetch a license and install it as ``license.dat`` in ``folder``; returns the verdict on what was installed.

    The new license is verified before it takes the place of the old one; whatever goes wrong, the old one stays.
    ``waiting`` hears of each denial that is tried again, the number of the attempt and the seconds until the next;
    ``slow`` of each attempt that takes longer than ``SLOW_SECONDS``. ``ca`` is a PEM file with the one CA that may
    vouch for the endpoint; without it the public ones may. ``allow_plain_http`` lets http go to other machines too.
    Raises ``Denied`` for a denial, also after the last of ``ATTEMPTS`` attempts; ``NoGoodLicense`` for an answer that
    may not be installed; ``AzlicError`` for a folder that is missing or not writable; ``BadCall`` for an endpoint that
    would send the API key in the clear over a network.
    """
    check_endpoint(order.endpoint, allow_plain_http=allow_plain_http)
    order.request()
    _check_folder(folder)
    content = fetch_license(order, ca=ca, clock=clock, waiting=waiting or _silent, slow=slow or _silent)
    return _install(content, folder, order, trust=trust, as_of=clock())


def _check_folder(folder: Path) -> None:
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


def _silent(*_: object) -> None:
    """Tell nobody."""


def _install(content: bytes, folder: Path, order: Order, *, trust: TrustStore, as_of: datetime) -> Verdict:
    """Verify the bytes where they will lie, under another name, and rename them only if they are good."""
    arrived = folder / f".{LICENSE_NAME}.arrived"
    try:
        write_whole(arrived, content)
        verdict = verify(
            arrived, trust=trust, as_of=as_of, container=order.container_type, version=order.container_version
        )
        if verdict.status not in _INSTALLABLE:
            raise NoGoodLicense(
                f"the license that came is {verdict.status} and was not installed: {verdict.detail}",
                hint="azlic trust add ISSUER.pem, if the issuer's key is right and only missing"
                if verdict.cause is Cause.UNKNOWN_KEY
                else "tell the issuer; the license that was here before is unchanged",
            )
        write_whole(folder / LICENSE_NAME, content)
    finally:
        with contextlib.suppress(OSError):
            arrived.unlink(missing_ok=True)
    return verify(folder, trust=trust, as_of=as_of, container=order.container_type, version=order.container_version)
