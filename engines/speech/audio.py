"""Audio as it arrives: its format out of a RIFF header, and slices of it as the recogniser takes them."""

import io
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from engines.speech.model import RATE
from engines.speech.refusal import AudioRefused

TICKS = 10_000_000
"""Ticks a second: the unit of every time that the Speech SDK sends and gets."""

_HEADER_BYTES = 64 * 1024
_MOST_CHUNKS = 64
_EXTENSIBLE = 0xFFFE
_SUBTYPES = {
    (1, 8): "PCM_U8",
    (1, 16): "PCM_16",
    (1, 24): "PCM_24",
    (1, 32): "PCM_32",
    (3, 32): "FLOAT",
    (3, 64): "DOUBLE",
    (6, 8): "ALAW",
    (7, 8): "ULAW",
}
"""The codings there are, by the tag and the bits of a RIFF header, under libsndfile's names."""
_MOST_CHANNELS = 16
_RATES = range(4_000, 192_001)
_HINT = "send WAV audio: PCM of 8 to 32 bits, float, A-law or mu-law"


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How a stream's bytes are to be heard; ``coding`` is libsndfile's name for a sample's form."""

    rate: int
    channels: int
    coding: str
    sample_bytes: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.sample_bytes

    @property
    def slice_frames(self) -> int:
        """Frames of a slice: a tenth of a second, or as many tenths as make whole frames."""
        return self.rate // math.gcd(self.rate, 10)

    def ticks(self, frames: int) -> int:
        """How long so many frames last."""
        return frames * TICKS // self.rate

    def seconds(self, start: int, end: int) -> Decimal:
        """The seconds from one frame to another: the difference of the whole millionths up to each."""
        micro = end * 1_000_000 // self.rate - start * 1_000_000 // self.rate
        return Decimal(micro).scaleb(-6)

    def slice_end(self, ticks: int) -> int:
        """The frame at which the slice ends that an instant lies in."""
        length = self.slice_frames
        return -(-ticks * self.rate // (TICKS * length)) * length


def read_header(content: bytes) -> tuple[AudioFormat, int] | None:
    """The format that a RIFF header states, and where the audio begins; None while the header is not all there.

    Sizes in it may be 0, as in a stream. Raises ``AudioRefused`` for what is no such header, or a format that is not
    taken.
    """
    if content[:4] != b"RIFF"[: len(content)] or content[8:12] != b"WAVE"[: max(0, len(content) - 8)]:
        raise AudioRefused("the audio does not begin with a RIFF header", hint=_HINT)
    place, form = 12, None
    for _ in range(_MOST_CHUNKS):
        if len(content) < place + 8:
            return None
        name, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        place += 8
        if name == b"data":
            if form is None:
                raise AudioRefused("the RIFF header states no format before its data", hint=_HINT)
            return form, place
        if place + size > _HEADER_BYTES:
            break
        if name == b"fmt " and len(content) >= place + size:
            form = _format(content[place : place + size])
        place += size + size % 2
    raise AudioRefused("the RIFF header does not come to its data", hint=_HINT)


def _format(chunk: bytes) -> AudioFormat:
    if len(chunk) < 16:
        raise AudioRefused("the RIFF header is cut off", hint=_HINT)
    tag, channels, rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 26:
        tag = int.from_bytes(chunk[24:26], "little")
    coding = _SUBTYPES.get((tag, bits))
    if coding is None:
        raise AudioRefused(f"audio of format {tag} with {bits} bits is not taken", hint=_HINT)
    check_rate(rate, channels)
    if frame_bytes != channels * bits // 8:
        raise AudioRefused("the RIFF header contradicts itself about its sample size", hint=_HINT)
    return AudioFormat(rate, channels, coding, bits // 8)


def check_rate(rate: int, channels: int) -> None:
    """Raise ``AudioRefused`` for a rate, or so many channels, that are not taken."""
    if not 1 <= channels <= _MOST_CHANNELS or rate not in _RATES:
        raise AudioRefused(
            f"{channels} channels of {rate} Hz are not taken",
            hint=f"1 to {_MOST_CHANNELS} channels of {_RATES[0]} to {_RATES[-1]} Hz are",
        )


class Slicer:
    """Cuts a stream into slices of equal length, however its messages cut it: the same audio is always heard alike."""

    def __init__(self, form: AudioFormat) -> None:
        self._form = form
        self._bytes = form.slice_frames * form.frame_bytes
        self._rest = bytearray()

    def cut(self, content: bytes) -> list[bytes]:
        """The slices that are whole with this content."""
        self._rest += content
        whole = len(self._rest) - len(self._rest) % self._bytes
        slices = [bytes(self._rest[start : start + self._bytes]) for start in range(0, whole, self._bytes)]
        del self._rest[:whole]
        return slices

    def last(self) -> list[bytes]:
        """The shorter slice at the end, if there is one; half a frame is left out."""
        rest = bytes(self._rest[: len(self._rest) - len(self._rest) % self._form.frame_bytes])
        self._rest.clear()
        return [rest] if rest else []


class Converter:
    """Makes of slices what the recogniser hears."""

    def __init__(self, form: AudioFormat) -> None:
        self._form = form
        self._native = form == AudioFormat(RATE, 1, "PCM_16", 2)
        self._stream = soxr.ResampleStream(form.rate, RATE, 1, dtype="float32")

    def convert(self, content: bytes, *, last: bool = False) -> bytes:
        """The next slice; a resampler holds a little back, which comes out with the ``last``."""
        if self._native:
            return content
        form = self._form
        if content:
            frames, _ = soundfile.read(
                io.BytesIO(content),
                dtype="float32",
                always_2d=True,
                format="RAW",
                subtype=form.coding,
                channels=form.channels,
                samplerate=form.rate,
                endian="LITTLE" if form.sample_bytes > 1 else None,
            )
        else:
            frames = np.zeros((0, form.channels), dtype="float32")
        return samples(self._stream.resample_chunk(mixed_down(frames), last=last))


def mixed_down(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """All channels as one; what is no number, or too large a one, is heard as silence or as loud as there is."""
    mixed: npt.NDArray[np.float32] = np.clip(np.nan_to_num(frames), -1.0, 1.0).mean(axis=1)
    return mixed


def samples(heard: npt.NDArray[np.float32]) -> bytes:
    """Values from -1 to 1 as 16-bit samples."""
    return (np.clip(heard, -1.0, 1.0) * np.float32(32767)).astype("<i2").tobytes()


def slices_of(content: bytes, form: AudioFormat) -> Iterator[bytes]:
    """All slices of a recording that is whole."""
    slicer = Slicer(form)
    yield from slicer.cut(content)
    yield from slicer.last()
