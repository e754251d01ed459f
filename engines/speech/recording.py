"""A recording that is whole: the short audio of the REST endpoint, decoded and heard at once."""

import io
from dataclasses import dataclass

import numpy as np
import soundfile

from engines.speech.answers import Form, Status, empty_answer, phrase_answer
from engines.speech.audio import AudioFormat, samples, slices_of
from engines.speech.desk import Desk
from engines.speech.listener import Listener, Phrase
from engines.speech.refusal import AudioRefused

_HINT = "send a WAV, FLAC or OGG recording (Opus or Vorbis)"
_FORMATS = frozenset({"WAV", "WAVEX", "FLAC", "OGG", "RF64"})


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
    try:
        with soundfile.SoundFile(io.BytesIO(body)) as file:
            if file.format not in _FORMATS:
                raise AudioRefused(f"a recording of format {file.format} is not taken", hint=_HINT)
            most = int(most_seconds * file.samplerate)
            heard = file.read(most + 1, dtype="float32", always_2d=True)
            form = AudioFormat(file.samplerate, 1, "PCM_16", 2)
    except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
        raise AudioRefused("the body is no recording that can be decoded", hint=_HINT) from error
    if len(heard) > most:
        raise AudioRefused(
            f"the recording is longer than {most_seconds:g} seconds", hint="send it in parts, or through the Speech SDK"
        )
    return Recording(form, samples(np.nan_to_num(heard.mean(axis=1))))


def transcribe(desk: Desk, recording: Recording, form: Form) -> dict[str, object]:
    """Hear a recording, count its seconds up to the last word's end, and give its answer: all phrases as one."""
    listener = Listener(desk.model, recording.form)
    slices = slices_of(recording.content, recording.form)
    phrases = [phrase for phrase in listener.hear(slices) if isinstance(phrase, Phrase)]
    phrases.append(listener.finish())
    words = tuple(word for phrase in phrases for word in phrase.words)
    desk.check_admission()
    if not words:
        return empty_answer(Status.NO_MATCH, offset=0, duration=recording.form.ticks(recording.frames))
    whole = Phrase(words, heard=recording.frames)
    end = min(recording.form.slice_end(whole.end), recording.frames)
    desk.record(recording.form.seconds(0, end))
    return phrase_answer(whole, form, offset=whole.start, duration=recording.form.ticks(end) - whole.start)
