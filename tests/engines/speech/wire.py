"""A client that speaks the Speech SDK's protocol by hand: also what the SDK never would say."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

WAIT = 60
PATH = "/speech/recognition/{mode}/cognitiveservices/v1?language=en-US"


class Answer(NamedTuple):
    path: str
    request_id: str
    body: Any


class Client:
    """One connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def begin(self, request_id: str = "") -> str:
        """Say who we are, and what is to be heard; gives the id of the request."""
        request_id = request_id or uuid.uuid4().hex
        self.say("speech.config", "", '{"context":{}}')
        self.say("speech.context", request_id, "{}")
        return request_id

    def say(self, path: str, request_id: str, body: str) -> None:
        """Send a text message."""
        self.socket.send(f"Path: {path}\r\nX-RequestId: {request_id}\r\n\r\n{body}")

    def sound(self, request_id: str, payload: bytes) -> None:
        """Send a binary message."""
        header = f"path:audio\r\nx-requestid:{request_id}\r\nX-StreamId:1\r\n".encode()
        self.socket.send(len(header).to_bytes(2, "big") + header + payload)

    def drip(self, request_id: str, payload: bytes) -> None:
        """Send a binary message, and listen a moment for what is said to that."""
        self.sound(request_id, payload)
        with suppress(TimeoutError):
            self.socket.recv(timeout=0.02)

    def play(self, request_id: str, content: bytes, *, piece: int = 3200, end: bool = True) -> None:
        """Send a file in pieces, and its end."""
        for start in range(0, len(content), piece):
            self.sound(request_id, content[start : start + piece])
        if end:
            self.sound(request_id, b"")

    def answers(self) -> Iterator[Answer]:
        """What the container says up to the turn's end."""
        while True:
            text = self.socket.recv(timeout=WAIT)
            assert isinstance(text, str)
            head, _, body = text.partition("\r\n\r\n")
            headers = dict(line.split(":", 1) for line in head.split("\r\n"))
            yield Answer(headers["Path"], headers["X-RequestId"], json.loads(body))
            if headers["Path"] == "turn.end":
                return

    def closed(self) -> tuple[int, str]:
        """Wait for the container to close: its code and its words."""
        try:
            while True:
                self.socket.recv(timeout=WAIT)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, closed
            return closed.rcvd.code, closed.rcvd.reason


@contextmanager
def client(address: str, mode: str = "conversation", *, connection_id: str = "", query: str = "") -> Iterator[Client]:
    """A connection to a container."""
    headers = {"X-ConnectionId": connection_id} if connection_id else {}
    with connect(f"{address}{PATH.format(mode=mode)}{query}", additional_headers=headers, open_timeout=WAIT) as socket:
        yield Client(socket)


def heard(address: str, content: bytes, mode: str = "conversation", *, query: str = "") -> list[Answer]:
    """All answers to one recording."""
    with client(address, mode, query=query) as one:
        one.play(one.begin(), content)
        return list(one.answers())


def phrases(answers: list[Answer]) -> list[Any]:
    """The phrases among some answers."""
    return [answer.body for answer in answers if answer.path == "speech.phrase"]
