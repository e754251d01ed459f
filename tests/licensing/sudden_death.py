"""Sudden death: a piece of work in a child process that dies before its n-th step on the disk, for every n.

Or the disk is full from that step on, and the work has to say so.
"""

import errno
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from licensing.core.errors import AzlicError

STEPS = ("open", "write", "fsync", "replace", "rename", "link", "unlink", "rmdir", "fchmod", "fchown", "chown", "mkdir")
_TAKES_SPACE = ("open", "write", "fsync", "mkdir", "rename", "replace", "link")
_DIED = 9
_FAILED = 3


def die_at_every_step(begin: Callable[[], object], work: Callable[[], object], every: int = 1) -> Iterator[int]:
    """Begin anew and die ``every`` steps later, until the work is done; after each death the caller has a look."""
    yield from _at_every_step(begin, work, STEPS, _die, every)


def fill_the_disk_at_every_step(
    begin: Callable[[], object], work: Callable[[], object], every: int = 1
) -> Iterator[int]:
    """Begin anew with a disk that is full ``every`` steps later, until the work is done; ``AzlicError`` may end it."""
    yield from _at_every_step(begin, work, _TAKES_SPACE, _no_space, every)


def _die() -> None:
    os._exit(_DIED)


def _no_space() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _at_every_step(
    begin: Callable[[], object], work: Callable[[], object], steps: Sequence[str], end: Callable[[], None], every: int
) -> Iterator[int]:
    step = 0
    while True:
        begin()
        if _alive(work, step, steps, end):
            return
        yield step
        step += every


def _alive(work: Callable[[], object], step: int, steps: Sequence[str], end: Callable[[], None]) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child starts none
        child = os.fork()
    if child == 0:
        try:
            reached = _ending_at(step, steps, end)
            try:
                work()
            except AzlicError:
                os._exit(_FAILED)
            os._exit(_FAILED if reached() else 0)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, _DIED, _FAILED), status
    return status == 0


def _ending_at(step: int, steps: Sequence[str], end: Callable[[], None]) -> Callable[[], bool]:
    """Let a step and all after it end so; gives what tells whether the work came that far."""
    left, opening = step, os.open

    def mortal(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            nonlocal left
            if call is opening and end is _no_space and not args[1] & os.O_CREAT:
                return call(*args, **options)  # reading takes no space
            left -= 1
            if left < 0:
                end()
            return call(*args, **options)

        return wrapped

    for name in steps:
        setattr(os, name, mortal(getattr(os, name)))
    return lambda: left < 0
