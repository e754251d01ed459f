"""Hostile clients: headers and messages changed at random, and frames that are none. Each ends, and counts nothing."""

import contextlib
import random
import socket
import struct
from collections.abc import Callable, Iterator
from itertools import chain
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from engines.speech import SpeechModel
from engines.speech.audio import read_header
from engines.speech.refusal import AudioRefused
from tests.engines.speech.conftest import Container, serving_container
from tests.engines.speech.recordings import as_wav, silence
from tests.engines.speech.wire import PATH, WAIT, Client, client, heard, phrases

HEADERS = [
    as_wav(silence(0), subtype=subtype, form=form, channels=channels)[:200]
    for subtype in ("PCM_16", "FLOAT", "ULAW")
    for form in ("WAV", "WAVEX")
    for channels in (1, 8)
]
SIZES = (0, 1, 2, 15, 16, 18, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def changed(chance: random.Random, content: bytes) -> bytes:
    """Some bytes of it changed, left out, put in or repeated, or a number in it replaced by an odd one."""
    made = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(made) + 1)
        match chance.randrange(6):
            case 0:
                made[place:] = b""
            case 1:
                made[place:place] = chance.randbytes(chance.randint(1, 8))
            case 2:
                made[place : place + 4] = struct.pack("<I", chance.choice(SIZES))
            case 3:
                made[place : place + 2] = struct.pack("<H", chance.choice(SIZES) & 0xFFFF)
            case 4:
                made[place : place + chance.randint(1, 12)] = b""
            case _:
                made[place:place] = made[place : place + 24] * chance.choice((1, 3, 400))
    return bytes(made)


def check_header(content: bytes) -> None:
    """A header is read or refused, and to the same effect however it comes in pieces."""

    def read(part: bytes) -> object:
        try:
            found = read_header(part)
        except AudioRefused as refused:
            assert len(refused.reason) > 20
            return refused.message
        if found is not None:
            form, start = found
            assert 1 <= form.channels <= 16 and 4_000 <= form.rate <= 192_000 and start <= len(part)
        return found

    whole = read(content)
    earlier = next((told for end in range(0, len(content), 7) if (told := read(content[:end])) is not None), whole)
    assert earlier == whole


def check_headers(count: int) -> None:
    chance = random.Random(1)
    for _ in range(count):
        check_header(changed(chance, chance.choice(HEADERS)))


def test_a_riff_header_that_was_changed_is_read_or_refused() -> None:
    check_headers(400)


@pytest.mark.long
def test_thousands_of_riff_headers_that_were_changed_are_read_or_refused() -> None:
    check_headers(20_000)


def test_a_riff_header_of_parts_without_end_is_refused() -> None:
    with pytest.raises(AudioRefused, match="does not come to its data"):
        read_header(HEADERS[0][:12] + b"LIST\0\0\0\0" * 100)


def audio(payload: bytes) -> bytes:
    head = b"path:audio\r\nx-requestid:a1\r\n"
    return len(head).to_bytes(2, "big") + head + payload


MESSAGES: list[str | bytes] = [
    'Path: speech.config\r\n\r\n{"context":{"system":{"version":"1"}}}',
    'Path: speech.context\r\nX-RequestId: a1\r\nX-Timestamp: 2027-01-01\r\n\r\n{"phraseDetection":{"mode":"x"}}',
    "Path: telemetry\r\nX-RequestId: a1\r\n\r\n{}",
    audio(as_wav(silence(0.05))),
    audio(bytes(3200)),
]


def talk_nonsense(one: Client, chance: random.Random) -> None:
    """Messages of which one was changed, and at last one that is refused for sure."""
    odd = chance.randrange(len(MESSAGES))
    for number, message in enumerate(MESSAGES):
        content = message if isinstance(message, bytes) else message.encode()
        sent = changed(chance, content) if number == odd else content
        one.socket.send(sent if isinstance(message, bytes) else sent.decode(errors="replace"))
    one.socket.send("no headers")


