"""Hostile license files: a mutator that makes the same ones every time, and an oracle that knows a false "valid".

The oracle has its own reading of DSSE and shares no code with the verification: a mutated file may run a container
only where its signed bytes are those of the original, under the license's own type, and the issuer's signature fits.
Whitespace or a field that DSSE does not know may come and go; nothing else.
"""

import base64
import gzip
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from azlic.render.verdict import VERDICT, verdict_text
from licensing.core.files import make_folder, write_whole
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import MAX_ENVELOPE_BYTES, seal
from licensing.signing.keys import public_pem
from licensing.trust.store import TrustStore
from licensing.verdict.verdict import Verdict
from licensing.verification import verify
from licensing.verification.renewal import LEAD_DAYS
from tests.site import a_license

SEED = 20_261_120
AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group of Ed25519, RFC 8032 §5.1


def _signer(name: bytes) -> CryptoSigner:
    key = Ed25519PrivateKey.from_private_bytes(name.ljust(32, b"."))
    return CryptoSigner(key, SSlibKey.from_crypto(key.public_key()))


ISSUER, STRANGER = _signer(b"the issuer"), _signer(b"a stranger")
LICENSE = a_license(grace_days=7, site="plant", content_keys={"k1": base64.b64encode(bytes(range(32))).decode()})
PAYLOAD = LICENSE.to_bytes()
ORIGINAL = seal(PAYLOAD, LICENSE_TYPE, ISSUER)
KEY_ID = str(ISSUER.public_key.keyid)

_OTHER_TYPES = (
    "application/vnd.azlic.revocations.v1+json",
    "application/vnd.azlic.license.v2+json",
    LICENSE_TYPE.upper(),
    f"{LICENSE_TYPE} ",
    f"{LICENSE_TYPE}; charset=utf-8",
    "application/json",
    "",
)
_NEVER_JSON = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 20, "-" + "9" * 20, "9" * 5000, r'"\ud800"')
_NEVER_MEANT = (*_NEVER_JSON, "null", "true", "-1", "0", "1.5", '""', "[]", "{}", r'"\u0000"', r'"\u001b[2J"', '"x"')
_TOKENS = (b"\x00", b"\xff", b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"=", b"\r\n", b"\xef\xbb\xbf", b"null")


# --- the parts of a mutation


def _envelope(**fields: object) -> bytes:
    return json.dumps(json.loads(ORIGINAL) | fields).encode()


def _with_payload(payload: bytes, signer: CryptoSigner | None) -> bytes:
    """Another payload: signed anew, or under the signature that was there."""
    if signer is not None:
        return seal(payload, LICENSE_TYPE, signer)
    return _envelope(payload=base64.b64encode(payload).decode())


def _with_signatures(*signatures: dict[str, Any]) -> bytes:
    return _envelope(signatures=list(signatures))


def _signature(content: bytes = ORIGINAL, **changes: object) -> dict[str, Any]:
    first: dict[str, Any] = json.loads(content)["signatures"][0]
    return first | changes


def _deep(rng: random.Random) -> str:
    levels = rng.choice((3, 50, 500, 5000, 15_000))
    opened, closed = rng.choice((("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")))
    return f"{opened * levels}0{closed * levels}"


def _replaced(document: bytes, raw: str, rng: random.Random) -> bytes:
    """A JSON document with a text that need not be JSON in place of one of its values, or of a new one."""
    fields = json.loads(document)
    inner, name = rng.choice([*_places(fields), (fields, "colour")])
    inner[name] = "\x00"
    return json.dumps(fields).replace(r'"\u0000"', raw, 1).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield value, name
            yield from _places(value[name])


def _twice(document: bytes, rng: random.Random) -> bytes:
    """One of the outer keys stands twice, the hostile value first or last."""
    name = rng.choice(list(json.loads(document)))
    again = f"{json.dumps(name)}: {rng.choice(_NEVER_MEANT)}".encode()
    if rng.random() < 0.5:
        return document.replace(b"{", b"{" + again + b",", 1)
    body = document.rstrip()
    return body[:-1] + b"," + again + body[-1:]


