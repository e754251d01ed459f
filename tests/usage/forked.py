"""Work done in a forked process, for what a test process cannot undo: another user, a limit, a kill."""

import contextlib
import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NONROOT = 65532
EVERY_KILL = pytest.mark.parametrize(
    "every", [23, pytest.param(1, marks=pytest.mark.long)], ids=["some statements", "every statement"]
)
"""A kill in front of each statement takes minutes; a kill in front of some of them runs always."""
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


def begin(work: Callable[[], object]) -> Callable[[], tuple[int, str]]:
    """Begin the work in a child; what is returned waits for its wait status, and its result or traceback as text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text, status = str(work()), 0
        except BaseException:
            text, status = traceback.format_exc(), 1
        os.write(writer, text.encode())
        os._exit(status)
    os.close(writer)

    def end() -> tuple[int, str]:
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        return os.waitpid(child, 0)[1], text

    return end


def fork(work: Callable[[], object]) -> tuple[int, str]:
    """The wait status of a child that does the work, and what it returned or its traceback, as text."""
    return begin(work)()


def in_child(work: Callable[[], object]) -> str:
    """What the work returned, as text, done in a child."""
    status, text = fork(work)
    assert status == 0, text
    return text


def as_nonroot(work: Callable[[], object]) -> str:
    """What the work returned, as text, done by the user that the containers run as."""

    def change_user() -> object:
        os.setgroups([])
        os.setgid(NONROOT)
        os.setuid(NONROOT)
        return work()

    return in_child(change_user)


@contextlib.contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that every user may enter: the ones pytest makes are closed to all others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
