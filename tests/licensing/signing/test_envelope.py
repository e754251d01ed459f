import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import (
    MAX_ENVELOPE_BYTES,
    MalformedEnvelope,
    UntrustedEnvelope,
    VerifiedPayload,
    parse_envelope,
    seal,
)
from tests.site import a_license

SIGNER, OTHER = CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()
PAYLOAD = a_license().to_bytes()
SEALED = seal(PAYLOAD, LICENSE_TYPE, SIGNER)


def opened(content: bytes, *signers: CryptoSigner) -> VerifiedPayload:
    return VerifiedPayload(parse_envelope(content), [signer.public_key for signer in signers or (SIGNER,)])


def changed(change: Callable[[dict[str, Any]], object], content: bytes = SEALED) -> bytes:
    """The envelope with something in its JSON said otherwise."""
    fields = json.loads(content)
    change(fields)
    return json.dumps(fields).encode()


def with_signature(**fields: object) -> bytes:
    return changed(lambda envelope: envelope["signatures"][0].update(fields))


def says_nothing_else(content: bytes) -> bool:
    """Whether these bytes are refused in words, or say exactly what was sealed."""
    try:
        found = opened(content)
    except (MalformedEnvelope, UntrustedEnvelope):
        return True
    return (found.content, found.payload_type) == (PAYLOAD, LICENSE_TYPE)


@given(st.binary(max_size=2000), st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_what_was_sealed_is_what_is_opened(payload: bytes, payload_type: str) -> None:
    found = opened(seal(payload, payload_type, SIGNER))
    assert (found.content, found.payload_type, found.key) == (payload, payload_type, SIGNER.public_key)


def test_no_flipped_bit_makes_it_say_something_else() -> None:
    for position in range(len(SEALED)):
        for bit in range(8):
            flipped = bytearray(SEALED)
            flipped[position] ^= 1 << bit
            assert says_nothing_else(bytes(flipped)), (position, bit)


def test_no_truncation_makes_it_say_something_else() -> None:
    complete = len(SEALED.rstrip())
    assert [length for length in range(len(SEALED) + 1) if not says_nothing_else(SEALED[:length])] == []
    for length in range(complete):
        with pytest.raises(MalformedEnvelope):
            parse_envelope(SEALED[:length])


@given(st.binary() | st.integers(0, len(SEALED)).flatmap(lambda at: st.binary().map(lambda b: SEALED[:at] + b)))
def test_any_bytes_are_refused_in_words_or_say_what_was_sealed(content: bytes) -> None:
    assert says_nothing_else(content)


def test_the_url_safe_alphabet_is_read_too() -> None:
    sealed = seal(b"\xfb\xff\xfe" * 20, "any", SIGNER)

    def rewrite(fields: dict[str, Any]) -> None:
        fields["payload"] = fields["payload"].replace("+", "-").replace("/", "_")

    assert {"-", "_"} <= set(json.loads(changed(rewrite, sealed))["payload"])
    assert opened(changed(rewrite, sealed)).content == b"\xfb\xff\xfe" * 20


SLOPPY = {
    "a blank inside": " YWI=",
    "a line break at the end": "YWI=\n",
    "no padding": "YWI",
    "too much padding": "YWI==",
    "bits left over": "YWJ=",
    "padding in the middle": "YQ==YWI=",
    "both alphabets at once": "+-+-",
    "a letter of no alphabet": "YWI*",
    "a letter beyond ASCII": "YWÏ=",
}


@pytest.mark.parametrize("case", SLOPPY)
@pytest.mark.parametrize("field", ["payload", "sig"])
def test_sloppy_base64_is_refused(case: str, field: str) -> None:
    def spoil(fields: dict[str, Any]) -> None:
        (fields if field == "payload" else fields["signatures"][0])[field] = SLOPPY[case]

    with pytest.raises(MalformedEnvelope, match=f"its {field} is not (canonical )?base64"):
        parse_envelope(changed(spoil))


MALFORMED = {
    "no signatures": changed(lambda fields: fields.update(signatures=[])),
    "signatures left out": changed(lambda fields: fields.pop("signatures")),
    "signatures that are no list": changed(lambda fields: fields.update(signatures={})),
    "17 signatures": changed(
        lambda fields: fields.update(signatures=[{"keyid": str(n), "sig": ""} for n in range(17)])
    ),
    "two signatures by one key": changed(lambda fields: fields["signatures"].append(fields["signatures"][0])),
    "a signature that is no object": changed(lambda fields: fields.update(signatures=["sig"])),
    "a signature without its key's name": changed(lambda fields: fields["signatures"][0].pop("keyid")),
    "a payload that is no text": changed(lambda fields: fields.update(payload=7)),
    "a payload left out": changed(lambda fields: fields.pop("payload")),
    "a type left out": changed(lambda fields: fields.pop("payloadType")),
    "a type that is half a surrogate pair": changed(lambda fields: fields.update(payloadType="\ud800")),
    "the payload twice": SEALED.replace(b"{", b'{"payload": "",', 1),
    "a list": b"[]",
    "nothing": b"",
    "a byte too many": SEALED + b" " * (MAX_ENVELOPE_BYTES + 1 - len(SEALED)),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed(case: str) -> None:
    with pytest.raises(MalformedEnvelope):
        parse_envelope(MALFORMED[case])


def test_64_kib_to_the_last_byte_are_read() -> None:
    assert opened(SEALED + b" " * (MAX_ENVELOPE_BYTES - len(SEALED))).content == PAYLOAD


def test_a_key_named_to_steer_the_terminal_is_not_repeated() -> None:
    twice = [{"keyid": "\x1b[2J", "sig": ""}] * 2
    with pytest.raises(MalformedEnvelope) as refused:
        parse_envelope(changed(lambda fields: fields.update(signatures=twice)))
    assert str(refused.value).isprintable()


UNTRUSTED = {
    "another type": changed(lambda fields: fields.update(payloadType="application/vnd.azlic.other.v1+json")),
    "another payload": changed(lambda fields: fields.update(payload=base64.b64encode(b"{}").decode())),
    "the name of another key": with_signature(keyid=OTHER.public_key.keyid),
    "the signature of another payload": with_signature(
        sig=json.loads(seal(b"{}", LICENSE_TYPE, SIGNER))["signatures"][0]["sig"]
    ),
    "an empty signature": with_signature(sig=""),
    "a signature of 65 bytes": with_signature(sig=base64.b64encode(bytes(65)).decode()),
    "another signer": seal(PAYLOAD, LICENSE_TYPE, OTHER),
    "another signer under the key's name": changed(
        lambda fields: fields["signatures"][0].update(keyid=SIGNER.public_key.keyid), seal(PAYLOAD, LICENSE_TYPE, OTHER)
    ),
}


@pytest.mark.parametrize("case", UNTRUSTED)
def test_untrusted(case: str) -> None:
    with pytest.raises(UntrustedEnvelope, match="no trusted key"):
        opened(UNTRUSTED[case])


def test_with_no_key_nothing_is_trusted() -> None:
    with pytest.raises(UntrustedEnvelope, match="no key"):
        VerifiedPayload(parse_envelope(SEALED), [])


def test_one_good_signature_among_others_is_enough() -> None:
    envelope = parse_envelope(SEALED)
    envelope.sign(OTHER)
    assert opened(json.dumps(envelope.to_dict()).encode(), OTHER).key == OTHER.public_key


def test_fields_that_dsse_does_not_know_are_ignored() -> None:
    assert opened(changed(lambda fields: fields.update(note="hello"))).content == PAYLOAD
