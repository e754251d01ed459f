"""The signed envelope that every azlic document travels in: DSSE, checked byte by byte before it is parsed.

Source: the DSSE specification 1.0 (secure-systems-lab/dsse), through securesystemslib.
"""

import base64
import binascii
import json
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import Key, Signer

from licensing.core import strict_json

MAX_ENVELOPE_BYTES = 64 * 1024
_MAX_SIGNATURES = 16


class MalformedEnvelope(ValueError):
    """Bytes that are not a DSSE envelope; the text says what is wrong with them."""


class UntrustedEnvelope(ValueError):
    """An envelope that none of the trusted keys has signed."""


def seal(payload: bytes, payload_type: str, *signers: Signer) -> bytes:
    """Sign ``payload`` as a document of ``payload_type``; the result is the file to hand over."""
    envelope = Envelope(payload, payload_type, {})
    for signer in signers:
        envelope.sign(signer)
    return json.dumps(envelope.to_dict(), indent=1).encode() + b"\n"


def parse_envelope(content: bytes, *, limit: int = MAX_ENVELOPE_BYTES) -> Envelope:
    """Read the outer form only, of at most ``limit`` bytes: nothing in it is trusted yet.

    Fields that DSSE does not know are ignored, as it asks for; both base64 alphabets are read, and nothing looser.
    Raises ``MalformedEnvelope``.
    """
    if len(content) > limit:
        raise MalformedEnvelope(f"it is larger than {limit} bytes")
    try:
        fields = strict_json.loads(content)
        return Envelope.from_dict(_outer_form(fields))
    except ValueError as error:
        raise MalformedEnvelope(str(error)) from error


def _outer_form(fields: Any) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise ValueError("it is not a JSON object")
    signatures = fields.get("signatures")
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= _MAX_SIGNATURES:
        raise ValueError(f"it does not have a list of 1 to {_MAX_SIGNATURES} signatures")
    forms = [_signature_form(signature) for signature in signatures]
    if len({form["keyid"] for form in forms}) != len(forms):
        raise ValueError("two of its signatures name the same key")
    return {
        "payload": _base64(fields, "payload"),
        "payloadType": _text(fields, "payloadType"),
        "signatures": forms,
    }


def _signature_form(fields: Any) -> dict[str, str]:
    if not isinstance(fields, dict):
        raise ValueError("one of its signatures is not a JSON object")
    return {"keyid": _text(fields, "keyid"), "sig": _base64(fields, "sig")}


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"its {name} is missing or is not text")
    return value


def _base64(fields: dict[str, Any], name: str) -> str:
    """The field in the standard alphabet; decoding and encoding again must give the very same text."""
    text = _text(fields, name)
    standard = text.replace("-", "+").replace("_", "/") if not set("+/") & set(text) else text
    try:
        canonical = base64.b64encode(base64.b64decode(standard, validate=True)).decode()
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"its {name} is not base64") from error
    if canonical != standard:
        raise ValueError(f"its {name} is not canonical base64")
    return standard


class VerifiedPayload:
    """Payload bytes that a trusted key has signed: it cannot be built from anything else.

    ``content`` are the bytes as received, ``payload_type`` their type, ``key`` the key that vouches for them.
    Raises ``UntrustedEnvelope`` when no key in ``trusted`` verifies a signature.
    """

    def __init__(self, envelope: Envelope, trusted: list[Key]) -> None:
        if not trusted:
            raise UntrustedEnvelope("there is no key to check it with")
        try:
            accepted = envelope.verify(trusted, threshold=1)
        except VerificationError as error:
            raise UntrustedEnvelope("no trusted key verifies its signature") from error
        self.key = next(iter(accepted.values()))
        self.content = envelope.payload
        self.payload_type = envelope.payload_type
