"""Every command that writes, killed in front of each of its steps: done, or not done, and the next run goes on from it.

A step is a call that changes the disk, and a statement of the database. docs/reliability.md has the promises.
"""

import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from azlic.__main__ import main
from tests.azlic.conftest import Cli
from tests.azlic.killing import COMMANDS, SERVING, Folder, Matrix, a_site, words_of
from tests.azlic.test_reading_writes_nothing import documented
from tests.licensing.sudden_death import STEPS

ROOT = Path(__file__).parents[2]


def test_every_command_that_writes_is_killed_here() -> None:
    assert documented() | {"calendar", "check", "report"} == COMMANDS.keys() | SERVING | {"alerts", "audit"}


def test_the_table_of_promises_has_every_command_with_what_tries_it() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text().partition("## Command by command")[2]
    rows = re.findall(r"^[|] `([a-z -]+)` [|] (.+) [|] (.*) [|] (.*) [|]$", page, re.MULTILINE)
    assert {command for command, *_ in rows} == documented() | {"calendar", "check", "report"}
    assert len(rows) == len({command for command, *_ in rows})
    for command, _, steps, kills in rows:
        if command in COMMANDS:
            assert int(steps) > 3 and int(kills.replace(",", "")) > 0, command
        else:
            assert (ROOT / kills.strip("`")).exists(), command


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, Folder]]:
    folder = tmp_path_factory.mktemp("kills")
    with a_site(folder / "site") as cli:
        yield cli, Folder(folder / "site", folder / "pristine")


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_anywhere_it_is_done_or_not_done_and_runs_again(ready: tuple[Cli, Folder], command: str) -> None:
    cli, place = ready
    matrix, words = Matrix(cli, place, command), words_of(command)
    place.put_back()
    steps = steps_of(words, place)
    changing = [step for step in range(len(steps)) if not step or steps[step] != steps[step - 1]]
    for step in changing:
        place.put_back()
        assert killed(words, step), step
        assert (fault := matrix.fault()) is None, (step, fault)
    assert len(steps) > 3 and len(changing) > 1, "it was killed nowhere where it writes"
    print(f"{command}: {len(steps)} steps, {len(changing)} kills, {matrix.looks} states")


def steps_of(words: tuple[str, ...], place: Folder) -> list[str]:
    """The state of the folder in front of each step of a command that is let run to its end."""
    (reading, told), write = os.pipe(), os.write  # the one there is before a step is made of it
    child = fork(words, lambda: write(told, place.state().encode()))
    os.close(told)
    with os.fdopen(reading) as answers:
        states = answers.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return [states[at : at + 64] for at in range(0, len(states), 64)]


def killed(words: tuple[str, ...], step: int) -> bool:
    """Run a command that is killed in front of a step; whether it came that far."""
    left = iter(range(step))

    def die() -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    child = fork(words, die)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def fork(words: tuple[str, ...], before_a_step: Callable[[], object]) -> int:
    """Run a command in a child process, which calls this in front of each step."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child needs none of them
        child = os.fork()
    if child == 0:
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            sys.argv = ["azlic", *words]
            call_before_steps(before_a_step)
            main()
        finally:
            os._exit(0)
    return child


def call_before_steps(called: Callable[[], object]) -> None:
    def mortal(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            called()
            return call(*args, **options)

        return wrapped

    for name in STEPS:
        if name != "open":
            setattr(os, name, mortal(getattr(os, name)))
    event.listen(Engine, "before_cursor_execute", lambda *_: called())
    event.listen(Engine, "commit", lambda *_: called())
