"""A recording that is whole: the short audio of the REST endpoint, decoded at once, and heard piece by piece."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import soundfile

from engines.speech.answers import Form, PhraseAnswer, Status, empty_answer, phrase_answer
from engines.speech.audio import AudioFormat, check_rate, mixed_down, samples, slices_of
from engines.speech.desk import Desk
from engines.speech.listener import Listener, Phrase
from engines.speech.refusal import AudioRefused, Code

_HINT = "send a WAV, FLAC or OGG recording (Opus or Vorbis)"
_FORMATS = frozenset({"WAV", "WAVEX", "FLAC", "OGG", "RF64"})
_BEGINNINGS = (b"RIFF", b"RF64", b"fLaC", b"OggS")
_SLICES_AT_ONCE = 3
_OPEN = b"\xff\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class Recording:
    """The samples of a recording, as a stream of 16 bits and one channel at the rate it was made with."""

    form: AudioFormat
    content: bytes

    @property
    def frames(self) -> int:
        """How many samples there are."""
        return len(self.content) // self.form.frame_bytes


def decode(body: bytes, *, most_seconds: float) -> Recording:
    """Decode a WAV, FLAC or OGG file. Raises ``AudioRefused`` for anything else, or one that is too long."""
    if not body:
        raise AudioRefused("the body is empty", hint=_HINT)
    if not body.startswith(_BEGINNINGS):  # libsndfile has decoders for much more, and lets each of them have a try
        raise AudioRefused("the body is no recording of a kind that is taken", hint=_HINT)
    try:
        with soundfile.SoundFile(io.BytesIO(_closed(body))) as file:
            if file.format not in _FORMATS:
                raise AudioRefused(f"a recording of format {file.format} is not taken", hint=_HINT)
            check_rate(file.samplerate, file.channels)
            content = _samples_of(file, int(most_seconds * file.samplerate))
            form = AudioFormat(file.samplerate, 1, "PCM_16", 2)
    except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
        raise AudioRefused("the body is no recording that can be decoded", hint=_HINT) from error
    if content is None:
        raise AudioRefused(
            f"the recording is longer than {most_seconds:g} seconds",
            hint="send it in parts, or through the Speech SDK",
            code=Code.INVALID_AUDIO_SIZE,
        )
    return Recording(form, content)


def _closed(body: bytes) -> bytes:
    """The same, but of a WAV whose header leaves its length open, as one out of a pipe: then up to the end.

    libsndfile takes 0 bytes of audio at their word, and the largest number as open.
    """
    place = 12
    while body.startswith(b"RIFF") and place + 8 < len(body):
        size = int.from_bytes(body[place + 4 : place + 8], "little")
        if body[place : place + 4] == b"data":
            ends_behind = int.from_bytes(body[4:8], "little") > place  # there is none, but there are other chunks
            return body if size or ends_behind else b"RIFF" + _OPEN + body[8 : place + 4] + _OPEN + body[place + 8 :]
        place += 8 + size + size % 2
    return body


def _samples_of(file: soundfile.SoundFile, most: int) -> bytes | None:
    """The samples, a tenth of a second of all channels at a time; None where there are more than ``most``."""
    content, piece = bytearray(), file.samplerate // 10
    while len(frames := file.read(piece, dtype="float32", always_2d=True)):
        content += samples(mixed_down(frames))
        if len(content) > 2 * most:
            return None
    return bytes(content)


async def transcribe(desk: Desk, recording: Recording, form: Form) -> PhraseAnswer:
    """Hear a recording, count its seconds up to the last word's end, and give its answer: all phrases as one.

    It is heard a few slices at a time, so that streams that are heard beside it wait no longer than for each other.
    """
    listener = await desk.work(lambda: Listener(desk.model, recording.form))
    slices = slices_of(recording.content, recording.form)
    phrases: list[Phrase] = []
    while some := list(islice(slices, _SLICES_AT_ONCE)):
        phrases += await desk.work(lambda some=some: list(_phrases(listener, some)))  # type: ignore[misc]
    phrases.append(await desk.work(listener.finish))
    words = tuple(word for phrase in phrases for word in phrase.words)
    if not words:
        return empty_answer(Status.NO_MATCH, offset=0, duration=recording.form.ticks(recording.frames))
    whole = Phrase(words, heard=recording.frames)
    end = min(recording.form.slice_end(whole.end), recording.frames)
    await desk.count(lambda record: record(recording.form.seconds(0, end)))
    return phrase_answer(whole, form, offset=whole.start, duration=recording.form.ticks(end) - whole.start)


def _phrases(listener: Listener, slices: list[bytes]) -> Iterator[Phrase]:
    return (phrase for phrase in listener.hear(slices) if isinstance(phrase, Phrase))
