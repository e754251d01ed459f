import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from licensing.database import DatabaseBusy, open_database
from licensing.errors import AzlicError
from licensing.hold import holding

HOLDER = """
import sys
from licensing.database import open_database
from licensing.hold import holding
with holding(open_database(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(str(tmp_path / "azlic.db"), create=True)
    yield engine
    engine.dispose()


@contextmanager
def another_holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the database."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_one_after_the_other_may_hold(engine: Engine) -> None:
    for _ in range(2):
        with holding(engine, wait_seconds=0):
            pass


def test_a_second_hold_of_the_same_process_is_refused(engine: Engine) -> None:
    with holding(engine), pytest.raises(DatabaseBusy, match=f"process {os.getpid()}$"), holding(engine, wait_seconds=0):
        pass


def test_the_hold_ends_when_what_is_done_under_it_fails(engine: Engine) -> None:
    with pytest.raises(RuntimeError), holding(engine):
        raise RuntimeError("half way")
    with holding(engine, wait_seconds=0):
        pass


def test_another_process_is_named_and_its_hold_ends_when_it_is_killed(engine: Engine, tmp_path: Path) -> None:
    with another_holder(tmp_path / "azlic.db") as other:
        with pytest.raises(DatabaseBusy, match=f"held by process {other.pid}$"), holding(engine, wait_seconds=0):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
        with holding(engine, wait_seconds=0):
            pass


def test_a_hold_that_ends_while_another_waits_is_taken_over(engine: Engine, tmp_path: Path) -> None:
    with another_holder(tmp_path / "azlic.db") as other:
        assert other.stdin is not None
        other.stdin.close()
        with holding(engine, wait_seconds=60):
            pass


def test_a_place_where_no_hold_can_be_written_is_an_error_with_a_hint(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "azlic.db.lock").mkdir()
    with pytest.raises(AzlicError, match=r"azlic\.db\.lock cannot be written") as refused, holding(engine):
        pass
    assert refused.value.hint
