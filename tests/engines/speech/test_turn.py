"""What a turn sends, and in which order; raw messages, so that nothing of it is hidden by a client."""

from decimal import Decimal
from itertools import pairwise

import pytest
from _pytest.mark import ParameterSet

from tests.engines.speech.conftest import Container
from tests.engines.speech.recordings import SAID, Samples, as_wav, noise, said, silence, tone
from tests.engines.speech.wire import client, heard, phrases


def long_ones(*values: object) -> list[ParameterSet]:
    """Parameters with which a test takes too long for every run."""
    return [pytest.param(value, marks=pytest.mark.long) for value in values]


def test_a_conversation_is_heard_from_its_start_to_its_end(container: Container) -> None:
    answers = heard(container.address, as_wav(said()))
    paths = [answer.path for answer in answers]
    assert paths[:3] == ["turn.start", "speech.startDetected", "speech.hypothesis"]
    assert paths[-4:] == ["speech.phrase", "speech.endDetected", "speech.phrase", "turn.end"]
    assert set(paths[2:-4]) == {"speech.hypothesis"}
    assert len({answer.request_id for answer in answers}) == 1
    phrase, end = phrases(answers)
    assert (phrase["RecognitionStatus"], phrase["DisplayText"]) == ("Success", SAID)
    assert (end["RecognitionStatus"], end["Offset"], end["Duration"]) == ("EndOfDictation", 10_000_000, 0)
    assert container.recorded == [Decimal(phrase["Offset"] + phrase["Duration"]) / 10**7]


@pytest.mark.long
def test_an_interactive_turn_ends_with_its_first_phrase_and_counts_no_more(container: Container) -> None:
    content = as_wav(said(), rate=16_000) + bytes(2 * 32_000) + as_wav(said())[44:]
    answers = heard(container.address, content, "interactive")
    (phrase,) = phrases(answers)
    assert phrase["DisplayText"].startswith("He might even")
    assert [answer.path for answer in answers][-3:] == ["speech.endDetected", "speech.phrase", "turn.end"]
    assert container.recorded == [Decimal(phrase["Offset"] + phrase["Duration"]) / 10**7]
    assert container.seconds < 2


@pytest.mark.long
def test_the_detailed_form_has_confidence_and_the_times_of_the_words(container: Container) -> None:
    query = "&format=detailed&wordLevelTimestamps=true"
    phrase = phrases(heard(container.address, as_wav(said()), query=query))[0]
    (best,) = phrase["NBest"]
    assert best["Display"] == SAID and best["Lexical"] == "he might even"
    words = best["Words"]
    assert [word["Word"] for word in words] == best["Lexical"].split()
    assert all(one["Offset"] + one["Duration"] <= other["Offset"] for one, other in pairwise(words))
    assert 0.8 < best["Confidence"] <= 1


@pytest.mark.parametrize("mode", ["conversation", *long_ones("interactive", "dictation")])
@pytest.mark.parametrize("sound", [noise(2), *long_ones(silence(1), tone(1))], ids=["noise", "silence", "a tone"])
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


@pytest.mark.long
def test_one_connection_has_several_turns(container: Container) -> None:
    with client(container.address) as one:
        for turn in (1, 2):
            one.play(one.begin(), as_wav(said()))
            assert phrases(list(one.answers()))[0]["DisplayText"] == SAID
            assert len(container.recorded) == turn
        one.say("telemetry", "", "no JSON at all, and of no interest")
        one.play(one.begin(), as_wav(silence(0.5)))
        assert len(phrases(list(one.answers()))) == 1


@pytest.mark.long
def test_how_messages_cut_the_audio_changes_nothing(container: Container) -> None:
    content = as_wav(said())
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


@pytest.mark.long
@pytest.mark.parametrize(("rate", "channels", "subtype"), FORMATS)
def test_every_format_is_heard_and_counted_by_its_own_rate(
    container: Container, rate: int, channels: int, subtype: str
) -> None:
    phrase, end = phrases(heard(container.address, as_wav(said(), rate=rate, channels=channels, subtype=subtype)))
    assert phrase["DisplayText"] == SAID
    assert abs(end["Offset"] - 10_000_000) < 10_000
    assert container.recorded == [Decimal(phrase["Offset"] + phrase["Duration"]) / 10**7]
