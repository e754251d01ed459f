import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from licensing.core.errors import AzlicError
from licensing.db.database import DatabaseBusy, open_ledger
from licensing.db.lock import holding
from tests.site import NewDatabase

pytestmark = pytest.mark.databases("sqlite", "postgresql")

HOLDER = """
import sys
from licensing.db.database import open_ledger
from licensing.db.lock import holding
with holding(open_ledger(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def target(new_database: NewDatabase) -> str:
    return new_database("azlic")


@pytest.fixture
def engine(target: str) -> Iterator[Engine]:
    engine = open_ledger(target, create=True)
    yield engine
    engine.dispose()


@contextmanager
def another_holder(target: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the database."""
    command = [sys.executable, "-c", HOLDER, target]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def held_by(target: str, process: int) -> str:
    """The end of what is said of a holder: PostgreSQL knows it by the number of its own process for it."""
    return r"in use by server process \d+$" if "://" in target else f"in use by process {process}$"


def test_one_after_the_other_may_hold(engine: Engine) -> None:
    for _ in range(2):
        with holding(engine, wait_seconds=0):
            pass


def test_a_second_hold_of_the_same_process_is_refused(engine: Engine, target: str) -> None:
    with (
        holding(engine),
        pytest.raises(DatabaseBusy, match=held_by(target, os.getpid())),
        holding(engine, wait_seconds=0),
    ):
        pass


def test_the_hold_ends_when_what_is_done_under_it_fails(engine: Engine) -> None:
    with pytest.raises(RuntimeError), holding(engine):
        raise RuntimeError("half way")
    with holding(engine, wait_seconds=0):
        pass


def test_another_process_is_named_and_its_hold_ends_when_it_is_killed(engine: Engine, target: str) -> None:
    with another_holder(target) as other:
        with pytest.raises(DatabaseBusy, match=held_by(target, other.pid)), holding(engine, wait_seconds=0):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
        with holding(engine, wait_seconds=60):  # a server takes a moment to miss its client
            pass


def test_a_hold_that_ends_while_another_waits_is_taken_over(engine: Engine, target: str) -> None:
    with another_holder(target) as other:
        assert other.stdin is not None
        other.stdin.close()
        with holding(engine, wait_seconds=60):
            pass


@pytest.mark.databases("sqlite")
def test_a_place_where_no_hold_can_be_written_is_an_error_with_a_hint(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "azlic.db.lock").mkdir()
    with pytest.raises(AzlicError, match=r"azlic\.db\.lock cannot be written") as refused, holding(engine):
        pass
    assert refused.value.hint
