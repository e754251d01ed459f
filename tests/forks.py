"""The program in forks of this process, which has loaded it already: a tenth of the time of a start.

What starts it anew are the site of the license walk, the README's session, and the tests of what a start loads.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from azlic.__main__ import main


def run_forked(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:
            _become(words, folder, environment, out.fileno(), err.fileno())
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([*words], status, out.read(), err.read())


class Service:
    """A command that goes on until it is told to end, and what it says on stderr."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        reader, writer = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            _become(words, folder, environment, writer, writer)
        os.close(writer)
        self.stderr = open(reader, encoding="utf-8")  # noqa: PTH123, SIM115 - closed in the end

    def end(self) -> tuple[int, list[str]]:
        """Tell it to end, and wait: its exit status, and the lines that nobody has read yet."""
        os.kill(self._child, signal.SIGTERM)
        with self.stderr:
            said = self.stderr.read().splitlines()
        return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1]), said


def _become(words: Sequence[str], folder: Path, environment: Mapping[str, str], out: int, err: int) -> NoReturn:
    status = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdin, sys.stdout, sys.stderr = (
            open(end, "w" if end else "r", encoding="utf-8")  # noqa: PTH123, SIM115 - as long as this process lives
            for end in range(3)
        )
        environment = dict(environment)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv = ["azlic", *words]
        status = main()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)
