"""Real files of every form: what is taken is heard as it was recorded, what is not is refused in words."""

import itertools
import random

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from engines.speech.audio import Converter, read_header, slices_of
from engines.speech.model import RATE
from engines.speech.recording import decode
from engines.speech.refusal import AudioRefused
from tests.engines.speech.conftest import Container
from tests.engines.speech.recordings import SAID, as_wav, recording, said

SPEECH = recording()[8_000:12_000]
CODINGS = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW")
RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
STREAMS = list(itertools.product(CODINGS, range(1, 9), RATES, ("WAV", "WAVEX")))
SAMPLE = random.Random(1).sample(STREAMS, 40)
PATH = "/speech/recognition/conversation/cognitiveservices/v1"


def distance(heard: bytes) -> float:
    """How far samples of the recording are from it: the noise beside the signal, below 4 kHz."""
    samples = np.frombuffer(heard, dtype="<i2")[: len(SPEECH)]
    one, other = (_below_4_khz(part) for part in (samples, SPEECH[: len(samples)]))
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def _below_4_khz(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    spectrum = np.fft.rfft(samples.astype("float64"))
    spectrum[len(spectrum) * 3_500 // 8_000 :] = 0
    return np.fft.irfft(spectrum)


def check_stream(coding: str, channels: int, rate: int, form: str) -> None:
    content = as_wav(SPEECH, rate=rate, channels=channels, subtype=coding, form=form)
    header = read_header(content)
    assert header is not None
    found, start = header
    assert (found.rate, found.channels, found.coding) == (rate, channels, coding)
    converter = Converter(found)
    heard = b"".join(converter.convert(piece) for piece in slices_of(content[start:], found))
    heard += converter.convert(b"", last=True)
    assert abs(len(heard) // 2 - len(SPEECH)) <= RATE // rate + 1
    assert distance(heard) < (0.2 if coding == "PCM_U8" else 0.1)


def test_a_stream_is_heard_as_it_was_recorded_whatever_its_header_names() -> None:
    for case in SAMPLE:
        check_stream(*case)


@pytest.mark.long
def test_all_streams_are_heard_as_they_were_recorded() -> None:
    for case in STREAMS:
        check_stream(*case)


TAKEN = {"WAV", "WAVEX", "RF64", "FLAC", "OGG"}
FILES = [
    (form, subtype)
    for form in soundfile.available_formats()
    for subtype in soundfile.available_subtypes(form)
    if form != "RAW" and soundfile.check_format(form, subtype)
]


@pytest.mark.parametrize("form", sorted({form for form, _ in FILES}))
def test_a_recording_of_any_form_is_decoded_or_refused(form: str) -> None:
    subtypes = [subtype for other, subtype in FILES if other == form]
    for subtype in subtypes:
        for channels in (1, 2):
            try:
                body = as_wav(SPEECH, channels=channels, subtype=subtype, form=form)
            except soundfile.LibsndfileError:  # it writes not all that it says it does: one channel alone, or one rate
                continue
            if form in TAKEN:
                decoded = decode(body, most_seconds=60)
                assert (decoded.form.rate, decoded.form.channels) == (RATE, 1)
                assert distance(decoded.content) < 0.5, (subtype, channels)
            else:
                with pytest.raises(
                    AudioRefused, match=r"no recording (of a kind that is taken|that can be decoded)|is not taken"
                ):
                    decode(body, most_seconds=60)


BODIES = {
    "OGG Vorbis": {"form": "OGG", "subtype": "VORBIS"},
    "OGG Opus": {"form": "OGG", "subtype": "OPUS", "rate": 48_000},
    "FLAC of 24 bits": {"form": "FLAC", "subtype": "PCM_24", "channels": 2},
    "mu-law": {"subtype": "ULAW", "rate": 8_000},
}


@pytest.mark.long
@pytest.mark.parametrize("name", BODIES)
def test_a_body_over_rest_is_understood(container: Container, name: str) -> None:
    body = as_wav(said(), **BODIES[name])  # type: ignore[arg-type]
    told = httpx.post(f"{container.address.replace('ws', 'http', 1)}{PATH}", content=body, timeout=60).json()
    assert told["DisplayText"] == SAID
    assert float(container.seconds) == pytest.approx((told["Offset"] + told["Duration"]) / 10**7)


NO_KIND = "the body is no recording of a kind that is taken"
REFUSED = [
    (b"", "the body is empty"),
    (b"{}", NO_KIND),
    (as_wav(SPEECH, form="MP3", subtype="MPEG_LAYER_III"), NO_KIND),
    (as_wav(SPEECH, form="AIFF"), NO_KIND),
    (as_wav(SPEECH, form="FLAC")[:30], "the body is no recording that can be decoded"),
    (as_wav(SPEECH, rate=2_000), "1 channels of 2000 Hz are not taken"),
    (as_wav(SPEECH, channels=17), "17 channels of 16000 Hz are not taken"),
]


def test_a_body_that_is_not_taken_is_refused_in_words(container: Container) -> None:
    with httpx.Client(base_url=container.address.replace("ws", "http", 1), timeout=60) as one:
        for body, words in REFUSED:
            answer = one.post(PATH, content=body)
            assert (answer.status_code, answer.json()["code"]) == (400, "InvalidAudio"), words
            assert answer.json()["message"].startswith(words)
    assert container.recorded == []
