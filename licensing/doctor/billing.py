"""The way to a billing endpoint, step by step: each is tried as a download would take it, and says what it met.

1 its name is looked up, 2 a connection is made, 3 TLS, 4 HTTP, 5 its clock against this one, 6 the API key. What comes
after a step that failed is not examined. Proxies are named, and not asked: a download does not ask them either.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
from cryptography import x509

from licensing.core.errors import AzlicError
from licensing.core.instants import iso
from licensing.core.text import from_outside, without_password
from licensing.core.web_address import parse_web_address
from licensing.delivery.asking import AttemptTimes
from licensing.delivery.billing import BillingEndpoint
from licensing.delivery.denial import WHAT_TO_DO, DenialCode
from licensing.delivery.response import receive_answer
from licensing.delivery.tls import client_context, handshake_fault, public_roots
from licensing.doctor.check import Check
from licensing.doctor.finding import FindingLevel

STEPS = ("name", "connection", "TLS", "HTTP", "clock", "API key")
SECONDS = 10.0
"""What one step may take."""
_LOOSE, _WRONG = timedelta(seconds=60), timedelta(minutes=5)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A billing endpoint, the key that is to be checked there, and the one CA that may vouch for it."""

    address: str
    api_key: str | None = None
    ca: Path | None = None
    seconds: float = SECONDS


