"""The official Speech SDK, as a customer's program uses it."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from azure.cognitiveservices import speech

WAIT = 120


@dataclass
class Told:
    """What the SDK told its program: phrases with their ends in ticks, and why it stopped."""

    texts: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    hypotheses: list[str] = field(default_factory=list)
    reason: str = ""
    words: str = ""


def config(address: str, *, detailed: bool = False) -> speech.SpeechConfig:
    """The configuration for a container."""
    made = speech.SpeechConfig(host=address)
    if detailed:
        made.output_format = speech.OutputFormat.Detailed
        made.request_word_level_timestamps()
    return made


def listen_once(address: str, file: Path, *, detailed: bool = False) -> speech.SpeechRecognitionResult:
    """``recognize_once``: interactive mode."""
    audio = speech.audio.AudioConfig(filename=str(file))
    return speech.SpeechRecognizer(config(address, detailed=detailed), audio_config=audio).recognize_once()


def listen(address: str, file: Path, *, dictation: bool = False) -> Told:
    """Continuous recognition of a file, to its end."""
    made = config(address)
    if dictation:
        made.enable_dictation()
    recognizer = speech.SpeechRecognizer(made, audio_config=speech.audio.AudioConfig(filename=str(file)))
    told, over = Told(), threading.Event()

    def recognized(event: speech.SpeechRecognitionEventArgs) -> None:
        if event.result.reason == speech.ResultReason.RecognizedSpeech:
            told.texts.append(event.result.text)
            told.ends.append(event.result.offset + event.result.duration)

    def canceled(event: speech.SpeechRecognitionCanceledEventArgs) -> None:
        told.reason = event.cancellation_details.reason.name
        told.words = event.cancellation_details.error_details

    recognizer.recognizing.connect(lambda event: told.hypotheses.append(event.result.text))
    recognizer.recognized.connect(recognized)
    recognizer.canceled.connect(canceled)
    recognizer.session_stopped.connect(lambda _: over.set())
    recognizer.start_continuous_recognition()
    assert over.wait(WAIT), "the SDK did not come to an end"
    recognizer.stop_continuous_recognition()
    return told
