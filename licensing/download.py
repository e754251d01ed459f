"""DownloadLicense: fetch the license of one container and install it, or leave everything as it was."""

import logging
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path

import httpx
import stamina
from pydantic import ValidationError

from licensing import strict_json
from licensing.denial import HTTP_STATUS, WHAT_TO_DO, Denial, DenialCode
from licensing.envelope import MAX_ENVELOPE_BYTES
from licensing.errors import AzlicError, BadCall, NoGoodLicense
from licensing.install import check_folder, install_license
from licensing.protocol import KEY_HEADER, LicenseRequest, license_url
from licensing.trust import TrustStore
from licensing.verdict import Verdict
from licensing.wording import first_fault

ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 60.0
TIMEOUT_SECONDS = 30.0

_KEY = re.compile(r"[!-~]+")
logging.getLogger("stamina").addHandler(logging.NullHandler())  # the caller's ``waiting`` tells of every wait


@dataclass(frozen=True, slots=True)
class Order:
    """What to download: the license of one container type and version, from a resource's endpoint, paid by its key."""

    endpoint: str
    api_key: str
    container_type: str
    container_version: str
    site: str | None = None

    def __repr__(self) -> str:
        return f"Order(endpoint={self.endpoint!r}, container_type={self.container_type!r}, api_key=...)"


_NO_ANSWER = {DenialCode.BUSY, DenialCode.COULD_NOT_CONNECT, DenialCode.UNKNOWN}


class Denied(AzlicError):
    """The issuer gave no license. ``denial`` says why, in the containers' own codes.

    Exit status 1 where the issuer said no, and 3 where no issuer answered that could.
    """

    def __init__(self, denial: Denial, *, hint: str | None = None) -> None:
        super().__init__(f"{denial.code}: {denial.detail}", hint=hint or WHAT_TO_DO[denial.code])
        self.denial = denial
        self.exit_status = 3 if denial.code in _NO_ANSWER else 1


