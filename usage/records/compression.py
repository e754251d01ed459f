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
_SMALL_PIECE = 64
_KEPT = 5 * 1024 * 1024
"""So much can be gone back: more than a block of lines and the beginning of the next."""
_MEMORY = 128 * 1024 * 1024
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
    """The content of an open compressed file, in two streams that go forward only; memory is bounded.

    One runs ahead to where a line ends, the other follows with what stands in it: a file is unpacked twice at most,
    however long its lines are and wherever its blocks are cut. Only what lies behind both begins anew. Raises
    ``Damaged`` where it cannot be read on, or grows as no file of records does.
    """

    def __init__(self, descriptor: int, decoder: Callable[[], _Decoder], *, free: int = FREE) -> None:
        self._streams = [_Stream(descriptor, decoder, free) for _ in range(2)]

    def read(self, start: int, length: int) -> bytes:
        """Up to ``length`` bytes from an offset; none only where the content ends."""
        reachable = [stream for stream in self._streams if stream.kept_from <= start]
        if not reachable:
            reachable = [min(self._streams, key=lambda stream: stream.at)]
            reachable[0].rewind()
        return max(reachable, key=lambda stream: stream.at).read(start, min(length, _KEPT))


class _Stream:
    """What is unpacked of a file up to a place, of which the last bytes are kept for who goes back a little."""

    def __init__(self, descriptor: int, decoder: Callable[[], _Decoder], free: int) -> None:
        self._descriptor = descriptor
        self._free = free
        self._new_decoder = decoder
        self.rewind()

    def rewind(self) -> None:
        """Begin anew."""
        self._decoder = self._new_decoder()
        self._kept, self.kept_from = bytearray(), 0
        self._raw_at, self._raw_length = 0, _PIECE

    @property
    def at(self) -> int:
        """How far it is unpacked."""
        return self.kept_from + len(self._kept)

    def read(self, start: int, length: int) -> bytes:
        """Up to ``length`` bytes from an offset that is still kept, or lies ahead."""
        while (left := start + length - self.at) > 0 and self._more(min(_PIECE, left)):
            if len(self._kept) > 2 * _KEPT:
                self.kept_from += len(self._kept) - _KEPT
                del self._kept[:-_KEPT]
        first = start - self.kept_from
        with memoryview(self._kept) as kept:
            return bytes(kept[first : first + length])

    def _more(self, length: int) -> bool:
        """Unpack some more; False where the content ends."""
        data = b""
        while True:
            if self._decoder.eof:
                if not self._find_next_member():
                    return False
                self._decoder = self._new_decoder()
            elif self._decoder.needs_input:
                data = self._raw()
                if not data:
                    raise Damaged("it is compressed, and ends before its end was written")
            found = self._decode(data, length)
            data = b""
            if found:
                self._kept += found
                if self.at > max(self._free, _MOST_TIMES * self._raw_at):
                    raise Damaged(f"it grows to more than {_MOST_TIMES} times its size when it is decompressed")
                return True

    def _decode(self, data: bytes, length: int) -> bytes:
        try:
            return self._decoder.decompress(data, length)
        except Exception as error:  # each library has its own, with no common root
            raise Damaged(f"it is compressed, and damaged: {error}") from error

    def _find_next_member(self) -> bool:
        """Go to what follows a member; padding with zeros is nothing.

        From there on little is read at first: of a million tiny members, each would else be handed all that follow.
        """
        self._raw_at -= len(self._decoder.unused_data)
        self._raw_length = _SMALL_PIECE
        while piece := self._raw():
            if rest := piece.lstrip(b"\0"):
                self._raw_at -= len(rest)
                self._raw_length = _SMALL_PIECE
                return True
        return False

    def _raw(self) -> bytes:
        piece = os.pread(self._descriptor, self._raw_length, self._raw_at)
        self._raw_at += len(piece)
        self._raw_length = min(2 * self._raw_length, _PIECE)
        return piece
