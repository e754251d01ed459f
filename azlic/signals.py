"""The signals that end a command which runs on: SIGTERM and Ctrl+C."""

import os
import signal
from collections.abc import Callable
from threading import Thread


def call_when_told_to_end(stop: Callable[[], None]) -> None:
    """Call ``stop``, on a thread of its own, once this process is told to end. For the rest of the process' life.

    A handler is called when the main thread comes back from what it does in C: a signal that arrives just before that
    begins to wait for a minute is heard a minute later. What a signal writes into a pipe is heard at once. Source:
    ``signal.set_wakeup_fd`` in the standard library.
    """
    heard, said = os.pipe()
    os.set_blocking(said, False)
    signal.set_wakeup_fd(said)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        os.read(heard, 1)
        stop()

    Thread(target=wait, name="signals", daemon=True).start()
