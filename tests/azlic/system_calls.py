"""A command whose system calls are counted, fail, or are its last: strace does it from outside, to the real process.

The process is a fork of this one, which has every module loaded: what it does on the disk is the command's own.
"""

import contextlib
import ctypes
import io
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from azlic.__main__ import main
from tests.azlic.killing import Matrix

FAILED = 3

CHANGES = (
    "write,pwrite64,writev,pwritev,sendfile,copy_file_range,ftruncate,fallocate,fsync,fdatasync,rename,renameat,"
    "renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,chmod,fchmod,fchmodat,chown,fchown,"
    "fchownat,lchown"
)
"""Every call that changes a file or a folder, or makes a change last. An open that makes a file comes before one."""
TAKES_SPACE = "write,pwrite64,writev,pwritev,copy_file_range,ftruncate,fallocate,fsync,fdatasync,rename,link,mkdir"
_TRACER_ANY = 0x59616D61, ctypes.c_ulong(-1)


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: a negative status is the signal. ``calls`` are those that it made by name, the busiest thread's."""

    status: int
    told: str
    calls: Counter[str]


def traced(words: tuple[str, ...], calls: str = CHANGES, inject: str | None = None) -> Ended:
    """Run a command; ``inject`` is strace's: ``signal=KILL:when=7``, ``error=ENOSPC:when=7+``."""
    ours, theirs = socket.socketpair()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child needs none of them
        child = os.fork()
    if child == 0:
        ours.close()
        _run(words, theirs)
    theirs.close()
    with tempfile.NamedTemporaryFile("r") as log, ours:
        what = ["-e", f"inject={calls}:{inject}"] if inject else []
        with subprocess.Popen(
            ["strace", "-f", "-o", log.name, "-e", f"trace={calls}", "-e", "signal=none", *what, "-p", str(child)],
            stderr=subprocess.PIPE,
            text=True,
        ) as tracer:
            assert tracer.stderr is not None
            attached = tracer.stderr.readline()
            assert "attached" in attached, attached
            ours.send(b"go")
            told = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := ours.recv(1 << 16):
                    told += piece
            _, status = os.waitpid(child, 0)
            tracer.stderr.read()
        made: Counter[str] = Counter()
        for (_, name), times in Counter(re.findall(r"^(\d+) +(\w+)\(", log.read(), re.MULTILINE)).items():
            made[name] = max(made[name], times)
    return Ended(os.waitstatus_to_exitcode(status), told.decode(), made)


def _run(words: tuple[str, ...], peer: socket.socket) -> None:
    """What is told is kept in memory and sent at the end: a full disk does not keep anybody from reading it."""
    status = 70
    try:
        ctypes.CDLL(None).prctl(*_TRACER_ANY)
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(quiet, descriptor)
        peer.recv(2)
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        sys.argv = ["azlic", *words]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = main()
        peer.sendall(out.buffer.getvalue())
    finally:
        os._exit(status)


Call = tuple[str, int]
"""A system call by its name, and which of that name, from 1 on: strace counts so."""


@dataclass(frozen=True, slots=True)
class Strike:
    """What is done to a command at one of its calls: strace's words, to which calls, and how it may end then."""

    inject: str
    calls: str
    status: int

    def places(self, matrix: Matrix) -> list[Call]:
        """All such calls that the command makes where nothing is done to it."""
        matrix.place.put_back()
        made = traced(matrix.words, self.calls).calls
        return [(name, number) for name, times in sorted(made.items()) for number in range(1, times + 1)]

    def fault(self, matrix: Matrix, call: Call) -> str | None:
        """What is half done, badly told, or does not go on, where it is struck at this call; None where nothing is.

        Raises ``Missed`` where it was killed nowhere, since it did not come to this call.
        """
        name, number = call
        matrix.place.put_back()
        ended = traced(matrix.words, name, self.inject.format(number=number))
        told = " ".join(ended.told.split())
        if self.status < 0 and ended.status in matrix.statuses:
            raise Missed
        if "unexpected error" in told or ended.status not in {self.status, *matrix.statuses}:
            return f"at {name} {number} it ended as {ended.status}: {told}"
        if ended.status == FAILED and "try:" not in told:
            return f"at {name} {number} it does not say what to try: {told}"
        fault = matrix.fault()
        return None if fault is None else f"at {name} {number}, {fault}; it said: {told}"


class Missed(Exception):
    """A command did not come to the call at which it was to be struck."""


STRIKES = {
    "kill": Strike("signal=KILL:when={number}", CHANGES, -signal.SIGKILL),
    "full disk": Strike("error=ENOSPC:when={number}+", TAKES_SPACE, FAILED),
    "failing fsync": Strike("error=EIO:when={number}+", "fsync,fdatasync", FAILED),
}


def sample(calls: Sequence[Call], size: int) -> list[Call]:
    """So many of these, evenly, with the first and the last."""
    if len(calls) <= size:
        return list(calls)
    return [calls[round(n * (len(calls) - 1) / (size - 1))] for n in range(size)]
