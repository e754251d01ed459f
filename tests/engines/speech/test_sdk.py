"""The official Speech SDK against a container: what a customer's program hears, and what is counted for it."""

import json
import random
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import vosk
from azure.cognitiveservices import speech

from engines.speech import SpeechModel
from tests.engines.speech.conftest import Container, serving_container
from tests.engines.speech.cutting import cutting, listen_through_cuts
from tests.engines.speech.recordings import (
    SAID,
    Samples,
    as_wav,
    errors,
    pcm,
    recording,
    said,
    silence,
    transcripts,
    words_of,
)
from tests.engines.speech.sdk import config, listen, listen_once


def wav(folder: Path, samples: Samples, **form: int) -> Path:
    file = folder / "heard.wav"
    file.write_bytes(as_wav(samples, **form))  # type: ignore[arg-type]
    return file


def seconds(ticks: int) -> Decimal:
    return Decimal(ticks) / 10**7


@pytest.mark.long
def test_a_file_is_heard_to_its_end_and_counted_to_its_last_word(container: Container, tmp_path: Path) -> None:
    told = listen(container.address, wav(tmp_path, said()))
    assert (told.texts, told.reason) == ([SAID], "EndOfStream")
    assert told.hypotheses and SAID.lower().startswith(told.hypotheses[0][:2])
    assert container.recorded == [seconds(told.ends[0])]


@pytest.mark.long
def test_one_phrase_is_heard_in_detail(container: Container, tmp_path: Path) -> None:
    result = listen_once(container.address, wav(tmp_path, said(), rate=48_000, channels=2), detailed=True)
    assert (result.reason, result.text) == (speech.ResultReason.RecognizedSpeech, SAID)
    assert [word["Word"] for word in json.loads(result.json)["NBest"][0]["Words"]] == words_of(SAID)
    assert container.seconds == seconds(result.offset + result.duration)


@pytest.mark.long
def test_silence_is_no_match(container: Container, tmp_path: Path) -> None:
    result = listen_once(container.address, wav(tmp_path, silence(0.5)))
    assert result.reason == speech.ResultReason.NoMatch
    assert container.recorded == []


def test_a_format_that_is_not_taken_is_refused_in_words(container: Container, tmp_path: Path) -> None:
    result = listen_once(container.address, wav(tmp_path, silence(0.5), rate=2_000))
    assert "1 channels of 2000 Hz are not taken" in result.cancellation_details.error_details


def test_a_container_without_a_license_refuses_the_connection_once(container: Container, tmp_path: Path) -> None:
    container.licensed = False
    with cutting(container.address, []) as network:
        result = listen_once(network.address, wav(tmp_path, silence(0.5)))
    assert result.cancellation_details.code == speech.CancellationErrorCode.AuthenticationFailure
    assert network.connections == 1


@pytest.mark.long
def test_a_program_may_ask_again_on_its_connection(container: Container, tmp_path: Path) -> None:
    file = wav(tmp_path, np.concatenate([said(), silence(3), said()]))
    audio = speech.audio.AudioConfig(filename=str(file))
    with cutting(container.address, []) as network:
        recognizer = speech.SpeechRecognizer(config(network.address), audio_config=audio)
        results = [recognizer.recognize_once() for _ in range(2)]
    assert [result.text[:13] for result in results] == [SAID[:-1]] * 2
    assert network.connections == 1
    assert len(container.recorded) == 2 and container.seconds <= 5


@pytest.mark.long
def test_dictation_is_heard_as_a_conversation_is(container: Container, tmp_path: Path) -> None:
    told = listen(container.address, wav(tmp_path, said()), dictation=True)
    assert (told.texts, told.reason) == ([SAID], "EndOfStream")
    assert container.seconds == seconds(told.ends[0])


@pytest.mark.long
def test_a_program_that_says_nothing_at_first_is_told_so(container: Container) -> None:
    made = config(container.address)
    made.set_property(speech.PropertyId.SpeechServiceConnection_InitialSilenceTimeoutMs, "500")
    stream = speech.audio.PushAudioInputStream()
    stream.write(pcm(silence(2)))
    audio = speech.audio.AudioConfig(stream=stream)
    result = speech.SpeechRecognizer(made, audio_config=audio).recognize_once()
    assert result.reason == speech.ResultReason.NoMatch
    assert result.no_match_details.reason == speech.NoMatchReason.InitialSilenceTimeout
    assert container.recorded == []


@pytest.mark.long
def test_a_pause_ends_a_program_s_one_phrase(container: Container) -> None:
    stream = speech.audio.PushAudioInputStream()
    stream.write(pcm(np.concatenate([said(), silence(3)])))  # and no end of the stream
    audio = speech.audio.AudioConfig(stream=stream)
    result = speech.SpeechRecognizer(config(container.address), audio_config=audio).recognize_once()
    assert result.text.startswith(SAID[:-1])
    assert container.seconds == seconds(result.offset + result.duration)


def test_a_license_that_ends_under_way_ends_the_turn_in_words(container: Container) -> None:
    stream = speech.audio.PushAudioInputStream()
    recognizer = speech.SpeechRecognizer(
        speech.SpeechConfig(host=container.address), audio_config=speech.audio.AudioConfig(stream=stream)
    )
    stream.write(pcm(recording()[:32_000]))
    recognizer.recognizing.connect(lambda _: setattr(container, "licensed", False))
    result = recognizer.recognize_once_async().get()
    assert result.reason == speech.ResultReason.Canceled
    assert "the license ended at 2027-01-01" in result.cancellation_details.error_details
    assert container.recorded == []


def test_a_connection_that_is_cut_is_resumed_and_counted_once(container: Container, tmp_path: Path) -> None:
    with cutting(container.address, [15_000, 25_000]) as network:
        told = listen(network.address, wav(tmp_path, said()))
    assert network.connections == 3
    assert (told.texts, told.reason) == ([SAID], "EndOfStream")
    assert container.seconds == seconds(told.ends[-1])


@pytest.mark.long
def test_cuts_at_random_places_cost_nothing(model: SpeechModel, tmp_path: Path) -> None:
    chance, file = random.Random(1), wav(tmp_path, recording())
    for number in range(6):
        with serving_container(model) as container:
            told, cuts = listen_through_cuts(container.address, file, chance)
        assert cuts > 0
        assert container.seconds == seconds(told.ends[-1]), number


@pytest.mark.long
def test_people_are_understood_as_well_as_by_the_bare_recogniser(model: SpeechModel, tmp_path: Path) -> None:
    wrong = words = 0
    with serving_container(model) as container:
        for name, said in transcripts().items():
            samples = recording(name)
            told = listen(container.address, wav(tmp_path, samples))
            heard = words_of(" ".join(told.texts))
            bare = vosk.KaldiRecognizer(model.model, 16_000)
            content = pcm(samples)
            texts = [
                json.loads(bare.Result())["text"]
                for start in range(0, len(content), 3200)
                if bare.AcceptWaveform(content[start : start + 3200])
            ]
            assert heard == " ".join([*texts, json.loads(bare.FinalResult())["text"]]).split()
            wrong += errors(said, heard)
            words += len(said)
    assert words == 71
    assert wrong / words <= 0.07