def check_messages(container: Container, count: int) -> None:
    chance = random.Random(1)
    for _ in range(count):
        with client(container.address) as one:
            with contextlib.suppress(ConnectionClosed):
                talk_nonsense(one, chance)
            code, reason = one.closed()
        assert code in (1007, 1009) and len(reason) > 10, (code, reason)
    assert container.recorded == []


def test_messages_that_were_changed_end_the_connection_in_words(container: Container) -> None:
    check_messages(container, 15)


@pytest.mark.long
def test_hundreds_of_messages_that_were_changed_end_the_connection_in_words(container: Container) -> None:
    check_messages(container, 400)


def frame(
    code: int, content: bytes = b"", *, length: int | None = None, first: int = 0x80, masked: bool = True
) -> bytes:
    """A frame, with whatever is wrong with it. Source: RFC 6455 §5.2."""
    size = len(content) if length is None else length
    mark = 0x80 if masked else 0
    sizes = bytes([mark | size]) if size < 126 else bytes([mark | 127]) + size.to_bytes(8, "big")
    return bytes([first | code]) + sizes + (bytes(4) if masked else b"") + content


def without_end(part: bytes) -> Iterator[bytes]:
    while True:
        yield part


FRAMES: dict[str, Callable[[], Iterator[bytes]]] = {
    "a frame of 2^62 bytes": lambda: iter([frame(2, b"path:audio", length=2**62)]),
    "a frame of a gigabyte": lambda: iter([frame(2, bytes(1_000), length=2**30)]),
    "a frame without a mask": lambda: iter([frame(1, b"Path: telemetry\r\n\r\n{}", masked=False)]),
    "a frame of no kind": lambda: iter([frame(11, b"x")]),
    "reserved bits": lambda: iter([frame(1, b"x", first=0xF0)]),
    "a text that is no UTF-8": lambda: iter([frame(1, b"\xff\xfe")]),
    "a ping that is too long": lambda: iter([frame(9, bytes(200))]),
    "a continuation of nothing": lambda: iter([frame(0, b"x")]),
    "pieces without end": lambda: chain([frame(2, b"x", first=0)], without_end(frame(0, bytes(5_000), first=0))),
}


def open_socket(address: str) -> socket.socket:
    """A connection that has been taken for a WebSocket."""
    there = urlsplit(address)
    connection = socket.create_connection((there.hostname, there.port), timeout=WAIT)
    lines = (
        f"GET {PATH.format(mode='conversation')} HTTP/1.1",
        "Host: here",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += connection.recv(1)
    assert answer.startswith(b"HTTP/1.1 101 ")
    return connection


def test_frames_that_are_none_end_the_connection(container: Container) -> None:
    for name, frames in FRAMES.items():
        with open_socket(container.address) as connection:
            with contextlib.suppress(OSError):  # it may be closed on us
                for part in frames():
                    connection.sendall(part)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                answer = connection.recv(1_000)
        assert answer == b"" or answer[0] == 0x88, f"{name}: neither an end nor a close frame"
    assert container.recorded == []


def test_a_client_that_drips_its_header_is_ended(model: SpeechModel) -> None:
    with serving_container(model, idle_seconds=1.5) as container, client(container.address) as one:
        request_id = one.begin()
        one.sound(request_id, HEADERS[0][:12] + b"LIST\x00\xf0\x00\x00")
        with pytest.raises(ConnectionClosed):
            for piece in without_end(b"x"):
                one.drip(request_id, piece)
        code, reason = one.closed()
    assert code == 1007
    assert reason.startswith(("no audio came for 1.5 seconds", "the RIFF header does not come to its data"))


def test_after_all_of_it_the_container_hears(container: Container) -> None:
    with open_socket(container.address) as one, open_socket(container.address) as other:
        one.sendall(frame(2, bytes(100), length=2**20))
        other.sendall(b"\x82")
        answers = heard(container.address, as_wav(silence(0.2)))
    assert phrases(answers)[-1]["RecognitionStatus"] == "EndOfDictation"
