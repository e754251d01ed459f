"""The sealed file: opens to what was sealed, and to nothing else."""

import io
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.sealing.sealed import (
    SEGMENT_BYTES,
    BrokenSeal,
    ContentKey,
    KeyNotHeld,
    open_sealed,
    read_key_id,
    seal_file,
)

KEY = ContentKey(bytes(range(32)))
HELD = {KEY.id: KEY}
HEADER = 80  # magic, key id, and the stream's own header
TAG = 16
FIRST = SEGMENT_BYTES - 40 - TAG
NEXT = SEGMENT_BYTES - TAG
NAME = "eng.traineddata"


def sealed(plain: bytes, name: str = NAME, key: ContentKey = KEY) -> bytes:
    return b"".join(seal_file(io.BytesIO(plain), key, name))


def opened(content: bytes, name: str = NAME) -> bytes:
    return b"".join(open_sealed(io.BytesIO(content), HELD, name))


def model(size: int, seed: int = 0) -> bytes:
    return bytes((seed + number) % 251 for number in range(size))


def segments(content: bytes) -> list[bytes]:
    body = content[40:]
    return [body[start : start + SEGMENT_BYTES] for start in range(0, len(body), SEGMENT_BYTES)]


THREE = model(FIRST + NEXT + 1000)


@pytest.mark.parametrize("size", [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + NEXT, FIRST + NEXT + 1, 3 * NEXT])
def test_a_sealed_file_opens_to_what_was_sealed(size: int) -> None:
    plain = model(size)
    content = sealed(plain)
    assert opened(content) == plain
    assert len(content) == HEADER + size + TAG * len(segments(content))


def test_one_file_sealed_twice_is_never_the_same() -> None:
    one, other = sealed(THREE), sealed(THREE)
    assert one[:40] == other[:40] and one[40:] != other[40:]
    assert not set(segments(one)) & set(segments(other))


def test_a_sealed_file_names_its_key_and_does_not_hold_it() -> None:
    content = sealed(THREE)
    assert read_key_id(io.BytesIO(content)) == KEY.id
    assert KEY.secret not in content and THREE[:64] not in content


ATTACKS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "two segments change places": lambda one, _: one[:40] + b"".join(segments(one)[i] for i in (0, 2, 1)),
    "a segment is left out": lambda one, _: one[:40] + b"".join(segments(one)[i] for i in (0, 2)),
    "a segment is there twice": lambda one, _: one[:40] + b"".join(segments(one)[i] for i in (0, 1, 1, 2)),
    "the last segment is cut off": lambda one, _: one[:40] + b"".join(segments(one)[:2]),
    "all but the first segment are cut off": lambda one, _: one[:40] + segments(one)[0],
    "all segments are cut off": lambda one, _: one[:HEADER],
    "a byte is cut off": lambda one, _: one[:-1],
    "the tag is cut short": lambda one, _: one[:40] + b"".join(segments(one)[:2]) + segments(one)[2][:15],
    "a byte is added": lambda one, _: one + b"\0",
    "the last segment is added again": lambda one, _: one + segments(one)[-1],
    "an empty segment is added": lambda one, _: one + bytes(TAG),
    "another file's segment in its middle": lambda one, other: (
        one[:40] + segments(one)[0] + segments(other)[1] + segments(one)[2]
    ),
    "another file's end": lambda one, other: one[:40] + b"".join(segments(one)[:2]) + segments(other)[2],
    "another file's body under its salt": lambda one, other: one[:HEADER] + other[HEADER:],
    "its body under another file's salt": lambda one, other: other[:HEADER] + one[HEADER:],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_file_that_was_tampered_with_does_not_open(attack: str) -> None:
    one, other = sealed(THREE), sealed(model(len(THREE), seed=1))
    with pytest.raises(BrokenSeal):
        opened(ATTACKS[attack](one, other))


def test_a_file_cut_off_between_segments_does_not_pass_for_a_shorter_one() -> None:
    content = sealed(model(FIRST + NEXT))
    assert len(content) == 40 + 2 * SEGMENT_BYTES
    with pytest.raises(BrokenSeal, match="segment 1 is not as it was sealed"):
        opened(content[: 40 + SEGMENT_BYTES])


