"""A database server that repeats the password it was sent, and steers terminals with what it says."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from licensing.core.errors import AzlicError
from licensing.db.database import open_ledger

SECRET = "s3cr3t-Passw0rd-of-the-role"
_NEGOTIATIONS = (80877103, 80877104)


@contextmanager
def server(words: str) -> Iterator[int]:
    """Asks for the password in the clear, and refuses with ``words``; gives its port. Source: protocol 3.0."""

    def read(connection: socket.socket) -> bytes:
        (length,) = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))
        return connection.recv(length - 4, socket.MSG_WAITALL)

    def talk() -> None:
        with listening.accept()[0] as connection:
            while struct.unpack("!i", read(connection)[:4])[0] in _NEGOTIATIONS:
                connection.sendall(b"N")
            connection.sendall(b"R" + struct.pack("!ii", 8, 3))
            connection.recv(1)
            password = read(connection).rstrip(b"\0").decode()
            fields = f"SFATAL\0C28P01\0M{words.replace('PASSWORD', password)}\0\0".encode()
            connection.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=talk)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("where", ["in the URL", "among its options", "in the environment"])
def test_neither_is_told(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    words = "the password PASSWORD is wrong \x1b]0;x\x07\x9b31m\u202e" + "x" * 5000
    with server(words) as port, pytest.raises(AzlicError) as refused:
        place = f"127.0.0.1:{port}/azlic"
        url = f"postgresql+psycopg://azlic@{place}"
        if where == "in the URL":
            url = f"postgresql+psycopg://azlic:{SECRET}@{place}"
        elif where == "among its options":
            url += f"?password={SECRET}"
        else:
            monkeypatch.setenv("PGPASSWORD", SECRET)
        open_ledger(url)
    message = refused.value.message
    assert "the password [secret] is wrong" in message and SECRET not in message
    assert message.isprintable() and len(message) < 600
