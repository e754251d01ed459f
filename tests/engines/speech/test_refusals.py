"""Clients that are refused, and clients that nobody should have to serve: each ends, in words, and counts nothing."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from engines.speech import SpeechModel
from tests.engines.speech.conftest import Container, serving_container
from tests.engines.speech.recordings import as_wav, said, silence
from tests.engines.speech.wire import WAIT, Client, client
from tests.waiting import eventually

HEADER = as_wav(silence(0))


def refusal(address: str) -> tuple[int, str]:
    """How the container refuses a connection: the status and the message."""
    with pytest.raises(InvalidStatus) as refused, connect(address, open_timeout=WAIT):
        pass
    response = refused.value.response
    return response.status_code, json.loads(response.body)["message"]


def test_a_container_without_a_license_says_so_with_403(container: Container, caplog: pytest.LogCaptureFixture) -> None:
    container.licensed = False
    path = "/speech/recognition/conversation/cognitiveservices/v1"
    assert refusal(f"{container.address}{path}") == (403, "the license ended at 2027-01-01")
    assert caplog.records == []


def test_an_unknown_mode_is_404(container: Container) -> None:
    status, message = refusal(f"{container.address}/speech/recognition/whispering/cognitiveservices/v1")
    assert status == 404 and "interactive, conversation, dictation" in message


def test_one_stream_too_many_is_429_and_a_place_comes_free(model: SpeechModel) -> None:
    with serving_container(model, streams=1) as container:
        path = f"{container.address}/speech/recognition/conversation/cognitiveservices/v1"
        with client(container.address) as one:
            one.play(one.begin(), as_wav(silence(0.2)))
            list(one.answers())
            assert refusal(path) == (429, "1 streams are being heard already: try again in a few seconds")
        assert eventually(lambda: is_taken(path))  # once the container has seen the client go


def is_taken(path: str) -> bool:
    """Whether a connection is taken now."""
    try:
        with connect(path, open_timeout=WAIT) as again:
            return again.protocol.state.name == "OPEN"
    except InvalidStatus as refused:
        assert refused.response.status_code == 429
        return False


def test_a_crowd_is_not_let_in_to_wait_for_a_silent_mount(model: SpeechModel) -> None:
    with serving_container(model, streams=1) as container, ThreadPoolExecutor(1) as first:
        path = f"{container.address}/speech/recognition/conversation/cognitiveservices/v1"
        container.mount_answers.clear()
        waiting = first.submit(is_taken, path)
        assert container.is_asked.wait(WAIT)
        assert refusal(path)[0] == 429
        container.mount_answers.set()
        assert waiting.result(WAIT)


def binary(length: int, rest: bytes) -> bytes:
    return length.to_bytes(2, "big") + rest


def say_wrong_json(one: Client) -> None:
    one.say("speech.context", "a1", "{no json")


HOSTILE: dict[str, Callable[[Client], None]] = {
    "a message of one byte": lambda one: one.socket.send(b"\x00"),
    "a header that is longer than its message": lambda one: one.socket.send(binary(900, b"path:audio\r\n")),
    "a header without a path": lambda one: one.socket.send(binary(6, b"a:b\r\n\r")),
    "a header that is no text": lambda one: one.socket.send(binary(4, b"\xff\xfe\xfd\xfc")),
    "audio of no request": lambda one: one.socket.send(binary(10, b"path:audio")),
    "a request id with a line break": lambda one: one.say("speech.context", "a\x00b", "{}"),
    "headers without end": lambda one: one.socket.send("a:b\r\n" * 10_000),
    "a text without headers": lambda one: one.socket.send("hello"),
    "a context that is no JSON": say_wrong_json,
    "a context that is a list": lambda one: one.say("speech.context", "a1", "[]"),
    "a context that is nested without end": lambda one: one.say("speech.context", "a1", "[" * 100_000),
    "a huge message": lambda one: one.socket.send(bytes(300_000)),
    "no RIFF header": lambda one: one.sound("a1", b"ID3\x03" + bytes(100)),
    "a RIFF header of something else": lambda one: one.sound("a1", b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(50)),
    "a RIFF header without a format": lambda one: one.sound("a1", HEADER[:12] + b"data\x00\x00\x00\x00"),
    "a RIFF header without end": lambda one: one.sound("a1", HEADER[:12] + b"LIST\xff\xff\xff\x7f" + bytes(9)),
    "no channels": lambda one: one.sound("a1", HEADER[:22] + b"\0\0" + HEADER[24:]),
    "a rate of nothing": lambda one: one.sound("a1", HEADER[:24] + bytes(4) + HEADER[28:]),
    "a sample size that contradicts": lambda one: one.sound("a1", HEADER[:32] + b"\x09\0" + HEADER[34:]),
    "MP3 in a RIFF": lambda one: one.sound("a1", HEADER[:20] + b"\x55\0" + HEADER[22:]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_message_that_makes_no_sense_ends_the_connection_in_words(container: Container, name: str) -> None:
    with client(container.address) as one:
        HOSTILE[name](one)
        code, reason = one.closed()
    assert code in (1007, 1009)
    assert len(reason) > 20 or code == 1009
    assert container.recorded == []


def test_a_stream_that_is_too_long_is_ended_in_words(model: SpeechModel) -> None:
    with serving_container(model, turn_seconds=0.5) as container, client(container.address) as one:
        one.play(one.begin(), as_wav(silence(1)))
        assert one.closed() == (1007, "the turn is longer than 0.5 seconds: begin another one")


@pytest.mark.parametrize("begun", [True, False], ids=["within a turn", "before one"])
def test_a_client_that_falls_silent_is_ended(model: SpeechModel, begun: bool) -> None:
    seconds = 1.5 if begun else 0.1  # in which the client has begun, however busy the machine is
    with serving_container(model, idle_seconds=seconds) as container, client(container.address) as one:
        if begun:
            one.sound(one.begin(), HEADER)
        code, reason = one.closed()
    assert code == (1007 if begun else 1001)
    assert reason == f"no audio came for {seconds} seconds: connect again when there is some"


def test_a_client_that_drips_is_ended(model: SpeechModel) -> None:
    with serving_container(model, idle_seconds=1.5) as container, client(container.address) as one:
        request_id = one.begin()
        one.sound(request_id, HEADER)
        with pytest.raises(ConnectionClosed):
            while True:
                one.drip(request_id, b"\0\0")
        assert one.closed()[1].startswith("no audio came for 1.5 seconds")


def test_what_cannot_be_recorded_does_not_leave(container: Container) -> None:
    container.disk_full = True
    with client(container.address) as one:
        one.play(one.begin(), as_wav(said()))
        code, reason = one.closed()
    assert (code, reason.split(":")[0]) == (1007, "the usage could not be recorded, so the text is withheld")


def test_a_reason_that_is_too_long_is_cut_to_whole_letters() -> None:
    from engines.speech.refusal import AudioRefused

    reason = AudioRefused("ä" * 100, hint="x").reason
    assert reason == "ä" * 61