def _changed(rng: random.Random) -> bytes:
    """The license with another meaning, still a well-formed license for the most part."""
    fields = json.loads(PAYLOAD)
    changes: tuple[Callable[[], object], ...] = (
        lambda: fields.update(expires_at=f"{rng.randrange(2027, 9989)}-01-01T00:00:00Z"),
        lambda: fields.update(not_before="1970-01-02T00:00:00Z", issued_at="1970-01-01T00:00:00Z"),
        lambda: fields.update(grace_days=rng.randrange(8, 400)),
        lambda: fields.update(serial=rng.randrange(2, 2**60)),
        lambda: fields["container"].update(type="speech-to-text"),
        lambda: fields["container"].update(version_below=str(rng.randrange(5, 10**6))),
        lambda: fields["plan"].update(count=rng.randrange(2, 10**9)),
        lambda: fields.update(instances=[str(rng.random())]),
        lambda: fields.update({str(rng.random()): 1}),
    )
    for change in rng.sample(changes, rng.randrange(1, 4)):
        change()
    if rng.random() < 0.3:
        fields.pop(rng.choice(list(fields)))
    return json.dumps(fields).encode()


def _edited(content: bytes, rng: random.Random) -> bytes:
    """One edit of bytes that knows nothing of what they mean."""
    start, length = rng.randrange(len(content) or 1), rng.choice((1, 1, 2, 4, 64, 500))
    block, rest = content[start : start + length], content[start + length :]
    other = rng.randrange(len(rest) + 1)
    return rng.choice(
        (
            content[:start] + rng.randbytes(length) + rest,
            content[:start] + rng.randbytes(length) + block + rest,
            content[:start] + rng.choice(_TOKENS) + block + rest,
            content[:start] + rest,
            content[:start] + block + block + rest,
            content[:start] + rest[:other] + block + rest[other:],
            content[:start] + bytes(byte ^ 1 << rng.randrange(8) for byte in block) + rest,
            content[:start] + content[-length:] + rest[:-length] + block,
        )
    )


# --- the kinds of mutation that need a die; each gives a whole file


def bytes_edited(rng: random.Random) -> bytes:
    content = ORIGINAL
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        content = _edited(content, rng)
    return content


def payload_bytes_edited(rng: random.Random) -> bytes:
    return _with_payload(_edited(PAYLOAD, rng), rng.choice((None, STRANGER)))


def payload_changed(rng: random.Random) -> bytes:
    return _with_payload(_changed(rng), rng.choice((None, None, STRANGER)))


def payload_spoiled(rng: random.Random) -> bytes:
    return _with_payload(_replaced(PAYLOAD, rng.choice(_NEVER_MEANT), rng), rng.choice((None, STRANGER)))


def spoiled_by_the_issuer(rng: random.Random) -> bytes:
    """Signed by the trusted key itself, and still no license."""
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: _replaced(PAYLOAD, rng.choice(_NEVER_JSON), rng),
        lambda: _replaced(PAYLOAD, _deep(rng), rng),
        lambda: _twice(PAYLOAD, rng),
        lambda: PAYLOAD[: rng.randrange(len(PAYLOAD))],
        lambda: PAYLOAD.decode().encode(rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig"))),
        lambda: PAYLOAD + rng.randbytes(rng.randrange(1, 9)) + b"\x00",
    )
    return seal(rng.choice(ways)(), LICENSE_TYPE, ISSUER)


def another_type(rng: random.Random) -> bytes:
    kind = rng.choice(_OTHER_TYPES) + rng.choice(("", "", str(rng.randrange(1000))))
    signer = rng.choice((None, ISSUER, STRANGER))
    return _envelope(payloadType=kind) if signer is None else seal(PAYLOAD, kind, signer)


def boundary_moved(rng: random.Random) -> bytes:
    """Bytes go over from the payload to the type, or back: the signed text would be the same without its lengths."""
    cut = rng.randrange(1, 60)
    if rng.random() < 0.5:
        moved = f" {len(PAYLOAD)} {PAYLOAD[:cut].decode()}"
        return _envelope(payloadType=LICENSE_TYPE + moved, payload=base64.b64encode(PAYLOAD[cut:]).decode())
    payload = f"{LICENSE_TYPE[-cut:]} {len(PAYLOAD)} ".encode() + PAYLOAD
    return _envelope(payloadType=LICENSE_TYPE[:-cut], payload=base64.b64encode(payload).decode())


def signature_of_a_stranger(rng: random.Random) -> bytes:
    payload = rng.choice((PAYLOAD, _changed(rng)))
    signed = seal(payload, LICENSE_TYPE, STRANGER)
    theirs = _signature(signed, keyid=rng.choice((KEY_ID, KEY_ID.upper(), "", STRANGER.public_key.keyid)))
    signatures = [theirs, *rng.choice(([], [_signature()], [_signature(keyid="other")]))]
    rng.shuffle(signatures)
    return json.dumps(json.loads(signed) | {"signatures": signatures}).encode()


