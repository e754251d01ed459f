"""Lines that are written on a thread of their own: a disk or a network that hangs holds no request up."""

import logging
import os
import queue
import sys
import threading
from contextlib import suppress
from typing import Protocol

from engines.logs.lines import fields

WAITING_LINES = 10_000
CLOSING_SECONDS = 2.0
_TEND_SECONDS = 5.0
_END = None


class Target(Protocol):
    """Where lines go. Its methods raise ``OSError`` where they cannot do it."""

    def write(self, told: dict[str, object]) -> None:
        """Write one line."""

    def tend(self) -> None:
        """See to it from time to time, also when nothing is written."""

    def close(self) -> None:
        """Let go of it."""


class Background(logging.Handler):
    """Hands what the log tells to a target, in order; drops it where the target is too slow or cannot write.

    Lines wait until there is a target. The log on stderr is told once when lines are lost, and once when no more are.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.set_name(name)
        self._lines: queue.Queue[dict[str, object] | None] = queue.Queue(WAITING_LINES)
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._lost = 0

    def open(self, target: Target) -> None:
        """Begin to write, with what has waited."""
        self._thread = threading.Thread(target=self._run, args=[target], name=f"log to {self.name}", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; in a process that was forked to read a document, nobody would write it."""
        if os.getpid() != self._process:
            return
        try:
            self._lines.put_nowait(fields(record))
        except queue.Full:
            self._lost += 1

    def close(self) -> None:
        """Write what waits, as far as that goes quickly."""
        if self._thread is not None and self._thread.is_alive():
            with suppress(queue.Full):
                self._lines.put_nowait(_END)
            self._thread.join(CLOSING_SECONDS)
        super().close()

    def _run(self, target: Target) -> None:
        reason = ""
        while True:
            try:
                told = self._lines.get(timeout=_TEND_SECONDS)
            except queue.Empty:
                with suppress(OSError):
                    target.tend()
                continue
            if told is _END:
                with suppress(OSError):
                    target.close()
                return
            try:
                target.write(told)
            except OSError as error:
                self._lost += 1
                if not reason:
                    reason = error.strerror or str(error) or type(error).__name__
                    self._say("ERROR", f"The log is not written to {self.name}: {reason}. It goes on by itself.")
            else:
                if reason or self._lost:
                    self._say("WARNING", f"The log is written to {self.name} again; {self._lost} lines are lost.")
                reason, self._lost = "", 0

    def _say(self, level: str, words: str) -> None:
        """Tell stderr alone: the log would tell itself."""
        record = logging.LogRecord("azlic.logs", getattr(logging, level), __file__, 0, words, None, None)
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
                handler.handle(record)
