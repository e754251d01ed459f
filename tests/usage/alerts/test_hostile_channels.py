"""Servers that answer a notice with what they were sent: the password in a channel's address is told nowhere."""

import logging
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import stamina

from tests.serving import answering
from tests.usage.alerts.test_notify import MESSAGE, channels
from usage.alerts.notify import deliver

SECRET = "pa55word-of-the-webhook"
ANSWERS: dict[str, bytes] = {
    "headers that are none": b"HTTP/1.1 200 OK\r\nno colon here\r\n: SECRET\r\n\r\n",
    "a refusal": b"HTTP/1.1 403 SECRET\r\nContent-Type: SECRET\r\nContent-Length: 6\r\n\r\nSECRET",
    "another place": b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/SECRET\r\nContent-Length: 0\r\n\r\n",
    "a broken chunk": b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nSECRET\r\n",
    "a wait without end": b"HTTP/1.1 503 No\r\nRetry-After: " + b"9" * 400 + b"\r\nContent-Length: 0\r\n\r\n",
    "no answer": b"",
}


def saying(content: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(content)


@pytest.mark.parametrize("way", ["apprise = json://", "alertmanager = http://"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_the_password_is_told_nowhere(
    tmp_path: Path, answer: str, way: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(1)
    kind, scheme = way.split(" = ")
    with answering(saying(ANSWERS[answer].replace(b"SECRET", SECRET.encode()))) as url:
        address = f"{scheme}azlic:{SECRET}@{url.partition('://')[2]}/{SECRET}"
        (channel,) = channels(tmp_path, f'[hook]\n{kind} = "{address}"\n')
        with stamina.set_testing(True, attempts=1):
            told = str(deliver(channel, MESSAGE))
    captured = capfd.readouterr()
    logged = "\n".join(logging.Formatter().format(record) for record in caplog.records)
    assert SECRET not in told + captured.out + captured.err + logged and len(told) < 200