class _TryAgain(Exception):
    """The issuer may answer otherwise later."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.detail)
        self.denial = denial


Waiting = Callable[[Denial, int, float], None]


def download(
    order: Order,
    folder: Path,
    *,
    trust: TrustStore,
    clock: Callable[[], datetime],
    waiting: Waiting | None = None,
) -> Verdict:
    """Fetch a license and install it as ``license.dat`` in ``folder``; returns the verdict on what was installed.

    The new license is verified before it takes the place of the old one; whatever goes wrong, the old one stays.
    ``waiting`` hears of each denial that is tried again, the number of the attempt and the seconds until the next.
    Raises ``Denied`` for a denial, also after the last of ``ATTEMPTS`` attempts; ``NoGoodLicense`` for an answer that
    may not be installed; ``AzlicError`` for a folder that is missing or not writable; ``BadCall`` for an endpoint that
    would send the API key in the clear over a network.
    """
    _check_endpoint(order.endpoint)
    request = _request(order)
    check_folder(folder)
    content = _fetch(order, request, clock, waiting or _silent)
    return install_license(
        content,
        folder,
        container=order.container_type,
        version=order.container_version,
        trust=trust,
        as_of=clock(),
    )


def _silent(denial: Denial, attempt: int, seconds: float) -> None:
    """Tell nobody."""


def _check_endpoint(endpoint: str) -> None:
    try:
        url = httpx.URL(endpoint)  # read by the very parser that will connect
        usable = url.scheme in ("http", "https") and bool(url.host) and (url.port or 0) < 1 << 16
    except (httpx.InvalidURL, ValueError):
        usable = False
    if not usable:
        raise BadCall(f"{endpoint!r} is not an endpoint", hint="write it as https://HOST/RESOURCE")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise BadCall(
            f"the endpoint {endpoint} would get the API key in the clear", hint="use https; http is for loopback only"
        )


def _request(order: Order) -> LicenseRequest:
    if not _KEY.fullmatch(order.api_key):
        raise BadCall("the API key holds a character that no key has", hint="look for blanks and line ends around it")
    try:
        return LicenseRequest(
            container_type=order.container_type, container_version=order.container_version, site=order.site
        )
    except ValidationError as error:
        names, words = first_fault(error)
        raise BadCall(f"{names[0]}: {words}", hint="write the version as the image has it: 3.2.0") from error


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fetch(order: Order, request: LicenseRequest, clock: Callable[[], datetime], waiting: Waiting) -> bytes:
    def wait_for(error: Exception) -> bool | float:
        """How long to wait: what the issuer asked for within a bound, else growing from a quarter of a second."""
        if not isinstance(error, _TryAgain):
            return False
        asked = error.denial.retry_after
        return min(2.0 ** (attempt.num - 3) if asked is None else asked, LONGEST_WAIT_SECONDS)

    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            for attempt in stamina.retry_context(on=wait_for, attempts=ATTEMPTS, timeout=None):
                with attempt:
                    try:
                        return _ask(client, order, request, clock)
                    except _TryAgain as error:
                        if attempt.num < ATTEMPTS:
                            waiting(error.denial, attempt.num, float(wait_for(error)))
                        raise
    except _TryAgain as error:
        raise Denied(error.denial) from error
    raise AssertionError("a retry loop ends by returning or raising")


def _ask(client: httpx.Client, order: Order, request: LicenseRequest, clock: Callable[[], datetime]) -> bytes:
    try:
        with client.stream(
            "POST",
            license_url(order.endpoint),
            json=request.model_dump(exclude_none=True),
            headers={KEY_HEADER: order.api_key},
        ) as response:
            content = _read_capped(response)
    except (httpx.HTTPError, UnicodeError) as error:  # the latter for a host name that no name server could know
        denial = Denial(DenialCode.COULD_NOT_CONNECT, f"{order.endpoint}: {str(error) or type(error).__name__}")
        if hint := _tls_hint(error):
            raise Denied(denial, hint=hint) from error
        raise _TryAgain(denial) from error
    if response.status_code == httpx.codes.OK:
        return content
    denial = _denial(response, content, clock())
    if denial.code is DenialCode.BUSY or response.is_server_error:
        raise _TryAgain(denial)
    if denial.code is DenialCode.UNKNOWN:
        raise Denied(denial, hint="check that the endpoint is the resource's own: https://HOST/RESOURCE")
    raise Denied(denial)


def _tls_hint(error: BaseException | None) -> str | None:
    """What to try after a TLS handshake that failed, which trying again cannot mend; None for any other error."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    if error is None:
        return None
    if isinstance(error, ssl.SSLCertVerificationError):
        return "check the endpoint's name and the server's certificate, and this machine's clock and root certificates"
    return "that port may not speak TLS: check it, or write http:// where the issuer is on this very machine"


def _read_capped(response: httpx.Response) -> bytes:
    content = b""
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > MAX_ENVELOPE_BYTES:
            raise NoGoodLicense(
                "the issuer's answer is larger than any license",
                hint="check that the endpoint is the resource's own",
            )
    return content


def _denial(response: httpx.Response, content: bytes, now: datetime) -> Denial:
    """The denial in an answer; one in another language is ``BillingEndpointBusy`` at 429 and 503, else Unknown."""
    retry_after = _retry_after(response.headers.get("Retry-After"), now)
    try:
        fields = strict_json.loads(content)
        code, detail = DenialCode(fields["code"]), str(fields["message"])
        if HTTP_STATUS.get(code) == response.status_code:
            return Denial(code, "".join(filter(str.isprintable, detail))[:300], retry_after)
    except (ValueError, KeyError, TypeError):
        pass
    busy = response.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
    detail = f"the issuer answered {response.status_code} {response.reason_phrase}"
    return Denial(DenialCode.BUSY if busy else DenialCode.UNKNOWN, detail, retry_after)


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, from either form of the header. Source: RFC 9110 §10.2.3."""
    if value is None:
        return None
    try:
        return max(0.0, float(value) if value.isdigit() else (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
