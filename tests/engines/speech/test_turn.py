"""What a turn sends, and in which order; raw messages, so that nothing of it is hidden by a client."""

from decimal import Decimal
from itertools import pairwise

import pytest

from engines.speech import SpeechModel
from tests.engines.speech.conftest import Container, serving_container
from tests.engines.speech.recordings import Samples, as_wav, noise, recording, silence, tone
from tests.engines.speech.wire import client, heard, phrases

TEXT = "He might even have been made amiable himself."


def test_a_conversation_is_heard_from_its_start_to_its_end(container: Container) -> None:
    answers = heard(container.address, as_wav(recording()))
    paths = [answer.path for answer in answers]
    assert paths[:3] == ["turn.start", "speech.startDetected", "speech.hypothesis"]
    assert paths[-4:] == ["speech.phrase", "speech.endDetected", "speech.phrase", "turn.end"]
    assert set(paths[2:-4]) == {"speech.hypothesis"}
    assert len({answer.request_id for answer in answers}) == 1
    phrase, end = phrases(answers)
    assert (phrase["RecognitionStatus"], phrase["DisplayText"]) == ("Success", TEXT)
    assert (end["RecognitionStatus"], end["Offset"], end["Duration"]) == ("EndOfDictation", 32_900_000, 0)
    assert container.recorded == [Decimal(phrase["Offset"] + phrase["Duration"]) / 10**7]


def test_an_interactive_turn_ends_with_its_first_phrase_and_counts_no_more(container: Container) -> None:
    content = as_wav(recording(), rate=16_000) + bytes(2 * 32_000) + as_wav(recording())[44:]
    answers = heard(container.address, content, "interactive")
    (phrase,) = phrases(answers)
    assert phrase["DisplayText"] == TEXT
    assert [answer.path for answer in answers][-3:] == ["speech.endDetected", "speech.phrase", "turn.end"]
    assert container.recorded == [Decimal(phrase["Offset"] + phrase["Duration"]) / 10**7]
    assert container.seconds < Decimal("3.29")


def test_the_detailed_form_has_confidence_and_the_times_of_the_words(container: Container) -> None:
    query = "&format=detailed&wordLevelTimestamps=true"
    phrase = phrases(heard(container.address, as_wav(recording()), query=query))[0]
    (best,) = phrase["NBest"]
    assert best["Display"] == TEXT and best["Lexical"] == "he might even have been made amiable himself"
    words = best["Words"]
    assert [word["Word"] for word in words] == best["Lexical"].split()
    assert all(one["Offset"] + one["Duration"] <= other["Offset"] for one, other in pairwise(words))
    assert 0.8 < best["Confidence"] <= 1


@pytest.mark.parametrize("mode", ["interactive", "conversation", "dictation"])
@pytest.mark.parametrize("sound", [silence(1), noise(2), tone(1)], ids=["silence", "noise", "a tone"])
def test_what_nobody_said_is_no_text_and_is_not_counted(container: Container, sound: Samples, mode: str) -> None:
    (phrase,) = phrases(heard(container.address, as_wav(sound), mode))
    assert phrase["RecognitionStatus"] == ("NoMatch" if mode == "interactive" else "EndOfDictation")
    assert "DisplayText" not in phrase
    assert container.recorded == []


@pytest.mark.parametrize("mode", ["interactive", "conversation"])
@pytest.mark.parametrize("content", [b"", as_wav(silence(0))], ids=["nothing", "a header alone"])
def test_a_turn_without_audio_ends_and_is_not_counted(container: Container, content: bytes, mode: str) -> None:
    answers = heard(container.address, content, mode)
    assert [answer.path for answer in answers] == ["turn.start", "speech.endDetected", "speech.phrase", "turn.end"]
    assert container.recorded == []


def test_a_client_that_says_nothing_at_first_is_told_so(container: Container) -> None:
    with client(container.address, "interactive", query="&initialSilenceTimeoutMs=1000") as one:
        one.play(one.begin(), as_wav(silence(2)), end=False)
        (phrase,) = phrases(list(one.answers()))
    assert (phrase["RecognitionStatus"], phrase["Duration"]) == ("InitialSilenceTimeout", 10_000_000)
    assert container.recorded == []


def test_one_connection_has_several_turns(container: Container) -> None:
    with client(container.address) as one:
        for turn in (1, 2):
            one.play(one.begin(), as_wav(recording()))
            assert phrases(list(one.answers()))[0]["DisplayText"] == TEXT
            assert len(container.recorded) == turn
        one.say("telemetry", "", "no JSON at all, and of no interest")
        one.play(one.begin(), as_wav(silence(0.5)))
        assert len(phrases(list(one.answers()))) == 1


@pytest.mark.long
def test_how_messages_cut_the_audio_changes_nothing(container: Container) -> None:
    content = as_wav(recording())
    told = []
    for piece in (3200, 999, 50_000):
        with client(container.address) as one:
            one.play(one.begin(), content, piece=piece)
            told.append([{**phrase, "Id": ""} for phrase in phrases(list(one.answers()))])
    assert told[0] == told[1] == told[2]


FORMATS = [
    (8_000, 1, "PCM_16"),
    (8_000, 1, "ULAW"),
    (8_000, 1, "ALAW"),
    (11_025, 1, "PCM_16"),
    (16_000, 2, "PCM_U8"),
    (22_050, 1, "PCM_24"),
    (44_100, 2, "FLOAT"),
    (48_000, 2, "PCM_16"),
    (48_000, 6, "PCM_32"),
    (96_000, 1, "DOUBLE"),
]


def hear_format(container: Container, rate: int, channels: int, subtype: str) -> None:
    before = container.seconds
    phrase, end = phrases(heard(container.address, as_wav(recording(), rate=rate, channels=channels, subtype=subtype)))
    assert "amiable himself" in str(phrase["DisplayText"])
    assert abs(end["Offset"] - 32_900_000) < 10_000
    assert container.seconds - before == Decimal(phrase["Offset"] + phrase["Duration"]) / 10**7


@pytest.mark.parametrize(("rate", "channels", "subtype"), [FORMATS[1], FORMATS[6]])
def test_other_formats_are_heard_and_counted_by_their_own_rate(
    container: Container, rate: int, channels: int, subtype: str
) -> None:
    hear_format(container, rate, channels, subtype)


@pytest.mark.long
def test_every_format_is_heard_and_counted_by_its_own_rate(model: SpeechModel) -> None:
    with serving_container(model) as container:
        for rate, channels, subtype in FORMATS:
            hear_format(container, rate, channels, subtype)
