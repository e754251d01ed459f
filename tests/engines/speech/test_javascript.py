"""The official Speech SDK for JavaScript against a container: the walks that the one for Python takes, too."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.engines.speech.conftest import Container
from tests.engines.speech.javascript_sdk import JavaScript, javascript
from tests.engines.speech.recordings import SAID, as_wav, said, silence, words_of


@pytest.fixture(scope="module")
def sdk() -> Iterator[JavaScript]:
    with javascript() as sdk:
        yield sdk


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    file = tmp_path / "said.wav"
    file.write_bytes(as_wav(said(), rate=48_000, channels=2))
    return file


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    file = tmp_path / "quiet.wav"
    file.write_bytes(as_wav(silence(0.5)))
    return file


def seconds(ticks: int) -> Decimal:
    return Decimal(ticks) / 10**7


def test_one_phrase_is_heard_in_detail(sdk: JavaScript, container: Container, speech: Path) -> None:
    told = sdk.listen(container.address, speech, detailed=True)
    assert (told["texts"], told["reason"]) == ([SAID], "RecognizedSpeech")
    words = json.loads(told["json"][0])["NBest"][0]["Words"]
    assert [word["Word"] for word in words] == words_of(SAID)
    assert container.recorded == [seconds(told["ends"][0])]


@pytest.mark.long
def test_a_file_is_heard_to_its_end(sdk: JavaScript, container: Container, speech: Path) -> None:
    told = sdk.listen(container.address, speech, "continuous")
    assert (told["texts"], told["reason"], told["words"]) == ([SAID], "EndOfStream", "")
    assert told["hypotheses"]
    assert container.recorded == [seconds(told["ends"][0])]


@pytest.mark.long
@pytest.mark.parametrize(("mode", "reason"), [("once", "NoMatch"), ("continuous", "EndOfStream")])
def test_silence_is_no_text(sdk: JavaScript, container: Container, quiet: Path, mode: str, reason: str) -> None:
    told = sdk.listen(container.address, quiet, mode)
    assert (told["texts"], told["reason"]) == ([], reason)
    assert container.recorded == []


def test_a_format_that_is_not_taken_is_refused_in_words(sdk: JavaScript, container: Container, quiet: Path) -> None:
    quiet.write_bytes(as_wav(silence(0.5), rate=2_000))
    told = sdk.listen(container.address, quiet)
    assert told["reason"] == "Canceled"
    assert told["words"].startswith("1 channels of 2000 Hz are not taken: 1 to 16 channels of 4000 to 192000 Hz are")


@pytest.mark.parametrize("mode", ["once", pytest.param("continuous", marks=pytest.mark.long)])
def test_a_container_without_a_license_refuses_the_connection(
    sdk: JavaScript, container: Container, quiet: Path, mode: str
) -> None:
    container.licensed = False
    asked = container.admissions
    told = sdk.listen(container.address, quiet, mode)
    assert "403" in told["words"]
    assert asked - container.admissions <= 5, "it tries whatever the status is: five times, and at once"


@pytest.mark.long
@pytest.mark.parametrize("mode", ["once", "continuous"])
def test_a_license_that_ends_under_way_ends_the_turn_in_words(
    sdk: JavaScript, container: Container, speech: Path, mode: str
) -> None:
    container.admissions = 1
    told = sdk.listen(container.address, speech, mode)
    assert "the license ended at 2027-01-01" in told["words"]
    assert (told["texts"], container.recorded) == ([], [])
