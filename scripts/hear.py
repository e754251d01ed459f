#!/usr/bin/env python3
"""Send a recording to a speech container and print what was said; of a folder, write a text beside each recording.

A recording is WAV, FLAC or OGG. For - it is what comes in: one of these, or plain samples, 16,000 a second of 16 bits.

Example: scripts/hear ws://127.0.0.1:5000 meeting.wav
         scripts/hear ws://127.0.0.1:5000 recordings/
         arecord -q -f S16_LE -r 16000 | scripts/hear ws://127.0.0.1:5000 -
"""

import contextlib
import io
import json
import os
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

import soundfile
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

PATH = "/speech/recognition/conversation/cognitiveservices/v1?language=en-US"
SOUNDS = frozenset({".wav", ".flac", ".ogg", ".opus"})
WHOLE = (b"fLaC", b"OggS", b"RF64", b"FORM", b"ID3")
"""How a recording begins that can be read only when all of it is there."""
FLOATING = frozenset({"FLOAT", "DOUBLE"})
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
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # whoever reads the text has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def tell(container: str, sound: Iterator[bytes]) -> None:
    for text in hear(container, sound):
        print(text, flush=True)


def hear_folder(container: str, folder: Path) -> None:
    """A text beside each recording; one that fails stops no other, and is named at the end.

    Recordings that differ only in their ending have it in the names of their texts. What was heard of one before it
    failed was counted, and is kept.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS)
    if not files:
        stop(f"there are no recordings in {folder}", "name a folder with WAV, FLAC or OGG files")
    names = Counter(file.stem for file in files)
    failures: list[str] = []
    for number, file in enumerate(files, 1):
        print(f"{number} of {len(files)}  {file.name}", end="", flush=True)
        text = file.with_name(f"{file.name if names[file.stem] > 1 else file.stem}.txt")
        failed, said = None, ""
        try:
            for phrase in hear(container, recorded(file)):
                said += f"{phrase}\n"
        except Failed as reason:
            failed = str(reason)
        try:
            if said or not failed:
                text.write_text(said, encoding="utf-8")
        except OSError as error:
            failed = f"{text} cannot be written: {error.strerror}"
        if failed:
            failures.append(f"{file.name}: {failed}")
        words = f"{len(said.split())} words"
        print(f"  {'failed' if failed else words}{f' after {words}' if failed and said else ''}", flush=True)
    if failures:
        sys.exit("\n".join([f"hear: {len(failures)} of {len(files)} recordings failed", *failures]))


def recorded(file: Path | BinaryIO) -> Iterator[bytes]:
    """A recording as a stream: its header, then 100 ms at a time."""
    try:
        with soundfile.SoundFile(file) as sound:
            if not sound.frames and isinstance(file, Path):  # a WAV out of a pipe may leave its length open
                yield from piped(io.BytesIO(file.read_bytes()))
                return
            yield header(sound.samplerate, sound.channels)
            kind = "float32" if sound.subtype in FLOATING else "int16"  # libsndfile cuts floats off, and does not scale
            while len(samples := sound.read(sound.samplerate // 10, dtype=kind)):
                yield (samples if kind == "int16" else (samples * 32767).clip(-32768, 32767).astype("<i2")).tobytes()
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        name = file if isinstance(file, Path) else "what came in"
        raise Failed(
            f"{name} cannot be read: {reason_for(file, error)}\n  try: name a WAV, FLAC or OGG file"
        ) from error


def reason_for(file: Path | BinaryIO, error: Exception) -> str:
    """The system's words where it does not give the file; libsndfile has none for that."""
    try:
        if isinstance(file, Path):
            file.open("rb").close()
    except OSError as refused:
        return str(refused.strerror)
    return str(error)


def piped(source: BinaryIO) -> Iterator[bytes]:
    """What comes in, as it comes; a FLAC or OGG once all of it is there."""
    first = source.read(4)
    if first.startswith(WHOLE):
        yield from recorded(io.BytesIO(first + source.read()))
        return
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
