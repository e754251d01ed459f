#!/usr/bin/env python3
"""Send a recording to a speech container and print what was said; of a folder, write a text beside each recording.

A recording is WAV, FLAC or OGG. For - it is what comes in: WAV, or plain samples, 16,000 a second of 16 bits.

Example: scripts/hear ws://127.0.0.1:5000 meeting.wav
         scripts/hear ws://127.0.0.1:5000 recordings/
         arecord -q -f S16_LE -r 16000 | scripts/hear ws://127.0.0.1:5000 -
"""

import contextlib
import io
import json
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

import soundfile
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

PATH = "/speech/recognition/conversation/cognitiveservices/v1?language=en-US"
SOUNDS = frozenset({".wav", ".flac", ".ogg", ".opus"})
ANSWER_SECONDS = 300
OPEN_SECONDS = 60


class Failed(Exception):
    """A recording could not be heard."""


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    container, what = sys.argv[1].rstrip("/"), sys.argv[2]
    if not container.startswith(("ws://", "wss://")):
        stop(f"{container} is not the address of a speech container", "ws://127.0.0.1:5000")
    try:
        if what == "-":
            tell(container, piped(sys.stdin.buffer))
        elif Path(what).is_dir():
            hear_folder(container, Path(what))
        else:
            tell(container, recorded(Path(what)))
    except Failed as failed:
        sys.exit(f"hear: {failed}")


def tell(container: str, sound: Iterator[bytes]) -> None:
    for text in hear(container, sound):
        print(text, flush=True)


def hear_folder(container: str, folder: Path) -> None:
    """A text beside each recording; one that fails stops no other, and is named at the end."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS)
    if not files:
        stop(f"there are no recordings in {folder}", "name a folder with WAV, FLAC or OGG files")
    failures: list[str] = []
    for number, file in enumerate(files, 1):
        print(f"{number} of {len(files)}  {file.name}", end="", flush=True)
        try:
            text = "".join(f"{said}\n" for said in hear(container, recorded(file)))
            file.with_suffix(".txt").write_text(text)
            print(f"  {len(text.split())} words", flush=True)
        except (Failed, OSError) as failed:
            failures.append(f"{file.name}: {failed}")
            print("  failed", flush=True)
    if failures:
        sys.exit("\n".join([f"hear: {len(failures)} of {len(files)} recordings failed", *failures]))


def recorded(file: Path) -> Iterator[bytes]:
    """A recording as a stream: its header, then 100 ms at a time."""
    try:
        with soundfile.SoundFile(file) as sound:
            yield header(sound.samplerate, sound.channels)
            while len(samples := sound.read(sound.samplerate // 10, dtype="int16")):
                yield samples.tobytes()
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise Failed(f"{file} cannot be read: {error}\n  try: name a WAV, FLAC or OGG file") from error


def piped(source: BinaryIO) -> Iterator[bytes]:
    """What comes in, as it comes."""
    first = source.read(4)
    yield first if first == b"RIFF" else header(16_000, 1) + first
    while content := source.read1(3200) if isinstance(source, io.BufferedReader) else source.read(3200):
        yield content


def header(rate: int, channels: int) -> bytes:
    """The header of a WAV of 16 bits whose length is not known yet."""
    form = b"".join(
        number.to_bytes(size, "little")
        for number, size in ((1, 2), (channels, 2), (rate, 4), (rate * channels * 2, 4), (channels * 2, 2), (16, 2))
    )
    return b"RIFF\0\0\0\0WAVEfmt " + len(form).to_bytes(4, "little") + form + b"data\0\0\0\0"


def hear(container: str, sound: Iterator[bytes]) -> Iterator[str]:
    """The phrases that were said, each as soon as it is over."""
    request = uuid.uuid4().hex
    try:
        with connect(
            f"{container}{PATH}",
            additional_headers={"X-ConnectionId": uuid.uuid4().hex},
            open_timeout=OPEN_SECONDS,
            ping_interval=None,  # an answer would wait behind what is sent and not heard yet
        ) as socket:
            socket.send(f"Path: speech.context\r\nX-RequestId: {request}\r\n\r\n{{}}")
            trouble: list[Failed] = []
            threading.Thread(target=send, args=(socket, request, sound, trouble), daemon=True).start()
            yield from phrases(socket)
            if trouble:
                raise trouble[0]
    except InvalidStatus as refused:
        raise Failed(f"{container} refuses: {reason_of(refused)}") from refused
    except ConnectionClosed as closed:
        said = closed.rcvd.reason if closed.rcvd else "the connection was cut"
        raise Failed(said or f"the connection was closed ({closed})") from closed
    except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
        raise Failed(f"{container} does not answer: {error}\n  try: see whether the container runs: /ready") from error


def send(socket: ClientConnection, request: str, sound: Iterator[bytes], trouble: list[Failed]) -> None:
    head = f"Path: audio\r\nX-RequestId: {request}\r\n".encode()
    prefix = len(head).to_bytes(2, "big") + head
    with contextlib.suppress(ConnectionClosed, OSError):  # the receiver tells why
        try:
            for content in sound:
                socket.send(prefix + content)
        except Failed as failed:
            trouble.append(failed)
        socket.send(prefix)


def phrases(socket: ClientConnection) -> Iterator[str]:
    while True:
        message = socket.recv(timeout=ANSWER_SECONDS)
        head, _, body = str(message).partition("\r\n\r\n")
        if "Path:turn.end" in head:
            return
        if "Path:speech.phrase" in head and (text := json.loads(body).get("DisplayText")):
            yield str(text)


def reason_of(refused: InvalidStatus) -> str:
    try:
        return f"{refused.response.status_code}: {json.loads(refused.response.body)['message']}"
    except (ValueError, LookupError, TypeError):
        return f"{refused.response.status_code}; is it a speech container?"


def stop(message: str, hint: str) -> NoReturn:
    sys.exit(f"hear: {message}\n  try: {hint}")


if __name__ == "__main__":
    main()
