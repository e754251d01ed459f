"""An issuer in a test: asked for licenses without a server, and read back."""

import asyncio
from datetime import datetime

import httpx

from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.protocol import KEY_HEADER, LicenseRequest
from licensing.issuer.issue import Issuer
from licensing.signing.document import License, parse_license
from licensing.signing.envelope import VerifiedPayload, parse_envelope
from tests.site import START, Site


def an_issuer(site: Site) -> Issuer:
    """The site's issuer, as its server has it."""
    return Issuer(site.issuer_store, site.signer, base_url="https://issuer.example/")


def ask(
    issuer: Issuer,
    key: str,
    *,
    resource: str = "plant-read",
    container: str = "read",
    version: str = "3.2.0",
    now: datetime = START,
) -> bytes | Denial:
    """Ask for a license, as hall 7."""
    request = LicenseRequest(container_type=container, container_version=version, site="hall 7")
    return issuer.download(request, resource=resource, api_key=key, now=now)


def given(site: Site, answer: bytes | Denial) -> License:
    """The license in an answer, its signature checked."""
    assert isinstance(answer, bytes), answer
    trusted = [known.key for known in site.trust.load().keys]
    return parse_license(VerifiedPayload(parse_envelope(answer), trusted).content)


def code(answer: bytes | Denial) -> DenialCode:
    """The code of a denial."""
    assert isinstance(answer, Denial)
    return answer.code


async def all_at_once(url: str, keys: list[str], count: int) -> list[httpx.Response]:
    """Ask a server for so many Read licenses at the same moment, each over a connection of its own."""
    body = {"container_type": "read", "container_version": "3.2.0"}
    limits = httpx.Limits(max_connections=count)
    async with httpx.AsyncClient(timeout=120, limits=limits) as client:
        asked = (client.post(url, json=body, headers={KEY_HEADER: keys[number % 2]}) for number in range(count))
        return list(await asyncio.gather(*asked))
