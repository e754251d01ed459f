"""The model that streams are heard with: all that loading it needs, and nothing that hearing needs besides."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import vosk

from licensing.core.errors import AzlicError

RATE = 16_000
"""What a model hears: 16 bits, one channel, so many samples a second."""


class SpeechModel:
    """A model, loaded once for all streams, and the threads that hear with it.

    As many threads hear as there are processors; more would only make every stream late. Raises ``AzlicError`` for a
    folder that holds no model.
    """

    def __init__(self, folder: Path) -> None:
        vosk.SetLogLevel(-1)
        if missing := [name for name in ("am/final.mdl", "conf/mfcc.conf") if not (folder / name).is_file()]:
            raise AzlicError(
                f"{folder} holds no speech model: {missing[0]} is missing",
                hint="Models=FOLDER takes a Vosk model as it was unpacked",
            )
        try:
            self.model = vosk.Model(str(folder))
            self.recogniser()  # without some of its files, a model is loaded and no recogniser can be made of it
        except Exception as error:  # vosk raises nothing more precise
            raise AzlicError(
                f"the speech model in {folder} cannot be loaded", hint="unpack the model once more, whole"
            ) from error
        self.threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="hearing")

    def recogniser(self) -> vosk.KaldiRecognizer:
        """What hears one stream."""
        return vosk.KaldiRecognizer(self.model, RATE)

    def close(self) -> None:
        """Let the threads end."""
        self.threads.shutdown()