def signature_of_another_document(rng: random.Random) -> bytes:
    """The issuer has signed something else with the very same key."""
    another = seal(_changed(rng), rng.choice((LICENSE_TYPE, *_OTHER_TYPES)), ISSUER)
    mine, theirs = _signature(), _signature(another)
    return rng.choice(
        (
            _with_signatures(theirs),
            _with_signatures(theirs, mine | {"keyid": "other"}),
            json.dumps(json.loads(another) | {"signatures": [mine], "payloadType": LICENSE_TYPE}).encode(),
        )
    )


def signatures_rearranged(rng: random.Random) -> bytes:
    mine = _signature()
    sig = base64.b64decode(mine["sig"])
    higher = (int.from_bytes(sig[32:], "little") + rng.randrange(1, 8) * ORDER) % 2**256
    others = [{"keyid": f"{rng.random()}", "sig": base64.b64encode(rng.randbytes(64)).decode()} for _ in range(20)]
    return rng.choice(
        (
            _with_signatures(mine, mine),
            _with_signatures(mine, mine | {"sig": others[0]["sig"]}),
            _with_signatures(mine | {"sig": others[0]["sig"]}, mine),
            _with_signatures(*others[: rng.randrange(20)], mine),
            _with_signatures(*others[: rng.randrange(20)]),
            _with_signatures(mine | {"keyid": rng.choice((KEY_ID.upper(), KEY_ID[:-1], "", "x", f"{rng.random()}"))}),
            _with_signatures(mine | {"sig": base64.b64encode(sig[: rng.randrange(64)]).decode()}),
            _with_signatures(mine | {"sig": base64.b64encode(sig + rng.randbytes(rng.randrange(1, 65))).decode()}),
            _with_signatures(mine | {"sig": base64.b64encode(sig[:32] + higher.to_bytes(32, "little")).decode()}),
            _with_signatures(mine | {"sig": sig.hex()}),
            _with_signatures({"keyid": KEY_ID}),
            _with_signatures({"sig": mine["sig"]}),
        )
    )


def json_spoiled(rng: random.Random) -> bytes:
    raw = rng.choice((*_NEVER_MEANT, _deep(rng)))
    return rng.choice((_replaced(ORIGINAL, raw, rng), _twice(ORIGINAL, rng), raw.encode()))


def base64_otherwise(rng: random.Random) -> bytes:
    fields = json.loads(ORIGINAL)
    inner, name = rng.choice(((fields, "payload"), (fields["signatures"][0], "sig")))
    text, at = inner[name], rng.randrange(len(inner[name]))
    raw = base64.b64decode(text)
    blank = rng.choice((" ", "\n", "\r\n", "\t", "\x00", "=", "*", "Ï", "\u2028", "-", "_", "+", "/"))
    inner[name] = rng.choice(
        (
            base64.urlsafe_b64encode(raw).decode(),
            base64.b32encode(raw).decode(),
            base64.b85encode(raw).decode(),
            raw.hex(),
            text.rstrip("="),
            text + "=" * rng.randrange(1, 5),
            text[:at] + blank + text[at:],
            text[:at] + text[at].swapcase() + text[at + 1 :],
            text.rstrip("=")[:-1] + rng.choice("ABCDEFGHwxyz0123") + "=" * text.count("="),
            base64.encodebytes(raw).decode(),
            f"data:application/json;base64,{text}",
        )
    )
    return json.dumps(fields).encode()


