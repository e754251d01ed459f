"""What a client gets for a phrase: simple or detailed, over WebSocket and REST alike."""

import uuid
from enum import StrEnum
from typing import NamedTuple

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


def phrase_answer(phrase: Phrase, form: Form, *, offset: int, duration: int) -> dict[str, object]:
    """A phrase with words."""
    display = display_text(phrase)
    answer = _outcome(Status.SUCCESS, offset, duration) | {"DisplayText": display}
    return answer | {"NBest": [_best(phrase, display, form)]} if form.detailed else answer


def empty_answer(status: Status, *, offset: int, duration: int) -> dict[str, object]:
    """A phrase without words, and why it has none."""
    return _outcome(status, offset, duration)


def display_text(phrase: Phrase) -> str:
    """The phrase as people write it: a capital letter, I, and an end mark. Numbers stay words."""
    words = [f"I{word[1:]}" if word == "i" or word.startswith("i'") else word for word in phrase.text.split()]
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _outcome(status: Status, offset: int, duration: int) -> dict[str, object]:
    return {"Id": uuid.uuid4().hex, "RecognitionStatus": status, "Offset": offset, "Duration": duration}


def _best(phrase: Phrase, display: str, form: Form) -> dict[str, object]:
    best: dict[str, object] = {
        "Confidence": round(phrase.confidence, 6),
        "Lexical": phrase.text,
        "ITN": phrase.text,
        "MaskedITN": phrase.text,
        "Display": display,
    }
    return best | {"Words": [_timed(word) for word in phrase.words]} if form.words else best


def _timed(word: Word) -> dict[str, object]:
    return {
        "Word": word.text,
        "Offset": word.start,
        "Duration": word.end - word.start,
        "Confidence": round(word.confidence, 6),
    }