def test_a_file_does_not_open_under_the_name_of_another() -> None:
    for name in ("osd.traineddata", "eng.traineddata\0", "", "deu/eng.traineddata"):
        with pytest.raises(BrokenSeal, match="renamed"):
            opened(sealed(THREE), name)


def test_what_comes_before_the_damage_is_right_and_nothing_of_the_damaged_is_given() -> None:
    content = bytearray(sealed(THREE))
    content[40 + 2 * SEGMENT_BYTES] ^= 1
    given: list[bytes] = []
    with pytest.raises(BrokenSeal, match="segment 3"):
        given.extend(open_sealed(io.BytesIO(content), HELD, NAME))
    assert b"".join(given) == THREE[: FIRST + NEXT]


def test_a_key_that_is_not_held_is_named() -> None:
    other = ContentKey.new()
    with pytest.raises(KeyNotHeld) as refused:
        opened(sealed(THREE, key=other))
    assert refused.value.key_id == other.id


def test_a_key_under_the_id_of_another_opens_nothing() -> None:
    other = ContentKey.new()
    with pytest.raises(BrokenSeal):
        list(open_sealed(io.BytesIO(sealed(THREE)), {KEY.id: other}, NAME))


EMPTY = sealed(b"")
BAD_HEADERS = {
    "nothing": (b"", "it is not a sealed file"),
    "half a magic": (b"AZLSEA", "it is not a sealed file"),
    "a plain file": (THREE, "it is not a sealed file"),
    "another version": (b"AZLSEAL\x02" + EMPTY[8:], "not one of version 1"),
    "no version": (b"AZLSEAL", "not one of version 1"),
    "half a key id": (EMPTY[:39], "not one of version 1"),
    "half a nonce prefix": (EMPTY[:79], "not one of version 1"),
    "the header of a shorter key": (EMPTY[:40] + b"\x18" + EMPTY[41:], "not one of version 1"),
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_what_has_no_good_header_is_refused_by_it(case: str) -> None:
    content, said = BAD_HEADERS[case]
    with pytest.raises(BrokenSeal, match=said):
        opened(content)


SHORT = sealed(model(300))


@given(st.integers(0, len(SHORT) - 1), st.integers(1, 255))
def test_no_byte_of_a_sealed_file_can_be_changed(place: int, change: int) -> None:
    content = bytearray(SHORT)
    content[place] ^= change
    with pytest.raises((BrokenSeal, KeyNotHeld)):
        opened(bytes(content))


@given(st.integers(0, len(SHORT) - 1))
def test_a_sealed_file_can_be_cut_nowhere(length: int) -> None:
    with pytest.raises(BrokenSeal):
        opened(SHORT[:length])


@given(st.binary(max_size=200), st.sampled_from([0, 7, 8, 40, 41, HEADER]))
def test_bytes_that_nobody_sealed_open_to_nothing(content: bytes, kept: int) -> None:
    with pytest.raises((BrokenSeal, KeyNotHeld)):
        opened(SHORT[:kept] + content)


def test_memory_stays_flat_however_large_the_file() -> None:
    class Zeros(io.BytesIO):
        left = 64 * 2**20

        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            given = min(size, self.left)
            self.left -= given
            return bytes(given)

    class Pieces(io.BytesIO):
        def __init__(self) -> None:
            self.pieces = seal_file(Zeros(), KEY, NAME)
            self.rest = b""

        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            while len(self.rest) < size and (piece := next(self.pieces, b"")):
                self.rest += piece
            given, self.rest = self.rest[:size], self.rest[size:]
            return given

    tracemalloc.start()
    try:
        count = sum(map(len, open_sealed(Pieces(), HELD, NAME)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 64 * 2**20 and peak < 2 * 2**20


def test_a_content_key_shows_its_id_and_never_its_secret() -> None:
    key = ContentKey(b"s3cret! " * 4)
    assert "s3cret" not in repr(key) + str(key) and len(key.id) == 64
    assert ContentKey.new() != ContentKey.new()


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_content_key_is_32_bytes_long(size: int) -> None:
    with pytest.raises(ValueError, match="not 32 bytes"):
        ContentKey(bytes(size))
