"""Compressed usage files: known by their first bytes, and read by the offsets of what was compressed.

Whatever their names say, the first bytes decide: gzip, bzip2, xz, lzma and Zstandard are read, several members or
frames behind each other too.
"""

import bz2
import lzma
import os
import sys
import zlib
from collections.abc import Callable
from typing import Protocol

_PIECE = 64 * 1024
_MEMORY = 256 * 1024 * 1024
"""So much a decoder of xz may ask for; ``xz -9`` asks for 65 MiB."""
FREE = 256 * 1024 * 1024
_MOST_TIMES = 500
"""A file may grow to so many times its size, or to ``FREE`` bytes; records grow five to fifty times."""


class Damaged(Exception):
    """A compressed file that is not whole, or that is not what it begins as; the text says which."""


class _Decoder(Protocol):
    """One member or frame being decompressed, as the standard library does it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """A member of a gzip file, in the way of the other decoders."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        found = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        self.needs_input = not self._inflate.unconsumed_tail and len(found) < max_length
        return found


def _zstandard() -> _Decoder:
    # only who has such files pays for it
    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdDecompressor  # noqa: PLC0415
    else:
        from backports.zstd import ZstdDecompressor  # noqa: PLC0415

    return ZstdDecompressor()


_DECODERS: tuple[tuple[bytes, Callable[[], _Decoder]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(memlimit=_MEMORY)),
    (b"]\x00\x00", lambda: lzma.LZMADecompressor(memlimit=_MEMORY)),
    (b"\x28\xb5\x2f\xfd", _zstandard),
)
"""By the bytes that such a file begins with."""


def decoder_of(beginning: bytes) -> Callable[[], _Decoder] | None:
    """What decompresses a file that begins so; None for one that is not compressed, or in no way we read."""
    return next((decoder for magic, decoder in _DECODERS if beginning.startswith(magic)), None)


class Decompressed:
    """The content of an open compressed file. Reading backwards begins anew; memory is bounded.

    Raises ``Damaged`` where it cannot be read on, or grows as no file of records does.
    """

    def __init__(self, descriptor: int, decoder: Callable[[], _Decoder], *, free: int = FREE) -> None:
        self._descriptor = descriptor
        self._free = free
        self._new_decoder = decoder
        self._rewind()

    def _rewind(self) -> None:
        self._decoder, self._at, self._raw_at = self._new_decoder(), 0, 0

    def read(self, start: int, length: int) -> bytes:
        """Up to ``length`` bytes from an offset; none only where the content ends."""
        if start < self._at:
            self._rewind()
        while self._at < start:
            if not self._more(min(_PIECE, start - self._at)):
                return b""
        return self._more(length)

    def _more(self, length: int) -> bytes:
        data = b""
        while True:
            if self._decoder.eof:
                data = self._next_member()
                if not data:
                    return b""
                self._decoder = self._new_decoder()
            elif self._decoder.needs_input:
                data = self._raw()
                if not data:
                    raise Damaged("it is compressed, and ends before its end was written")
            found = self._decode(data, length)
            data = b""
            if found:
                self._at += len(found)
                if self._at > max(self._free, _MOST_TIMES * self._raw_at):
                    raise Damaged(f"it grows to more than {_MOST_TIMES} times its size when it is decompressed")
                return found

    def _decode(self, data: bytes, length: int) -> bytes:
        try:
            return self._decoder.decompress(data, length)
        except Exception as error:  # each library has its own, with no common root
            raise Damaged(f"it is compressed, and damaged: {error}") from error

    def _next_member(self) -> bytes:
        """The beginning of what follows a member; padding with zeros is nothing."""
        rest = self._decoder.unused_data.lstrip(b"\0")
        while not rest and (piece := self._raw()):
            rest = piece.lstrip(b"\0")
        return rest

    def _raw(self) -> bytes:
        piece = os.pread(self._descriptor, _PIECE, self._raw_at)
        self._raw_at += len(piece)
        return piece
