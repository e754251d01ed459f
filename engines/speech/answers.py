"""What a client gets for a phrase: simple or detailed, over WebSocket and REST alike."""

import uuid
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from engines.speech.listener import Phrase, Word


class Status(StrEnum):
    """How a phrase was recognised. Error is never sent: the Speech SDK would send its audio again, five times."""

    SUCCESS = "Success"
    NO_MATCH = "NoMatch"
    INITIAL_SILENCE_TIMEOUT = "InitialSilenceTimeout"
    END_OF_DICTATION = "EndOfDictation"


class Form(NamedTuple):
    """How much a client asked for: the alternatives with their confidence, and the times of the words."""

    detailed: bool = False
    words: bool = False


Ticks = Annotated[int, Field(description="in 100 nanoseconds, from the beginning of the audio")]
Confidence = Annotated[float, Field(ge=0, le=1)]


@with_config(ConfigDict(extra="forbid"))
class TimedWord(TypedDict):
    """A word, and when it was said."""

    Word: str
    Offset: Ticks
    Duration: Ticks
    Confidence: Confidence


@with_config(ConfigDict(extra="forbid"))
class Alternative(TypedDict):
    """What was said, as far as the model knows: `ITN` and `MaskedITN` are the words themselves."""

    Confidence: Confidence
    Lexical: str
    ITN: str
    MaskedITN: str
    Display: str
    Words: NotRequired[list[TimedWord]]


@with_config(ConfigDict(extra="forbid"))
class PhraseAnswer(TypedDict):
    """A phrase, or why there is none."""

    Id: str
    RecognitionStatus: Literal["Success", "NoMatch", "InitialSilenceTimeout", "EndOfDictation"]
    Offset: Ticks
    Duration: Ticks
    DisplayText: NotRequired[Annotated[str, Field(description="the text for people")]]
    NBest: NotRequired[Annotated[list[Alternative], Field(description="where `format=detailed` was asked for")]]


def phrase_answer(phrase: Phrase, form: Form, *, offset: int, duration: int) -> PhraseAnswer:
    """A phrase with words."""
    answer = empty_answer(Status.SUCCESS, offset=offset, duration=duration)
    answer["DisplayText"] = display_text(phrase)
    if form.detailed:
        answer["NBest"] = [_best(phrase, form)]
    return answer


def empty_answer(status: Status, *, offset: int, duration: int) -> PhraseAnswer:
    """A phrase without words, and why it has none."""
    return {"Id": uuid.uuid4().hex, "RecognitionStatus": status.value, "Offset": offset, "Duration": duration}


def display_text(phrase: Phrase) -> str:
    """The phrase as people write it: a capital letter, I, and an end mark. Numbers stay words."""
    words = [f"I{word[1:]}" if word == "i" or word.startswith("i'") else word for word in phrase.text.split()]
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _best(phrase: Phrase, form: Form) -> Alternative:
    best: Alternative = {
        "Confidence": round(phrase.confidence, 6),
        "Lexical": phrase.text,
        "ITN": phrase.text,
        "MaskedITN": phrase.text,
        "Display": display_text(phrase),
    }
    if form.words:
        best["Words"] = [_timed(word) for word in phrase.words]
    return best


def _timed(word: Word) -> TimedWord:
    return {
        "Word": word.text,
        "Offset": word.start,
        "Duration": word.end - word.start,
        "Confidence": round(word.confidence, 6),
    }
