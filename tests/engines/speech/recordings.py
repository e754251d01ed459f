"""What people say, and how it reaches a container: recordings as samples, and as WAV in any format."""

import io
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

FOLDER = Path(__file__).parents[2] / "recordings"
RATE = 16_000
Samples = npt.NDArray[np.int16]
SAID = "He might even."


def transcripts() -> dict[str, list[str]]:
    """The words of each recording, by its file's name."""
    rows = re.findall(r"^\| (\S+\.flac) \| (.+?) \|$", (FOLDER / "README.md").read_text(), flags=re.MULTILINE)
    return {name: words.split() for name, words in rows}


def recording(name: str = "austen-0930.flac") -> Samples:
    """A recording: 16,000 samples a second."""
    samples, rate = soundfile.read(FOLDER / name, dtype="int16")
    assert rate == RATE
    return np.asarray(samples, dtype=np.int16)


def said() -> Samples:
    """The first second of a recording, in which ``SAID`` is said: enough where it does not matter what is."""
    return recording()[:RATE]


def pcm(samples: Samples) -> bytes:
    """Samples as they are."""
    return samples.astype("<i2").tobytes()


def silence(seconds: float) -> Samples:
    """Nothing at all."""
    return np.zeros(round(seconds * RATE), dtype=np.int16)


def noise(seconds: float, loudness: float = 3000) -> Samples:
    """White noise, always the same."""
    drawn = np.random.default_rng(1).normal(0, loudness, round(seconds * RATE))
    return np.clip(drawn, -32768, 32767).astype(np.int16)


def tone(seconds: float) -> Samples:
    """440 Hz."""
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)


def as_wav(
    samples: Samples, *, rate: int = RATE, channels: int = 1, subtype: str = "PCM_16", form: str = "WAV"
) -> bytes:
    """A WAV file, or one of another form, at another rate, with the samples on every channel."""
    resampled: npt.NDArray[np.int16] | npt.NDArray[np.float32] = samples
    if rate != RATE or subtype in ("FLOAT", "DOUBLE"):  # libsndfile would take whole numbers for floats as they are
        resampled = soxr.resample(samples.astype("float32") / 32768, RATE, rate)
    written = io.BytesIO()
    soundfile.write(written, np.stack([resampled] * channels, axis=1), rate, format=form, subtype=subtype)
    return written.getvalue()


def errors(said: list[str], heard: list[str]) -> int:
    """How many words have to be put in, taken out or changed to make of what was heard what was said."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        previous, row[0] = row[0], number
        for place, other in enumerate(heard, 1):
            previous, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, previous + (word != other))
    return row[-1]


def words_of(display: str) -> list[str]:
    """The words of a text that was made for people."""
    return re.sub(r"[.?!,]", "", display.lower()).split()
