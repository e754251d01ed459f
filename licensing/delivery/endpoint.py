"""A resource's endpoint: an address that an API key may be sent to."""

import httpx

from licensing.core.errors import BadCall
from licensing.core.text import without_password
from licensing.core.web_address import has_only_a_path, is_loopback, parse_web_address


def check_endpoint(endpoint: str, *, allow_plain_http: bool = False) -> None:
    """Refuse what is not an endpoint, and one that would send the API key in the clear over a network.

    Raises ``BadCall``. ``allow_plain_http`` lets http go to other machines too.
    """
    if in_the_clear(endpoint) and not allow_plain_http:
        raise BadCall(
            f"the API key would be sent to {endpoint} in the clear",
            hint="use https; http is for loopback only, or for azlic download --allow-plain-http",
        )


def in_the_clear(endpoint: str) -> bool:
    """Whether others can read along what is sent there: http to another machine. Raises ``BadCall``."""
    url = _parse(endpoint)
    return url.scheme == "http" and not is_loopback(url.host)


def _parse(endpoint: str) -> httpx.URL:
    url = parse_web_address(endpoint)
    if url is None:
        raise BadCall(f"{without_password(endpoint)!r} is not an endpoint", hint="write it as https://HOST/RESOURCE")
    if not has_only_a_path(url):
        raise BadCall(
            f"the endpoint at {url.host} contains more than a path",
            hint="leave out anything before @ and from ? or # on; the API key is sent separately",
        )
    return url
