"""Sudden death: a piece of work in a child process that dies before its n-th step on the disk, for every n."""

import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

_STEPS = ("open", "fsync", "replace", "unlink", "fchmod", "mkdir")
_DIED = 9


def die_at_every_step(begin: Callable[[], object], work: Callable[[], object]) -> Iterator[int]:
    """Begin anew and die one step later, until the work is done; after each death the caller has a look."""
    step = 0
    while True:
        begin()
        if _alive(work, step):
            return
        yield step
        step += 1


def _alive(work: Callable[[], object], step: int) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child starts none
        child = os.fork()
    if child == 0:
        try:
            _dying_at(step)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, _DIED), status
    return status == 0


def _dying_at(step: int) -> None:
    left = step

    def mortal(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            nonlocal left
            if left == 0:
                os._exit(_DIED)
            left -= 1
            return call(*args, **options)

        return wrapped

    for name in _STEPS:
        setattr(os, name, mortal(getattr(os, name)))
