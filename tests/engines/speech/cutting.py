"""A network that cuts connections: a proxy which resets each after so many bytes from the client."""

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.engines.speech.sdk import Told, listen

_RESET = struct.pack("ii", 1, 0)


class Network:
    """``cuts`` are the bytes after which the first connections are cut, one each; those after them are left alone."""

    def __init__(self, address: str, cuts: Sequence[int]) -> None:
        self._to = (urlsplit(address).hostname, urlsplit(address).port)
        self._cuts = list(cuts)
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"ws://127.0.0.1:{self._listening.getsockname()[1]}"
        self.connections = 0
        self._start(self._accept)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                self.connections += 1
                most = self._cuts.pop(0) if self._cuts else None
                far = socket.create_connection(self._to)
                self._start(self._forward, near, far, most)
                self._start(self._forward, far, near, None)

    def _forward(self, one: socket.socket, other: socket.socket, most: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while (most is None or passed < most) and (content := one.recv(4096)):
                other.sendall(content)
                passed += len(content)
        for end in (one, other):
            with contextlib.suppress(OSError):
                if most is not None and passed >= most:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def cutting(address: str, cuts: Sequence[int]) -> Iterator[Network]:
    """A network in front of a container."""
    network = Network(address, cuts)
    try:
        yield network
    finally:
        network.close()


def listen_through_cuts(address: str, file: Path, chance: random.Random, *, most: int = 4) -> tuple[Told, int]:
    """Have the official SDK hear a WAV file while its connection is cut at random places; how often it was cut."""
    cuts = [chance.randrange(500, file.stat().st_size) for _ in range(most)]
    with cutting(address, cuts) as network:
        told = listen(network.address, file)
    assert (told.reason, told.words) == ("EndOfStream", ""), cuts
    return told, network.connections - 1
