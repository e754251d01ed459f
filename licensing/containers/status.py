"""The state that a running container reports: the body of its ``/status``, compared letter for letter.

``Invalid`` contains ``valid``: who looks for a word in it takes a refused container for a healthy one.
Source: seeds/containers-faq (the statuses), facts §2.5 (the body, connected and disconnected).
"""

import asyncio
from enum import StrEnum
from typing import NamedTuple

import httpx

from licensing.core import strict_json
from licensing.core.errors import BadCall
from licensing.core.http_body import read_body
from licensing.core.text import from_outside
from licensing.core.web_address import has_only_a_path, parse_web_address

MAX_BYTES = 64 * 1024
ANSWER_SECONDS = 10.0
"""What the whole answer may take: one that comes a byte at a time does not last longer."""


class ApiStatus(StrEnum):
    """Every ``apiStatus`` that containers are documented, or were seen, to give; no other text is one."""

    VALID = "Valid"
    NON_METERED = "NonMetered"
    INVALID = "Invalid"
    MISMATCH = "Mismatch"
    COULD_NOT_CONNECT = "CouldNotConnect"
    OUT_OF_QUOTA = "OutOfQuota"
    BILLING_ENDPOINT_BUSY = "BillingEndpointBusy"
    CONTAINER_USE_UNAUTHORIZED = "ContainerUseUnauthorized"
    UNKNOWN = "Unknown"


HEALTHY = frozenset({ApiStatus.VALID, ApiStatus.NON_METERED})
"""``NonMetered`` is what a container with a license for disconnected use says."""


class ContainerStatus(NamedTuple):
    """What a container answered: for which service, its status, and its words about it, fit for a terminal."""

    service: str
    api_status: ApiStatus
    message: str

    @property
    def healthy(self) -> bool:
        """Whether it may work."""
        return self.api_status in HEALTHY


class NoStatus(Exception):
    """An address gives no status, or none that can be understood; the text says why."""


def parse_status(content: bytes) -> ContainerStatus:
    """Read the body of ``/status``. Raises ``NoStatus`` for anything that no container answers."""
    try:
        fields = strict_json.loads(content)
    except ValueError as error:
        raise NoStatus(f"the answer is not a status: {error}") from error
    said = fields.get("apiStatus") if isinstance(fields, dict) else None
    if said not in list(ApiStatus):
        raise NoStatus(f"the answer has an unknown apiStatus: {from_outside(said)!r}")
    return ContainerStatus(
        from_outside(fields.get("service", "")), ApiStatus(said), from_outside(fields.get("apiStatusMessage", ""))
    )


def ask_status(url: str, *, seconds: float = ANSWER_SECONDS) -> ContainerStatus:
    """Ask the container at ``url``, as ``http://HOST:5000``, for its state; once, for ``seconds`` in all.

    No redirect is followed, no proxy used; at most 64 KiB are taken. Raises ``NoStatus``, and ``BadCall`` for an
    invalid address.
    """
    return asyncio.run(_ask(_address(url), seconds))


def _address(url: str) -> str:
    parsed = parse_web_address(url)
    if parsed is None or not has_only_a_path(parsed):
        raise BadCall("that is not a valid container address", hint="write it as http://HOST:5000")
    return f"{url.rstrip('/').removesuffix('/status')}/status"


async def _ask(address: str, seconds: float) -> ContainerStatus:
    try:
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(timeout=None, trust_env=False) as client,  # noqa: S113 - the line above ends it
            client.stream("GET", address, headers={"Accept-Encoding": "identity"}) as response,
        ):
            too_large = NoStatus(f"its answer is larger than {MAX_BYTES:,} bytes")
            status = parse_status(await read_body(response.aiter_raw(), MAX_BYTES, too_large))
    except TimeoutError as error:
        raise NoStatus(f"no complete answer within {seconds:g} s") from error
    except (httpx.HTTPError, UnicodeError) as error:
        raise NoStatus(from_outside(error) or type(error).__name__) from error
    if status.healthy and response.status_code != httpx.codes.OK:
        raise NoStatus(f"it says {status.api_status}, and answers {response.status_code}")
    return status
