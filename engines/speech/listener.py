"""The recogniser: words with their times out of audio, phrase by phrase."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engines.speech.audio import TICKS, AudioFormat, Converter
from engines.speech.model import SpeechModel

_LONGEST_WORD = 2 * TICKS
_FILLERS = frozenset({"huh"})
_SURE = 0.7


@dataclass(frozen=True, slots=True)
class Word:
    """A word, how sure the model is of it, and when it was said, in ticks from the stream's start."""

    text: str
    confidence: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What the open phrase may become: words that can still change, and since when they have been said, in ticks."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that belong together and will not change; ``heard`` says how many frames led to them."""

    words: tuple[Word, ...]
    heard: int

    @property
    def text(self) -> str:
        """The words as the model knows them, in small letters."""
        return " ".join(word.text for word in self.words)

    @property
    def start(self) -> int:
        """When the first word begins."""
        return self.words[0].start if self.words else 0

    @property
    def end(self) -> int:
        """When the last word ends."""
        return self.words[-1].end if self.words else 0

    @property
    def confidence(self) -> float:
        """How sure the model is: the mean over the words."""
        return sum(word.confidence for word in self.words) / len(self.words) if self.words else 0.0


class Listener:
    """Hears one stream, slice by slice; the same slices give the same phrases. Not for two threads at a time."""

    def __init__(self, model: SpeechModel, form: AudioFormat) -> None:
        self._converter = Converter(form)
        self._form = form
        self._recogniser = model.recogniser()
        self._recogniser.SetWords(True)
        # not the times of partial words: they would cost each of them a second
        self._open = Hypothesis("", 0, 0)
        self.heard = 0
        """Frames so far."""

    def hear(self, slices: Iterable[bytes]) -> Iterator[Phrase | Hypothesis]:
        """The phrases that these slices end, each when it ends, and at last what the open one may become.

        A phrase without words is a pause after which there was nothing.
        """
        for content in slices:
            self.heard += len(content) // self._form.frame_bytes
            sound = self._converter.convert(content)
            if sound and self._recogniser.AcceptWaveform(sound):
                self._open = Hypothesis("", 0, 0)
                yield self._phrase(self._recogniser.Result())
        now = self._form.ticks(self.heard)
        text = json.loads(self._recogniser.PartialResult()).get("partial", "")
        if text not in {"", self._open.text, *_FILLERS}:
            self._open = Hypothesis(text, self._open.start or now, now)
            yield self._open

    def finish(self) -> Phrase:
        """The phrase that the end of the stream ends, maybe without words."""
        if sound := self._converter.convert(b"", last=True):
            self._recogniser.AcceptWaveform(sound)
        return self._phrase(self._recogniser.FinalResult())

    def _phrase(self, answer: str) -> Phrase:
        end_of_all = self._form.ticks(self.heard)
        words = tuple(
            Word(
                word["word"],
                min(1.0, float(word["conf"])),
                min(round(word["start"] * TICKS), end_of_all),
                min(round(word["end"] * TICKS), end_of_all),
            )
            for word in json.loads(answer).get("result", ())
        )
        return Phrase(() if _is_noise(words) else words, self.heard)


def _is_noise(words: tuple[Word, ...]) -> bool:
    """Whether a lone word is what the model makes of noise: longer than any word, or a filler it is not sure of."""
    if len(words) != 1:
        return False
    (word,) = words
    return word.end - word.start > _LONGEST_WORD or (word.text in _FILLERS and word.confidence < _SURE)
