"""The recogniser without anything of ours around it, for `scripts/bench speech`.

bare_vosk MODEL loads the model; each line on stdin is `streams` or `first` and a file of samples, and is answered with
the seconds that hearing them took.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import vosk

RATE, SLICE = 16_000, 3_200


def listen(model: vosk.Model, content: bytes) -> None:
    """Hear a stream as it comes, a tenth of a second at a time, with the times of words and with hypotheses."""
    recogniser = vosk.KaldiRecognizer(model, RATE)
    recogniser.SetWords(True)
    for start in range(0, len(content), SLICE):
        if recogniser.AcceptWaveform(content[start : start + SLICE]):
            recogniser.Result()
        else:
            recogniser.PartialResult()
    recogniser.FinalResult()


def first(model: vosk.Model, content: bytes) -> None:
    """Hear until there is a first hypothesis."""
    recogniser = vosk.KaldiRecognizer(model, RATE)
    for start in range(0, len(content), SLICE):
        recogniser.AcceptWaveform(content[start : start + SLICE])
        if json.loads(recogniser.PartialResult())["partial"]:
            return


def main() -> None:
    vosk.SetLogLevel(-1)
    model = vosk.Model(sys.argv[1])
    print("loaded", flush=True)
    for line in sys.stdin:
        what, sound = line.split()
        content = Path(sound).read_bytes()
        start = time.perf_counter()
        if what == "streams":
            with ThreadPoolExecutor(2) as threads:
                list(threads.map(listen, [model] * 2, [content] * 2))
        else:
            first(model, content)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
