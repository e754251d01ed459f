"""A look at the site through the eyes of a user who is not root."""

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

UID = 65532

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that every user can walk into; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def as_another_user(action: Callable[[], object]) -> str:
    """What ``action`` gives, or raises, in a child process of another user."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child starts none
        child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(UID)
        os.setuid(UID)
        try:
            answer = str(action())
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer
