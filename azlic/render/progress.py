"""How far along a command is, on stderr: a bar or a line on a terminal, nothing anywhere else."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from azlic.lines import OWN, OWN_ESCAPE
from azlic.output import terminal_of

if TYPE_CHECKING:  # `azlic verify` counts its licenses without rich
    from rich.progress import ProgressColumn

T = TypeVar("T")
R = TypeVar("R")

_PATIENCE_SECONDS = 1.0

Done = Callable[[int, int], None]
"""Receives how much is done, and how much there is to do."""


def counting_bytes(what: str) -> contextlib.AbstractContextManager[Done]:
    """A bar over bytes, with their speed."""
    from rich.progress import DownloadColumn, TransferSpeedColumn

    return _bar(what, DownloadColumn(), TransferSpeedColumn())


def counting(what: str) -> contextlib.AbstractContextManager[Done]:
    """A bar over things that are counted."""
    from rich.progress import MofNCompleteColumn

    return _bar(what, MofNCompleteColumn())


@contextlib.contextmanager
def _bar(what: str, *counts: "ProgressColumn") -> Iterator[Done]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=terminal_of(sys.stderr))
    columns = (TextColumn(what), BarColumn(), *counts, TimeRemainingColumn())
    progress = Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with progress as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def asking() -> Iterator[Callable[[str, int, int], None]]:
    """A line that says what is being asked for."""
    from rich.console import Console

    console = Console(file=terminal_of(sys.stderr))
    with console.status("asking") if console.is_terminal else contextlib.nullcontext() as status:

        def report(what: str, number: int, count: int) -> None:
            if status is not None:
                status.update(f"asking for {what} ({number} of {count})")

        yield report


def one_by_one(things: Sequence[T], action: Callable[[T], R], *, done: str) -> list[R]:
    """What ``action`` gives for each; from the second second on, a line says how many are ``done``."""
    told, shown = monotonic(), False
    results: list[R] = []
    for thing in things:
        if sys.stderr.isatty() and monotonic() - told >= _PATIENCE_SECONDS:
            told, shown = monotonic(), True
            sys.stderr.write(f"\r{OWN}{done} {len(results):,} of {len(things):,}")
            sys.stderr.flush()
        results.append(action(thing))
    if shown:
        sys.stderr.write(f"\r{OWN}{OWN_ESCAPE}[K")
    return results
