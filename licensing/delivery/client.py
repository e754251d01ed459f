"""Asking an issuer for a license: one bounded answer or a denial, and again where that may help."""

import asyncio
import logging
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import httpx
import stamina
from pydantic import ValidationError

from licensing.core.errors import BadCall
from licensing.core.validation_messages import first_fault
from licensing.delivery.asking import (
    MAY_BE_TLS,
    AttemptTimes,
    Denied,
    Question,
    TryAgain,
    ask_once,
    issuer_client,
)
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.protocol import LicenseRequest, license_url
from licensing.delivery.response import check_form, denial_in, refuse_repeated_key

ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 60.0

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

    @property
    def body(self) -> bytes:
        """What is sent, as bytes."""
        return self.request().model_dump_json(exclude_none=True).encode()

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
        if not isinstance(error, TryAgain):
            return False
        asked = error.denial.retry_after
        return min(2.0 ** (attempt.num - 3) if asked is None else asked, LONGEST_WAIT_SECONDS)

    question = Question(order.endpoint, license_url(order.endpoint), order.body, order.api_key)
    try:
        async with issuer_client(ca) as client:
            async for attempt in stamina.retry_context(on=wait_for, attempts=ATTEMPTS, timeout=None):
                with attempt:
                    try:
                        response, content = await ask_once(client, question, ca, partial(slow, attempt.num), times)
                        return _judge(response, content, order, clock)
                    except TryAgain as error:
                        if attempt.num < ATTEMPTS:
                            waiting(error.denial, attempt.num, float(wait_for(error)))
                        raise
    except TryAgain as error:
        raise _last_denial(error.denial) from error
    raise AssertionError("a retry loop ends by returning or raising")


def _last_denial(denial: Denial) -> Denied:
    """The last denial of several, with the time that the issuer asks for."""
    told = replace(denial, detail=f"{denial.detail} (asked {ATTEMPTS} times)")
    if not denial.retry_after:
        return Denied(told)
    return Denied(told, hint=f"try again after {math.ceil(denial.retry_after)} s, as the issuer asks")


def _judge(response: httpx.Response, content: bytes, order: Order, clock: Callable[[], datetime]) -> bytes:
    if response.status_code == httpx.codes.OK:
        check_form(response, api_key=order.api_key)
        refuse_repeated_key(content, order.api_key)
        return content
    denial = denial_in(response, content, now=clock(), api_key=order.api_key)
    if denial.code is DenialCode.BUSY or response.is_server_error:
        raise TryAgain(denial)
    if response.has_redirect_location:
        raise Denied(denial, hint="give that address as the endpoint if you trust it: the API key is never forwarded")
    if response.status_code == httpx.codes.BAD_REQUEST and order.endpoint.startswith("http:"):
        raise Denied(denial, hint=f"check the endpoint, https://HOST/RESOURCE: {MAY_BE_TLS}")
    if denial.code is DenialCode.UNKNOWN:
        raise Denied(denial, hint="check that the endpoint is the resource's own: https://HOST/RESOURCE")
    raise Denied(denial)
