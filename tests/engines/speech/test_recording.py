"""Recordings as they are decoded: those that are taken, and what anybody may send in their place."""

import io
import random

import numpy as np
import pytest
import soundfile

from engines.speech.audio import mixed_down
from engines.speech.recording import decode
from engines.speech.refusal import AudioRefused, Code
from tests.engines.speech.recordings import as_wav, said, silence

SHORT = said()[:4000]
TAKEN = {
    "WAV": as_wav(SHORT),
    "WAV of floats": as_wav(SHORT, channels=2, subtype="FLOAT"),
    "mu-law": as_wav(SHORT, rate=8_000, subtype="ULAW"),
    "RF64": as_wav(SHORT, form="RF64"),
    "FLAC": as_wav(SHORT, form="FLAC", subtype="PCM_24"),
    "Vorbis": as_wav(SHORT, form="OGG", subtype="VORBIS"),
    "Opus": as_wav(SHORT, form="OGG", subtype="OPUS"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_recording_is_as_long_as_it_is(name: str) -> None:
    recording = decode(TAKEN[name], most_seconds=1)
    assert recording.frames / recording.form.rate == pytest.approx(0.25, abs=0.001)
    assert (recording.form.channels, recording.form.sample_bytes) == (1, 2)


def test_a_wav_that_leaves_its_length_open_is_read_to_its_end() -> None:
    body, place = TAKEN["WAV"], TAKEN["WAV"].index(b"data") + 4
    for riff, data in ((0, 0), (36, 0), (0xFFFFFFFF, 0xFFFFFFFF)):
        numbers = riff.to_bytes(4, "little"), data.to_bytes(4, "little")
        piped = body[:4] + numbers[0] + body[8:place] + numbers[1] + body[place + 4 :]
        assert decode(piped, most_seconds=1) == decode(body, most_seconds=1)


def test_a_wav_without_audio_has_none_whatever_comes_behind_it() -> None:
    empty = as_wav(silence(0))
    noted = empty[:4] + (len(empty) + 4).to_bytes(4, "little") + empty[8:] + b"LIST\x04\0\0\0note"
    assert decode(empty, most_seconds=1).frames == decode(noted, most_seconds=1).frames == 0


def without_length(flac: bytes) -> bytes:
    """A FLAC as it comes out of a pipe: the number of its samples, 36 bits, is 0."""
    return flac[:21] + bytes([flac[21] & 0xF0, 0, 0, 0, 0]) + flac[26:]


REFUSED = {
    "nothing": b"",
    "a text": b"hello",
    "another sound": as_wav(SHORT, form="AIFF"),
    "an MP3": as_wav(SHORT, form="MP3", subtype="MPEG_LAYER_III"),
    "half a header": TAKEN["WAV"][:20],
    "a FLAC without frames": TAKEN["FLAC"][:30],
    "a FLAC that does not say how long it is": without_length(TAKEN["FLAC"]),
    "a rate of 2,000": as_wav(silence(0.1), rate=2_000),
    "twenty channels": as_wav(silence(0.1), channels=20),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_recording_is_refused_in_words(name: str) -> None:
    with pytest.raises(AudioRefused) as refused:
        decode(REFUSED[name], most_seconds=1)
    assert refused.value.code is Code.INVALID_AUDIO
    assert refused.value.hint


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
def test_a_recording_that_is_too_long_is_refused_by_its_own_rate(form: str) -> None:
    assert decode(as_wav(silence(1), rate=8_000, form=form), most_seconds=1).frames == 8_000
    with pytest.raises(AudioRefused) as refused:
        decode(as_wav(silence(1.01), rate=48_000, form=form), most_seconds=1)
    assert refused.value.code is Code.INVALID_AUDIO_SIZE


@pytest.mark.filterwarnings("error")
def test_samples_that_are_no_numbers_are_heard_as_silence_or_as_loud_as_there_is() -> None:
    odd = np.array([[np.nan, 0.5], [np.inf, np.inf], [-np.inf, -3e38], [3e38, 3e38]], dtype="float32")
    assert mixed_down(odd).tolist() == [0.25, 1.0, -1.0, 1.0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [300, pytest.param(5_000, marks=pytest.mark.long)])
def test_damaged_recordings_are_decoded_or_refused(count: int) -> None:
    chance = random.Random(1)
    decoded = 0
    for _ in range(count):
        body = bytearray(chance.choice(list(TAKEN.values())))
        for _ in range(chance.choice([1, 2, 16])):
            place = chance.randrange(min(len(body), chance.choice([120, 100_000])))
            body[place : place + 1] = chance.choice(
                [bytes([chance.randrange(256)]), b"", b"\xff\xff\xff\x7f", bytes(4)]
            )
        try:
            decoded += decode(bytes(body), most_seconds=2).frames <= 2 * 192_000
        except AudioRefused:
            continue
    assert 0 < decoded < count


def test_the_samples_are_those_that_were_made() -> None:
    made, _ = soundfile.read(io.BytesIO(TAKEN["WAV"]), dtype="int16")
    heard = np.frombuffer(decode(TAKEN["WAV"], most_seconds=1).content, dtype="<i2")
    assert np.abs(heard.astype(int) - made.astype(int)).max() <= 1
