"""The bars of the speech engine: its container, run as a customer runs it, against the bare recogniser, in turn."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from engines.speech.pinned_model import own_model
from scripts.figures import Figure
from scripts.hear import header, hear
from tests.engines.speech.process import license_for_good, running
from tests.engines.speech.recordings import pcm, recording, silence, transcripts
from tests.engines.speech.wire import client
from tests.site import Site

BARE = [sys.executable, "-m", "scripts.bare_vosk", str(own_model())]
SLICE = 3_200
SECOND = 32_000
MODE = "conversation"


def speech(folder: Path) -> Iterator[Figure]:
    """Cold start, two streams at once, the first hypothesis, and memory over 200 streams."""
    site = license_for_good(Site(folder))
    sound = folder / "five-sentences.pcm"
    sound.write_bytes(b"".join(pcm(recording(name)) + pcm(silence(1)) for name in transcripts()))
    yield cold_start(site)
    with running(site) as (process, address), bare_vosk() as bare:
        yield two_streams(address, bare, sound)
        yield first_hypothesis(address, bare, sound)
        yield from memory(address, process.pid)


def cold_start(site: Site, runs: int = 9) -> Figure:
    """From nothing to an answer of /ready, against a process that only loads the model."""

    client = httpx.Client()  # before the clock runs: loading the CAs takes it 40 ms

    def ours() -> float:
        start = time.perf_counter()
        with running(site) as (_, address):
            client.get(f"{address.replace('ws', 'http', 1)}/ready").raise_for_status()
            return time.perf_counter() - start

    def bare() -> float:
        start = time.perf_counter()
        with bare_vosk():
            return time.perf_counter() - start

    with client:
        ratio, note = _in_pairs(ours, bare, runs)
    return Figure("speech, cold start / bare", ratio, 1.2, True, "x", note)


def two_streams(address: str, bare: Callable[[str, Path], float], sound: Path, runs: int = 9) -> Figure:
    """Two streams at once through the WebSocket, against the recogniser on two threads."""
    content = sound.read_bytes()

    def ours() -> float:
        start = time.perf_counter()
        with ThreadPoolExecutor(2) as threads:
            heard = list(threads.map(lambda _: list(hear(address, _stream(content))), range(2)))
        assert all(len(phrases) >= 5 for phrases in heard), heard
        return time.perf_counter() - start

    ratio, note = _in_pairs(lambda: bare("streams", sound), ours, runs)
    return Figure("speech, two streams / bare", ratio, 0.95, False, "x", f"{2 * len(content) / SECOND:.0f} s: {note}")


def first_hypothesis(address: str, bare: Callable[[str, Path], float], sound: Path, runs: int = 25) -> Figure:
    """From the first byte of a stream to its first hypothesis, against the recogniser alone."""
    content = sound.read_bytes()[: 3 * SECOND]

    def ours() -> float:
        with client(address, MODE) as one:
            start = time.perf_counter()
            one.play(one.begin(), b"".join(_stream(content)), piece=SLICE)
            next(answer for answer in one.answers() if answer.path == "speech.hypothesis")
            return time.perf_counter() - start

    ratio, note = _in_pairs(ours, lambda: bare("first", sound), runs)
    return Figure("speech, first words / bare", ratio, 1.3, True, "x", note)


def memory(address: str, container: int) -> Iterator[Figure]:
    """What the container holds after so many streams, one after the other, against what it held after 20."""
    content = pcm(recording("austen-0880.flac"))
    held = {}
    for number in range(1, 201):
        assert list(hear(address, _stream(content)))
        if number in (20, 100, 200):
            held[number] = _resident(container)
    note = ", ".join(f"{size:.1f} MB after {number}" for number, size in held.items())
    yield Figure("speech, memory 200 / 20", held[200] / held[20], 1.02, True, "x", note)


@contextmanager
def bare_vosk() -> Iterator[Callable[[str, Path], float]]:
    """The bare recogniser in a process of its own, its model loaded: what it is told to do, and the seconds it took."""
    with subprocess.Popen(BARE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        told, answers = process.stdin, process.stdout
        assert answers.readline() == "loaded\n"

        def do(what: str, sound: Path) -> float:
            print(what, sound, file=told, flush=True)
            return float(answers.readline())

        yield do
        process.kill()


def _stream(content: bytes) -> Iterator[bytes]:
    yield header(16_000, 1)
    yield from (content[start : start + SLICE] for start in range(0, len(content), SLICE))


def _resident(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _in_pairs(one: Callable[[], float], other: Callable[[], float], runs: int) -> tuple[float, str]:
    """The median ratio of pairs that were measured in turn, after a pair that does not count; and the medians."""
    one(), other()
    pairs = [(one(), other()) for _ in range(runs)]
    ratio = statistics.median(first / second for first, second in pairs)
    low, high = (statistics.median(column) for column in zip(*pairs, strict=True))
    return ratio, f"{1000 * low:.0f} ms to {1000 * high:.0f} ms, {runs} pairs"
