"""What an issuer's answer says: the bytes of a license, or a denial in the containers' own codes."""

import base64
import contextlib
import re
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from licensing.core import strict_json
from licensing.core.errors import NoGoodLicense
from licensing.core.http_body import read_body
from licensing.core.text import from_outside
from licensing.delivery.denial import HTTP_STATUS, Denial, DenialCode
from licensing.delivery.protocol import LICENSE_MEDIA_TYPE
from licensing.signing.envelope import MAX_ENVELOPE_BYTES

LONGEST_RETRY_AFTER = 86_400.0
"""The seconds that an issuer may ask to wait for; more is taken as that."""
_LEAST_SECRET = 8
"""A shorter key is no secret: it may be in any license by chance."""
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)
_SPELT = {
    429: DenialCode.BUSY,
    503: DenialCode.BUSY,
    502: DenialCode.COULD_NOT_CONNECT,  # something stands between, and does not reach the issuer either
    504: DenialCode.COULD_NOT_CONNECT,
}


async def receive_answer(response: httpx.Response) -> bytes:
    """The body as it came over the wire, which is never unpacked. Raises ``NoGoodLicense`` past any license's size."""
    too_large = NoGoodLicense(
        "the issuer's answer is larger than any license", hint="check that the endpoint is the resource's own"
    )
    return await read_body(response.aiter_raw(), MAX_ENVELOPE_BYTES, too_large)


def check_form(response: httpx.Response, *, api_key: str) -> None:
    """Refuse an answer that does not call itself a license. Raises ``NoGoodLicense``."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        said = f"is compressed as {from_outside(encoding, secret=api_key)!r}, which was not requested"
    elif media_type != LICENSE_MEDIA_TYPE:
        said = f"is of type {from_outside(media_type, secret=api_key)!r}, but a license is {LICENSE_MEDIA_TYPE}"
    else:
        return
    raise NoGoodLicense(
        f"the answer {said}; it was not installed",
        hint="check that the endpoint is the resource's own, and whether something on the way answered instead",
    )


def refuse_repeated_key(content: bytes, api_key: str) -> None:
    """Refuse a license that holds the API key, as it is or inside its payload. Raises ``NoGoodLicense``.

    Whoever reads the license, for years, could read the key in it.
    """
    texts = [content.decode("latin-1")]
    with contextlib.suppress(ValueError, KeyError, TypeError):
        payload = base64.b64decode(strict_json.loads(content)["payload"])
        texts += [payload.decode(), str(strict_json.loads(payload))]
    if len(api_key) >= _LEAST_SECRET and any(api_key.lower() in text.lower() for text in texts):
        raise NoGoodLicense(
            "the license received holds the API key that it was asked for with; it was not installed",
            hint="have a new API key made, and the issuer's license server examined",
        )


def denial_in(response: httpx.Response, content: bytes, *, now: datetime, api_key: str) -> Denial:
    """The denial in an answer; one in another language has a code by its status, else it is Unknown.

    The issuer's words are cut short and hold neither what steers a terminal nor the API key.
    """
    retry_after = retry_after_seconds(response.headers.get("Retry-After"), now)
    try:
        fields = strict_json.loads(content)
        code, detail = DenialCode(fields["code"]), str(fields["message"])
        if HTTP_STATUS.get(code) == response.status_code:
            return Denial(code, from_outside(detail, secret=api_key), retry_after)
    except (ValueError, KeyError, TypeError):
        pass
    detail = f"the issuer answered {response.status_code} {response.reason_phrase}"
    if response.has_redirect_location:
        detail += f", and to go to {response.headers['Location']}"
    code = _SPELT.get(response.status_code, DenialCode.UNKNOWN)
    return Denial(code, from_outside(detail, secret=api_key), retry_after)


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, a day at most, from either form of the header; None for any other. Source: RFC 9110 §10.2.3."""
    if value is None:
        return None
    try:
        asked = float(value) if _SECONDS.fullmatch(value) else (parsedate_to_datetime(value) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, asked), LONGEST_RETRY_AFTER)
