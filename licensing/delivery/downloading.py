"""DownloadLicense: fetch the license of one container and install it, or leave everything as it was."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Unpack

from licensing.delivery.asking import ATTEMPT_TIMES, AttemptTimes, Denied
from licensing.delivery.client import ATTEMPTS, Order, Slow, Waiting, fetch_license
from licensing.delivery.endpoint import check_endpoint
from licensing.delivery.installing import check_folder, install
from licensing.trust.store import TrustStore
from licensing.verdict.seen import NOTHING_SEEN, Seen
from licensing.verdict.verdict import Verdict
from licensing.verification import Here

__all__ = ["ATTEMPTS", "AttemptTimes", "Denied", "Order", "Slow", "Waiting", "download"]


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
    seen: Seen = NOTHING_SEEN,
    times: AttemptTimes = ATTEMPT_TIMES,
    **here: Unpack[Here],
) -> Verdict:
    """Fetch a license and install it as ``license.dat`` in ``folder``; returns the verdict on what was installed.

    The new license is verified before it takes the place of the old one; whatever goes wrong, the old one stays.
    ``waiting`` receives each denial that is tried again, the number of the attempt and the seconds until the next;
    ``slow`` of each attempt that is slow by ``times``. ``ca`` is a PEM file with the one CA that may vouch for the
    endpoint; without it the public ones may. ``allow_plain_http`` lets http go to other machines too.
    ``seen`` is what this site has seen before: an older serial than that is not installed;
    ``here`` is what it is held against at this place, as by ``verify``.
    Raises ``Denied`` for a denial, also after the last of ``ATTEMPTS`` attempts; ``NoGoodLicense`` for an answer that
    may not be installed; ``AzlicError`` for a folder that is missing or not writable; ``BadCall`` for an endpoint that
    would send the API key in the clear over a network.
    """
    check_endpoint(order.endpoint, allow_plain_http=allow_plain_http)
    order.request()
    check_folder(folder)
    content = fetch_license(order, ca=ca, clock=clock, waiting=waiting or _silent, slow=slow or _silent, times=times)
    return install(
        content,
        folder,
        container=order.container_type,
        version=order.container_version,
        trust=trust,
        as_of=clock(),
        seen=seen,
        **here,
    )


def _silent(*_: object) -> None:
    """Tell nobody."""