def encoded_otherwise(rng: random.Random) -> bytes:
    text = ORIGINAL.decode()
    at = rng.randrange(len(ORIGINAL))
    return rng.choice(
        (
            b"\xef\xbb\xbf" + ORIGINAL,
            text.encode(rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037"))),
            text.replace("\n", "\r\n").encode(),
            ORIGINAL[:at] + b"\x00" * rng.randrange(1, 9) + ORIGINAL[at:],
            ORIGINAL + b"\x00" * rng.randrange(1, 600),
            gzip.compress(ORIGINAL, mtime=0),
            base64.b64encode(ORIGINAL),
            json.dumps(text).encode(),
            ORIGINAL + ORIGINAL,
            ORIGINAL + b" " * rng.randrange(MAX_ENVELOPE_BYTES),
            rng.randbytes(rng.randrange(3000)),
        )
    )


def said_otherwise(rng: random.Random) -> bytes:
    """The same license in other JSON: what may well be valid."""
    fields = json.loads(ORIGINAL)
    names = list(fields)
    rng.shuffle(names)
    again = {name: fields[name] for name in names} | {f"note {rng.random()}": rng.choice(([], {}, None, "", 1.5))}
    text = json.dumps(again, indent=rng.choice((None, 0, 7, "\t")), separators=rng.choice(((",", ":"), (" , ", " : "))))
    letter = rng.choice("AaZz0")
    return text.replace(letter, f"\\u{ord(letter):04x}").encode() if rng.random() < 0.3 else text.encode()


KINDS: dict[str, Callable[[random.Random], bytes]] = {
    kind.__name__.replace("_", " "): kind
    for kind in (
        bytes_edited,
        payload_bytes_edited,
        payload_changed,
        payload_spoiled,
        spoiled_by_the_issuer,
        another_type,
        boundary_moved,
        signature_of_a_stranger,
        signature_of_another_document,
        signatures_rearranged,
        json_spoiled,
        base64_otherwise,
        encoded_otherwise,
        said_otherwise,
    )
}


# --- the files


def every_flip() -> Iterator[tuple[str, bytes]]:
    """The original with each of its bits turned round, one at a time."""
    for bit in range(8):
        for position in range(len(ORIGINAL)):
            flipped = bytearray(ORIGINAL)
            flipped[position] ^= 1 << bit
            yield f"byte {position}, bit {bit}", bytes(flipped)


def every_truncation() -> Iterator[tuple[str, bytes]]:
    """The original cut off after, and before, each of its bytes."""
    for length in range(len(ORIGINAL)):
        yield f"the first {length} bytes", ORIGINAL[:length]
        yield f"all but the first {length + 1} bytes", ORIGINAL[length + 1 :]


def thrown(count: int, seed: int = SEED) -> Iterator[tuple[str, bytes]]:
    """Files of all kinds in turn, each from a die of its own: the name and the seed give the file again."""
    kinds = list(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        yield f"{kind}, {seed}/{number}", KINDS[kind](random.Random(f"{seed}/{number}"))


def mutations(count: int, seed: int = SEED) -> Iterator[tuple[str, bytes]]:
    """``count`` different files, none of them the original: every flip, every truncation, then the die."""
    seen = {ORIGINAL}
    for produced in (every_flip(), every_truncation(), thrown(20 * count, seed)):
        for name, content in produced:
            if len(seen) > count:
                return
            if content not in seen:
                seen.add(content)
                yield name, content


# --- the oracle


def may_be_valid(content: bytes) -> bool:
    """Whether these bytes say what the issuer signed, and nothing else. Shares no code with the verification."""
    try:
        fields = json.loads(content.decode(), object_pairs_hook=_unique)
        payload, kind = _decoded(fields["payload"]), fields["payloadType"]
        signatures = [_decoded(one["sig"]) for one in fields["signatures"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return (payload, kind) == (PAYLOAD, LICENSE_TYPE) and any(map(_fits, signatures))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.translate({ord("-"): "+", ord("_"): "/"}), validate=True)


def _fits(signature: bytes) -> bool:
    kind = LICENSE_TYPE.encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(PAYLOAD), PAYLOAD)
    try:
        Ed25519PrivateKey.from_private_bytes(b"the issuer".ljust(32, b".")).public_key().verify(signature, signed)
    except InvalidSignature:
        return False
    return True


class Target:
    """A license folder and a trust store, to throw files at."""

    def __init__(self, folder: Path, *trusted: CryptoSigner) -> None:
        self.file = folder / "license" / "license.dat"
        self.trust = TrustStore(folder / "trust.d")
        make_folder(self.file.parent, "the license folder", "-", mode=0o755)
        make_folder(self.trust.folder, "the trust store", "-", mode=0o755)
        for signer in trusted or (ISSUER,):
            write_whole(self.trust.folder / f"{signer.public_key.keyid[:8]}.pem", public_pem(signer.public_key))

    def verdict(self, content: bytes) -> Verdict:
        """What the verification says of a file with this content."""
        self.file.write_bytes(content)
        return verify(self.file.parent, trust=self.trust, as_of=AS_OF, container="read", version="3.2.0")

    def fault(self, content: bytes) -> str | None:
        """What is wrong with the answer to this file; None where all is well."""
        try:
            verdict = self.verdict(content)
            told = verdict_text(verdict, lead_days=LEAD_DAYS), VERDICT.line(verdict, lead_days=LEAD_DAYS)
        except Exception as error:
            return f"{type(error).__name__} was raised: {error}"
        if verdict.may_run and not may_be_valid(content):
            return f"false {verdict.status}"
        if verdict.may_run and verdict.license != LICENSE:
            return "valid, but another license"
        return None if all(text.replace("\n", "").isprintable() for text in told) else "words that steer a terminal"
