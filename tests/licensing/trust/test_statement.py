"""Every kind of statement against damage and against being taken for another."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from licensing.signing.document import LICENSE_TYPE, BadDocument, parse_license
from licensing.signing.envelope import seal
from licensing.trust.clock_reset import ClockReset, parse_clock_reset
from licensing.trust.held import Held
from licensing.trust.keys import TrustedKey
from licensing.trust.revocations import RevocationList
from licensing.trust.rotation import MAX_KEYS, KeyChain, Rotation, RotationKey
from licensing.trust.statement import BadStatement, RefusedStatement, Statement, open_statement, outer_form
from tests.licensing.vendor import DAY, LICENSE_ID, START
from tests.site import a_license

SIGNER, NEXT = CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()
ISSUER = SIGNER.public_key.keyid
TRUSTED = (TrustedKey(Path("issuer.pem"), SIGNER.public_key, ISSUER),)
ROTATION = Rotation(
    issuer=ISSUER,
    version=1,
    issued_at=START,
    expires_at=START + 365 * DAY,
    keys=(RotationKey.of(SIGNER.public_key, None, START + DAY), RotationKey.of(NEXT.public_key, START, None)),
    reason="yearly rotation",
)
REVOCATIONS = RevocationList.model_validate(
    {
        "issuer": ISSUER,
        "number": 1,
        "issued_at": START,
        "next_update": START + 90 * DAY,
        "licenses": [{"license_id": LICENSE_ID, "reason": "stolen", "revoked_at": START}],
    }
)
RESET = ClockReset(reset_id=LICENSE_ID, instant=START, issued_at=START, reason="a wrong clock", site="plant-7")
STATEMENTS: dict[str, Statement] = {"rotation": ROTATION, "revocations": REVOCATIONS, "clock reset": RESET}


def follow(content: bytes) -> Statement | None:
    return KeyChain(ISSUER, TRUSTED).follow(outer_form(content, Rotation), Path("rotation-1.json")).rotation


READERS: dict[str, Callable[[bytes], Statement | None]] = {
    "rotation": follow,
    "revocations": lambda content: open_statement(outer_form(content, RevocationList), RevocationList, TRUSTED),
    "clock reset": lambda content: parse_clock_reset(content, Held(TRUSTED, ())),
}


def sealed(kind: str) -> bytes:
    return seal(STATEMENTS[kind].to_bytes(), STATEMENTS[kind].payload_type, SIGNER, NEXT)


def says_nothing_else(kind: str, content: bytes) -> bool:
    """Whether these bytes are refused in words, or say exactly what was signed."""
    try:
        return READERS[kind](content) == STATEMENTS[kind]
    except (BadStatement, RefusedStatement) as error:
        return bool(str(error))


@pytest.mark.parametrize("kind", STATEMENTS)
def test_what_was_signed_is_what_is_read(kind: str) -> None:
    assert READERS[kind](sealed(kind)) == STATEMENTS[kind]


@pytest.mark.parametrize("kind", STATEMENTS)
def test_no_flipped_bit_makes_it_say_something_else(kind: str) -> None:
    content = sealed(kind)
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        assert says_nothing_else(kind, bytes(flipped)), position


@pytest.mark.parametrize("kind", STATEMENTS)
def test_no_truncation_makes_it_say_something_else(kind: str) -> None:
    content = sealed(kind)
    assert [length for length in range(len(content)) if not says_nothing_else(kind, content[:length])] == []


@given(st.sampled_from(list(STATEMENTS)), st.binary(), st.integers(0, 3000))
def test_any_bytes_are_refused_in_words(kind: str, tail: bytes, at: int) -> None:
    assert says_nothing_else(kind, sealed(kind)[:at] + tail)


@given(st.sampled_from(list(STATEMENTS)), st.binary() | st.text().map(repr).map(str.encode))
def test_any_payload_that_the_issuer_signs_is_refused_in_words(kind: str, payload: bytes) -> None:
    assert says_nothing_else(kind, seal(payload, STATEMENTS[kind].payload_type, SIGNER))


@given(st.sampled_from(list(STATEMENTS)), st.data())
def test_any_damage_that_the_issuer_signs_is_refused_in_words(kind: str, data: st.DataObject) -> None:
    payload = bytearray(STATEMENTS[kind].to_bytes())
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        READERS[kind](seal(bytes(payload), STATEMENTS[kind].payload_type, SIGNER, NEXT))
    except (BadStatement, RefusedStatement) as error:
        assert str(error)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", [*STATEMENTS, "license"])
def test_no_kind_of_document_passes_as_another(kind: str, reader: str) -> None:
    if kind == reader:
        return
    content = seal(a_license().to_bytes(), LICENSE_TYPE, SIGNER) if kind == "license" else sealed(kind)
    with pytest.raises((BadStatement, RefusedStatement), match="a signed document of another type"):
        READERS[reader](content)


@pytest.mark.parametrize("kind", STATEMENTS)
def test_no_payload_passes_under_another_type_even_when_the_issuer_signs_it_so(kind: str) -> None:
    payload = STATEMENTS[kind].to_bytes()
    for reader in READERS:
        if reader != kind:
            assert says_nothing_else(reader, seal(payload, STATEMENTS[reader].payload_type, SIGNER, NEXT))
    with pytest.raises(BadDocument):
        parse_license(payload)


@pytest.mark.parametrize("kind", STATEMENTS)
def test_a_field_that_this_version_does_not_know_is_refused(kind: str) -> None:
    payload = STATEMENTS[kind].to_bytes()[:-1] + b',"more":1}'
    with pytest.raises((BadStatement, RefusedStatement), match="more: it is a field that this version does not know"):
        READERS[kind](seal(payload, STATEMENTS[kind].payload_type, SIGNER, NEXT))


@pytest.mark.parametrize("kind", STATEMENTS)
def test_a_field_that_stands_twice_is_refused(kind: str) -> None:
    payload = STATEMENTS[kind].to_bytes()[:-1] + b',"issued_at":"2026-03-02T08:00:00Z"}'
    with pytest.raises((BadStatement, RefusedStatement), match="a key occurs twice"):
        READERS[kind](seal(payload, STATEMENTS[kind].payload_type, SIGNER, NEXT))


@pytest.mark.parametrize("kind", STATEMENTS)
def test_a_statement_is_as_large_as_its_kind_may_be_and_no_larger(kind: str) -> None:
    limit = STATEMENTS[kind].limit
    assert READERS[kind](sealed(kind).ljust(limit)) == STATEMENTS[kind]
    with pytest.raises((BadStatement, RefusedStatement), match=f"larger than {limit} bytes"):
        READERS[kind](sealed(kind).ljust(limit + 1))


INCONSISTENT: dict[str, tuple[Statement, dict[str, object], str]] = {
    "a rotation that expires first": (ROTATION, {"expires_at": START}, "expires before it was issued"),
    "a rotation without keys": (ROTATION, {"keys": []}, "it is empty"),
    "a rotation of a key twice": (ROTATION, {"keys": ROTATION.keys * 2}, "lists a key twice"),
    "a rotation of too many keys": (ROTATION, {"keys": ROTATION.keys * MAX_KEYS}, "at most 64"),
    "a rotation past the last version": (ROTATION, {"version": 257}, "more than 256"),
    "a rotation without a version": (ROTATION, {"version": 0}, "less than 1"),
    "an issuer that is no key id": (ROTATION, {"issuer": "me"}, "does not have the required form"),
    "a list that is overdue first": (REVOCATIONS, {"next_update": START}, "due before this one was issued"),
    "a list without a number": (REVOCATIONS, {"number": 0}, "less than 1"),
    "a reset that is no single line": (RESET, {"reason": "a\nb"}, "unprintable characters"),
    "a reset that is no id": (RESET, {"reset_id": "1"}, "does not have the required form"),
}


@pytest.mark.parametrize("case", INCONSISTENT)
def test_what_contradicts_itself_cannot_be_made_nor_read(case: str) -> None:
    whole, wrong, words = INCONSISTENT[case]
    kind = next(kind for kind, statement in STATEMENTS.items() if statement is whole)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of pydantic: it is none of what it should be
        payload = whole.model_copy(update=wrong).to_bytes()
    with pytest.raises((BadStatement, RefusedStatement), match=words):
        READERS[kind](seal(payload, whole.payload_type, SIGNER, NEXT))


BAD_KEYS = {
    "not base64": "*",
    "too short": "YWI=",
    "bits left over": "A" * 42 + "B=",
    "a line break": "A" * 43 + "=\n",
}


@pytest.mark.parametrize("case", BAD_KEYS)
def test_a_public_key_has_one_form(case: str) -> None:
    with pytest.raises(ValueError, match="a public key is not"):
        RotationKey(public_key=BAD_KEYS[case])


def test_a_window_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        RotationKey.of(SIGNER.public_key, START, START)


@pytest.mark.parametrize(("days", "inside"), [(-1, False), (0, True), (1, True), (2, False), (3, False)])
def test_a_keys_window_holds_its_first_instant_and_not_its_last(days: int, inside: bool) -> None:
    known = TrustedKey(Path("issuer.pem"), SIGNER.public_key, ISSUER, START, START + 2 * DAY)
    assert known.covers(START + days * DAY) is inside


def test_a_clock_reset_from_outside_the_keys_window_is_refused() -> None:
    closed = TRUSTED[0]._replace(not_after=START)
    with pytest.raises(RefusedStatement, match="not in force"):
        parse_clock_reset(sealed("clock reset"), Held((closed,), ()))


def test_a_clock_reset_of_nobody_that_is_trusted_is_refused() -> None:
    with pytest.raises(RefusedStatement, match="is not signed by any key that may sign it"):
        parse_clock_reset(sealed("clock reset"), Held((), ()))


def test_a_statements_names_are_safe_to_print() -> None:
    content = seal(b"{}", "\x1b[31mred", SIGNER)
    with pytest.raises(BadStatement) as refused:
        outer_form(content, Rotation)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("up_to", "serial", "revoked"), [(None, 1, True), (None, 10**9, True), (3, 3, True), (3, 4, False)]
)
def test_a_license_is_revoked_up_to_and_with_a_serial(up_to: int | None, serial: int, revoked: bool) -> None:
    entry = REVOCATIONS.licenses[0].model_copy(update={"up_to_serial": up_to})
    listed = REVOCATIONS.model_copy(update={"licenses": (entry,)})
    assert (listed.revoking(LICENSE_ID, serial) is entry) is revoked
    assert listed.revoking("0" + LICENSE_ID[1:-1] + "2", serial) is None


def test_two_entries_for_a_license_revoke_as_much_as_the_stronger() -> None:
    weak = REVOCATIONS.licenses[0].model_copy(update={"up_to_serial": 1})
    listed = REVOCATIONS.model_copy(update={"licenses": (weak, REVOCATIONS.licenses[0])})
    assert listed.revoking(LICENSE_ID, 7) is REVOCATIONS.licenses[0]
