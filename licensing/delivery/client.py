"""Asking an issuer for a license: one bounded answer or a denial, and again where that may help."""

import asyncio
import logging
import math
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import stamina
from pydantic import ValidationError

from licensing.core.errors import AzlicError, BadCall
from licensing.core.text import from_outside
from licensing.core.validation_messages import first_fault
from licensing.delivery.denial import WHAT_TO_DO, Denial, DenialCode
from licensing.delivery.protocol import KEY_HEADER, LicenseRequest, license_url
from licensing.delivery.response import check_form, denial_in, receive_answer, refuse_repeated_key
from licensing.delivery.tls import client_context, handshake_fault, public_roots

ATTEMPTS = 5
ATTEMPT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 60.0

_KEY = re.compile(r"[!-~]+")
_MAY_BE_TLS = "that port may speak TLS: write https://"
_NO_HTTP = ("without sending a response", "illegal status line")
"""How httpx tells that the other side hung up, or answered by a TLS alert, instead of by a line of HTTP."""
_NO_ANSWER = {DenialCode.BUSY, DenialCode.COULD_NOT_CONNECT, DenialCode.UNKNOWN}
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

    def request(self) -> LicenseRequest:
        """What is sent. Raises ``BadCall`` for an order that cannot be."""
        if not _KEY.fullmatch(self.api_key):
            raise BadCall(
                "the API key contains an invalid character", hint="check for spaces and line breaks around it"
            )
        try:
            return LicenseRequest(
                container_type=self.container_type, container_version=self.container_version, site=self.site
            )
        except ValidationError as error:
            names, words = first_fault(error)
            raise BadCall(f"{names[0]}: {words}", hint="write the version as in the image's tag: 3.2.0") from error


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


class AttemptTimes(NamedTuple):
    """What one attempt may take in all, from looking up the name to the last byte, and after how long it is slow."""

    seconds: float = ATTEMPT_SECONDS
    slow_seconds: float = 1.0


ATTEMPT_TIMES = AttemptTimes()

Waiting = Callable[[Denial, int, float], None]
Slow = Callable[[int], None]


def fetch_license(
    order: Order, *, ca: Path | None, clock: Callable[[], datetime], waiting: Waiting, slow: Slow, times: AttemptTimes
) -> bytes:
    """Ask for a license until an answer is there that counts; returns its bytes, which nobody has verified yet.

    Redirects are not followed, for the API key would go along, and proxies in the environment are not asked.
    Raises ``Denied`` and ``NoGoodLicense``, and ``BadCall`` for a CA file that is none.
    """
    return asyncio.run(_fetch(order, ca=ca, clock=clock, waiting=waiting, slow=slow, times=times))


async def _fetch(
    order: Order, *, ca: Path | None, clock: Callable[[], datetime], waiting: Waiting, slow: Slow, times: AttemptTimes
) -> bytes:
    def wait_for(error: Exception) -> bool | float:
        """How long to wait: what the issuer asked for within a bound, else growing from a quarter of a second."""
        if not isinstance(error, _TryAgain):
            return False
        asked = error.denial.retry_after
        return min(2.0 ** (attempt.num - 3) if asked is None else asked, LONGEST_WAIT_SECONDS)

    believed = client_context(ca) if ca else public_roots()
    try:
        async with httpx.AsyncClient(verify=believed, timeout=None, trust_env=False) as client:  # noqa: S113 - _ask ends
            async for attempt in stamina.retry_context(on=wait_for, attempts=ATTEMPTS, timeout=None):
                with attempt:
                    try:
                        response, content = await _ask(client, order, ca, partial(slow, attempt.num), times)
                        return _judge(response, content, order, clock)
                    except _TryAgain as error:
                        if attempt.num < ATTEMPTS:
                            waiting(error.denial, attempt.num, float(wait_for(error)))
                        raise
    except _TryAgain as error:
        raise _last_denial(error.denial) from error
    raise AssertionError("a retry loop ends by returning or raising")


def _last_denial(denial: Denial) -> Denied:
    """The last denial of several, with the time that the issuer asks for."""
    told = replace(denial, detail=f"{denial.detail} (asked {ATTEMPTS} times)")
    if not denial.retry_after:
        return Denied(told)
    return Denied(told, hint=f"try again after {math.ceil(denial.retry_after)} s, as the issuer asks")


async def _ask(
    client: httpx.AsyncClient, order: Order, ca: Path | None, slow: Callable[[], None], times: AttemptTimes
) -> tuple[httpx.Response, bytes]:
    """Ask once, for ``times.seconds`` in all: an answer that comes a byte at a time does not last longer."""
    telling = asyncio.get_running_loop().call_later(times.slow_seconds, slow)
    headers = {KEY_HEADER: order.api_key, "Accept-Encoding": "identity"}
    body = order.request().model_dump(exclude_none=True)
    try:
        async with (
            asyncio.timeout(times.seconds),
            client.stream("POST", license_url(order.endpoint), json=body, headers=headers) as response,
        ):
            return response, await receive_answer(response)
    except TimeoutError as error:
        words = f"{order.endpoint}: no complete answer within {times.seconds:g} s"
        raise _TryAgain(Denial(DenialCode.COULD_NOT_CONNECT, words)) from error
    except (httpx.HTTPError, UnicodeError) as error:  # the latter for a host name that no name server could know
        raise _connection_failure(order, ca, error) from error
    finally:
        telling.cancel()


def _connection_failure(order: Order, ca: Path | None, error: Exception) -> Denied | _TryAgain:
    """A TLS handshake that failed is final, and so is http to where none is spoken; any other may come about later."""
    if order.endpoint.startswith("http:") and any(words in str(error) for words in _NO_HTTP):
        detail = f"{order.endpoint}: the connection was closed without an HTTP answer"
        return Denied(Denial(DenialCode.COULD_NOT_CONNECT, detail), hint=_MAY_BE_TLS)
    causes = list(_causes(error))
    refused = [cause for cause in causes if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError)]
    if refused:
        words, hint = handshake_fault(refused[-1], ca)
        words = from_outside(words, secret=order.api_key)
        return Denied(Denial(DenialCode.COULD_NOT_CONNECT, f"{order.endpoint}: {words}"), hint=hint)
    numbered = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.errno and cause.strerror]
    words = numbered[-1] if numbered else from_outside(error, secret=order.api_key) or type(error).__name__
    return _TryAgain(Denial(DenialCode.COULD_NOT_CONNECT, f"{order.endpoint}: {words.rstrip('.')}"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, down to the first thing that went wrong."""
    while error is not None:
        yield error
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__


def _judge(response: httpx.Response, content: bytes, order: Order, clock: Callable[[], datetime]) -> bytes:
    if response.status_code == httpx.codes.OK:
        check_form(response, api_key=order.api_key)
        refuse_repeated_key(content, order.api_key)
        return content
    denial = denial_in(response, content, now=clock(), api_key=order.api_key)
    if denial.code is DenialCode.BUSY or response.is_server_error:
        raise _TryAgain(denial)
    if response.has_redirect_location:
        raise Denied(denial, hint="give that address as the endpoint if you trust it: the API key is never forwarded")
    if response.status_code == httpx.codes.BAD_REQUEST and order.endpoint.startswith("http:"):
        raise Denied(denial, hint=f"check the endpoint, https://HOST/RESOURCE: {_MAY_BE_TLS}")
    if denial.code is DenialCode.UNKNOWN:
        raise Denied(denial, hint="check that the endpoint is the resource's own: https://HOST/RESOURCE")
    raise Denied(denial)
