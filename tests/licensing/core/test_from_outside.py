"""What another side said, made fit for a message."""

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
        (SECRET * 2, "[secret][secret]"),
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


@given(st.text(max_size=400), st.integers(0, 10), st.integers(8, 18), st.text(max_size=400))
def test_no_eight_characters_of_a_secret_come_through(before: str, start: int, stop: int, after: str) -> None:
    shown = from_outside(before + SECRET[start:stop] + after, secret=SECRET).lower()
    assert not [at for at in range(len(SECRET) - 7) if SECRET[at : at + 8].lower() in shown]