class _Stopped(Exception):
    """A step failed, and those after it cannot be taken."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.found)
        self.check = check


def proxy_check(environ: Mapping[str, str]) -> Check:
    """Which proxies the environment names."""
    named = {name: value for name, value in environ.items() if name.upper() in _PROXIES and value}
    if not named:
        return Check("proxy", None, "none is set")
    told = ", ".join(f"{name}={without_password(value)}" for name, value in named.items())
    do = "nothing, where the lines below are good; else have the firewall let this machine connect directly"
    found = f"{told}: no download asks it, for the API key goes to the issuer alone"
    return Check("proxy", FindingLevel.WARNING, found, do)


def endpoint_checks(endpoint: Endpoint, *, clock: Callable[[], datetime]) -> Iterator[Check]:
    """The steps, each with its verdict."""
    done = 0
    try:
        for check in _steps(endpoint, clock):
            done += 1
            yield check
    except _Stopped as stopped:
        yield stopped.check
        for name in STEPS[done + 1 :]:
            yield Check(name, FindingLevel.UNEXAMINED, f"not reached: the {stopped.check.name} failed")


def _steps(endpoint: Endpoint, clock: Callable[[], datetime]) -> Iterator[Check]:
    url = parse_web_address(endpoint.address)
    assert url is not None  # noqa: S101 - check_endpoint saw to it
    port = url.port or (443 if url.scheme == "https" else 80)
    addresses = _resolve(url.host, port)
    yield Check("name", None, f"{url.host} is {', '.join(dict.fromkeys(address for address, _ in addresses))}")
    yield _connect(addresses, endpoint.seconds)
    yield (
        _shake_hands(endpoint, url, port) if url.scheme == "https" else Check("TLS", None, "none: http to this machine")
    )
    response, asked, answered = _ask(endpoint, clock)
    yield _http_check(response)
    yield _clock_check(response, asked, answered)
    yield _key_check(endpoint, clock)


def _resolve(host: str, port: int) -> list[tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "no name server could know it"
        do = "check the endpoint's spelling, and this machine's name servers (/etc/resolv.conf)"
        raise _Stopped(Check("name", FindingLevel.ERROR, f"{host}: {words}", do)) from error
    return [(str(address[4][0]), int(address[4][1])) for address in found]


def _connect(addresses: list[tuple[str, int]], seconds: float) -> Check:
    failed: list[str] = []
    for address, port in addresses:
        began = time.monotonic()
        try:
            with socket.create_connection((address, port), timeout=seconds):
                took = 1000 * (time.monotonic() - began)
        except OSError as error:
            failed.append(f"{address} port {port}: {error.strerror or 'no answer'}")
            continue
        others = f"; not {', '.join(failed)}" if failed else ""
        level = FindingLevel.WARNING if failed else None
        do = "have every address of the name reachable, or taken out of it" if failed else ""
        return Check("connection", level, f"{address} port {port} in {took:.0f} ms{others}", do)
    do = "see whether the server runs there, and have the firewall let this machine connect"
    raise _Stopped(Check("connection", FindingLevel.ERROR, "; ".join(dict.fromkeys(failed)), do))


def _shake_hands(endpoint: Endpoint, url: httpx.URL, port: int) -> Check:
    context = client_context(endpoint.ca) if endpoint.ca else public_roots()
    try:
        certificate, version = _certificate(context, url.host, port, endpoint.seconds)
    except ssl.SSLError as error:
        words, do = handshake_fault(error, endpoint.ca)
        raise _Stopped(_broken_tls(words, do, url, port, endpoint)) from error
    except OSError as error:
        words = f"the handshake was cut: {error.strerror or 'no answer'}"
        raise _Stopped(Check("TLS", FindingLevel.ERROR, words, "ask who runs the firewall between")) from error
    return Check("TLS", None, f"{version}; {_of(certificate)}")


def _broken_tls(words: str, do: str, url: httpx.URL, port: int, endpoint: Endpoint) -> Check:
    """What a handshake failed at, with the name of whoever issued the certificate: a proxy that opens TLS has its own.

    The certificate is fetched without trusting it, and nothing is sent.
    """
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
    try:
        certificate, _ = _certificate(anything, url.host, port, endpoint.seconds)
    except OSError:
        return Check("TLS", FindingLevel.ERROR, words, do)
    between = f"if that is a proxy's, which opens TLS on the way, have it let {url.host} through; else {do}"
    return Check("TLS", FindingLevel.ERROR, f"{words}; {_of(certificate)}", between)


def _certificate(context: ssl.SSLContext, host: str, port: int, seconds: float) -> tuple[x509.Certificate, str]:
    with (
        socket.create_connection((host, port), timeout=seconds) as plain,
        context.wrap_socket(plain, server_hostname=host) as encrypted,
    ):
        content = encrypted.getpeercert(binary_form=True)
        assert content is not None  # noqa: S101 - a TLS server always shows one
        return x509.load_der_x509_certificate(content), encrypted.version() or ""


def _of(certificate: x509.Certificate) -> str:
    issuer = from_outside(certificate.issuer.rfc4514_string(), secret="")
    return f"its certificate was issued by {issuer} and ends at {iso(certificate.not_valid_after_utc)}"


def _get(endpoint: Endpoint) -> httpx.Response:
    """Ask once, for so long in all, and take no larger answer than a license; proxies and redirects are not followed.

    Raises ``OSError`` or ``httpx.HTTPError`` where no answer comes, ``AzlicError`` for one that is too large.
    """

    async def ask() -> httpx.Response:
        believed = client_context(endpoint.ca) if endpoint.ca else public_roots()
        async with (
            asyncio.timeout(endpoint.seconds),
            httpx.AsyncClient(verify=believed, timeout=None, trust_env=False) as client,  # noqa: S113 - it ends above
            client.stream("GET", endpoint.address) as response,
        ):
            await receive_answer(response)
            return response

    return asyncio.run(ask())


def _ask(endpoint: Endpoint, clock: Callable[[], datetime]) -> tuple[httpx.Response, datetime, datetime]:
    asked = clock()
    try:
        response = _get(endpoint)
    except (httpx.HTTPError, AzlicError, OSError, UnicodeError) as error:
        do = "check that the address is the issuer's, and whether something on the way answers instead"
        raise _Stopped(Check("HTTP", FindingLevel.ERROR, f"no answer: {_words(error)}", do)) from error
    return response, asked, clock()


def _words(error: Exception) -> str:
    said = error.message if isinstance(error, AzlicError) else error
    return from_outside(said, secret="") or type(error).__name__


def _http_check(response: httpx.Response) -> Check:
    told = f"{response.http_version} {response.status_code} {response.reason_phrase}"
    if response.has_redirect_location:
        there = from_outside(response.headers["Location"], secret="")
        do = "name that address if you trust it: the API key is never forwarded"
        return Check("HTTP", FindingLevel.WARNING, f"{told}: it sends elsewhere, to {there}", do)
    if response.is_server_error:
        return Check("HTTP", FindingLevel.ERROR, told, "try again later; if it persists, tell the issuer")
    return Check("HTTP", None, told)


def _clock_check(response: httpx.Response, asked: datetime, answered: datetime) -> Check:
    try:
        there = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return Check("clock", FindingLevel.WARNING, "the answer has no Date to compare with", "compare with: date -u")
    apart = max(asked - there - timedelta(seconds=1), there - answered, timedelta())  # a Date has whole seconds
    if apart <= _LOOSE:
        return Check("clock", None, f"{apart.total_seconds():.0f} s from the server's")
    ahead = "ahead of" if asked > there else "behind"
    level = FindingLevel.ERROR if apart > _WRONG else FindingLevel.WARNING
    found = f"this machine is {apart.total_seconds():,.0f} s {ahead} the server"
    return Check("clock", level, found, "set the clock: licenses begin and end by it")


def _key_check(endpoint: Endpoint, clock: Callable[[], datetime]) -> Check:
    if endpoint.api_key is None:
        return Check("API key", None, "not checked: none was given (--api-key-file)")
    times = AttemptTimes(endpoint.seconds)
    denial = BillingEndpoint(endpoint.address, endpoint.api_key, clock, endpoint.ca, times).check_key()
    if denial is None:
        return Check("API key", None, "it is one of the resource's")
    level = FindingLevel.ERROR if denial.code in (DenialCode.INVALID, DenialCode.MISMATCH) else FindingLevel.UNEXAMINED
    return Check("API key", level, f"{denial.code}: {denial.detail}", WHAT_TO_DO[denial.code])
