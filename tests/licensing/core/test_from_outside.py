"""What another side said, made fit for a message."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.core.text import from_outside

SECRET = "aB3dE6gH9jK2mN5pQ8"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain", "plain"),
        (f"a {SECRET} b", "a [secret] b"),
        (f"a {SECRET.lower()} b", "a [secret] b"),
        (SECRET * 2, "[secret]"),
        (f"{SECRET[:8]} {SECRET[-8:]}", "[secret] [secret]"),
        (SECRET[:7], SECRET[:7]),
        ("\x1b[2J\u202e\x9b", "[2J"),
        ("x" * 500, "x" * 300),
        ("x" * 295 + SECRET, "x" * 295 + "[secr"),
    ],
)
def test_it_is_printable_bounded_and_without_the_secret(said: str, shown: str) -> None:
    assert from_outside(said, secret=SECRET) == shown


def test_a_short_secret_is_struck_out_where_it_stands_whole() -> None:
    assert from_outside("the key tooth is wrong", secret="tooth") == "the key [secret] is wrong"


SPELLINGS: dict[str, Callable[[str], str]] = {
    "for a URL": lambda text: "".join(f"%{ord(char):02X}" for char in text),
    "for a URL, twice": lambda text: "".join(f"%25{ord(char):02x}" for char in text),
    "for a URL, here and there": lambda text: text.replace("3", "%33").replace("H", "%48"),
    "for JSON": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "for C": lambda text: "".join(f"\\x{ord(char):02x}" for char in text),
    "for HTML": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "for HTML, in hex": lambda text: "".join(f"&#x{ord(char):x};" for char in text),
    "for a mail": lambda text: "".join(f"={ord(char):02X}" for char in text),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 behind a name": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "in base64 behind another": lambda text: base64.urlsafe_b64encode(f"me:{text}:x".encode()).decode(),
    "in hex": lambda text: text.encode().hex().upper(),
    "with blanks": " ".join,
    "with dashes": lambda text: "-".join(text[at : at + 4] for at in range(0, len(text), 4)),
    "in quotes, as a list": lambda text: str(list(text)),
    "as bytes": lambda text: repr(bytearray(text.encode())),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", [SECRET, "pa55-w0rd!with/signs+=", "0123456789abcdef0123456789abcdef"])
def test_a_secret_is_struck_out_however_it_is_spelt(spelling: str, secret: str) -> None:
    said = SPELLINGS[spelling](secret)
    shown = from_outside(f"before {said} after", secret=secret, length=2000)
    assert shown.count("[secret]") == 1 and len(shown) <= len("before [secret] after") + 30, shown


@given(st.text(max_size=400))
def test_what_holds_no_secret_is_shown_as_it_is(said: str) -> None:
    assert from_outside(said, secret=SECRET) == from_outside(said)


@given(st.text(max_size=400), st.integers(0, 10), st.integers(8, 18), st.text(max_size=400))
def test_no_eight_characters_of_a_secret_come_through(before: str, start: int, stop: int, after: str) -> None:
    shown = from_outside(before + SECRET[start:stop] + after, secret=SECRET).lower()
    assert not [at for at in range(len(SECRET) - 7) if SECRET[at : at + 8].lower() in shown]
