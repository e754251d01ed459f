"""The sealed file: a model that only a license with its content key opens.

    magic    8 bytes   "AZLSEAL", and the version 1
    key id  32 bytes   the SHA-256 of the content key
    body               AES-GCM-HKDF streaming AEAD, as Tink defines it:
      header     the byte 40, a salt of 32 bytes, a nonce prefix of 7
      segments   of 64 KiB each, the first shorter by the header, the last as long as it comes; each ends in its tag

The file's own key is HKDF-SHA256 of the content key, with the salt, and with the file's name as info. A segment is
AES-256-GCM under the nonce: prefix, number in 4 bytes, and 1 in the last segment, else 0. So no segment can be changed,
moved, left away, added, or taken from another file, and no file can replace another one.

Source: STREAM (Hoang, Reyhanitabar, Rogaway, Vizar: Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance, 2015); developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SUFFIX = ".sealed"
KEY_BYTES = 32
SEGMENT_BYTES = 64 * 1024
_MAGIC = b"AZLSEAL\x01"
_ID_BYTES = 32
_SALT_BYTES = 32
_PREFIX_BYTES = 7
_STREAM_BYTES = 1 + _SALT_BYTES + _PREFIX_BYTES
_TAG_BYTES = 16
_PURPOSE = b"azlic sealed file 1\0"


class BrokenSeal(ValueError):
    """Bytes that are not a sealed file, or no longer the one that was sealed; the text says what is wrong."""


class KeyNotHeld(LookupError):
    """A file was sealed with a key that is not among those held."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"it was sealed with key {key_id}")
        self.key_id = key_id


@dataclass(frozen=True, slots=True)
class ContentKey:
    """A key that seals and opens files. Its ``id`` is its SHA-256 in hex, which reveals nothing of the key."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a content key is not {KEY_BYTES} bytes long")

    @classmethod
    def new(cls) -> "ContentKey":
        return cls(token_bytes(KEY_BYTES))

    @property
    def id(self) -> str:
        return hashlib.sha256(self.secret).hexdigest()


class _Segments:
    """The segments of one file: its key, the nonce of each, and how many plain bytes each holds."""

    def __init__(self, key: ContentKey, stream_header: bytes, name: str) -> None:
        salt, self._prefix = stream_header[1:-_PREFIX_BYTES], stream_header[-_PREFIX_BYTES:]
        derived = HKDF(SHA256(), KEY_BYTES, salt, _PURPOSE + name.encode()).derive(key.secret)
        self._cipher = AESGCM(derived)

    def encrypt(self, number: int, plain: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(number, last), plain, None)

    def decrypt(self, number: int, segment: bytes, *, last: bool) -> bytes:
        return self._cipher.decrypt(self._nonce(number, last), segment, None)

    def _nonce(self, number: int, last: bool) -> bytes:
        return self._prefix + number.to_bytes(4, "big") + bytes([last])


def seal_file(source: BinaryIO, key: ContentKey, name: str, *, salt_and_prefix: bytes | None = None) -> Iterator[bytes]:
    """The sealed form of a file, piece by piece; ``name`` is what it will be asked for by.

    ``salt_and_prefix`` is for test vectors alone: they are made at random, and two files must never share them.
    """
    stream_header = bytes([_STREAM_BYTES]) + (salt_and_prefix or token_bytes(_SALT_BYTES + _PREFIX_BYTES))
    segments = _Segments(key, stream_header, name)
    yield _MAGIC + bytes.fromhex(key.id) + stream_header
    for number, plain, last in _number_pieces(source, SEGMENT_BYTES - _TAG_BYTES):
        yield segments.encrypt(number, plain, last=last)


def open_sealed(source: BinaryIO, keys: Mapping[str, ContentKey], name: str) -> Iterator[bytes]:
    """What was sealed under ``name``, piece by piece, each checked before it is given.

    Only with the last piece is it sure that the file is whole. Raises ``KeyNotHeld``, and ``BrokenSeal`` at the first
    byte that is not as it was sealed.
    """
    key_id = read_key_id(source)
    if key_id not in keys:
        raise KeyNotHeld(key_id)
    stream_header = source.read(_STREAM_BYTES)
    if len(stream_header) != _STREAM_BYTES or stream_header[0] != _STREAM_BYTES:
        raise BrokenSeal("its header is not one of version 1")
    segments = _Segments(keys[key_id], stream_header, name)
    for number, segment, last in _number_pieces(source, SEGMENT_BYTES):
        try:
            yield segments.decrypt(number, segment, last=last)
        except InvalidTag as error:
            raise BrokenSeal(
                f"segment {number + 1} is not as it was sealed: the file was changed, cut short, or renamed"
            ) from error


def read_key_id(source: BinaryIO) -> str:
    """The id of the key a file was sealed with, from its first bytes. Raises ``BrokenSeal`` where it is not sealed."""
    opening = source.read(len(_MAGIC) + _ID_BYTES)
    if not opening.startswith(_MAGIC[:-1]):
        raise BrokenSeal("it is not a sealed file")
    if len(opening) != len(_MAGIC) + _ID_BYTES or not opening.startswith(_MAGIC):
        raise BrokenSeal("its header is not one of version 1")
    return opening[len(_MAGIC) :].hex()


def _number_pieces(source: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """The pieces of a file, the first shorter by the stream's header, and whether each is the last; at least one."""
    number, piece = 0, source.read(size - _STREAM_BYTES)
    while following := source.read(size):
        yield number, piece, False
        number, piece = number + 1, following
    yield number, piece, True
