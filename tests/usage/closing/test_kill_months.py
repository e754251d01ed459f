"""A close, a correction, an ingest of late records: killed anywhere, the next run ends as if it had not been."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.usage.commitments import day
from tests.usage.forked import EVERY_KILL, fork
from tests.usage.ledgers import check_arithmetic, contents, copy_ledger, die_at, new_ledger, open_fast
from tests.usage.lines import a_chain, a_line
from usage.closing.close import close_month
from usage.intake.run import ingest
from usage.ledger.corrections import correct
from usage.months import Month
from usage.records.usage_files import ReadSizes

ONE, OTHER = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
NOW = day("2026-05-03")
SMALL = ReadSizes(block=1500, commit=6000)
Step = Callable[[Engine, Path], object]


def put(output: Path, container: str, name: str, lines: list[bytes], rest: bytes = b"") -> None:
    path = output / "read" / container / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines) + rest)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A ledger with March closed and April open, corrections in both, and new files with late records in them."""
    output, march, april = tmp_path / "output", day("2026-03-20"), day("2026-04-20")
    chain = a_chain(12, container=ONE, at=march)
    put(output, ONE, "usage-2026-03-20.jsonl", chain)
    put(output, OTHER, "usage-2026-03-20.jsonl", [a_line("a", 5, at=march), b"bad"])
    engine = open_fast(new_ledger(tmp_path / "before.db"))
    ingest(engine, [output], now=day("2026-04-01"), sizes=SMALL)
    close_month(engine, Month(2026, 3), now=day("2026-04-01"), accept="one line was torn")
    correct(engine, "a", 3_000_000, reason="scanned twice", now=day("2026-04-02"))
    put(output, OTHER, "usage-2026-04-20.jsonl", [a_line("b", 2, at=april), a_line("late", 1, at=march)])
    ingest(engine, [output], now=day("2026-04-20"), sizes=SMALL)
    engine.dispose()
    return tmp_path


def news(folder: Path) -> Path:
    """Files with records of March, which is closed, among those of April."""
    march, april = day("2026-03-20"), day("2026-04-20")
    known = a_chain(12, container=ONE, at=march)
    more = a_chain(16, container=ONE, at=march, after=known)
    put(folder / "output", ONE, "usage-2026-04-19.jsonl", more)
    mixed = [a_line(f"n{number}", number, at=march if number % 3 else april) for number in range(20)]
    put(folder / "output", OTHER, "usage-2026-04-21.jsonl", [*mixed, b"bad", mixed[1], a_line("n2", 9)])
    put(folder / "output", "cccccccccccc", "usage-2026-04-22.jsonl", [a_line("other", 1, at=march)])
    return folder / "output"


def take(engine: Engine, folder: Path) -> object:
    return ingest(engine, [news(folder)], now=NOW, sizes=SMALL)


def close(engine: Engine, folder: Path) -> object:
    return close_month(engine, Month(2026, 4), now=NOW, folders=[folder / "output"], accept="it was looked into")


def correct_again(engine: Engine, folder: Path) -> object:
    return correct(engine, "a", 4_000_000, reason="once, and a page", now=NOW)


def killed_at(step: Step, folder: Path, database: Path, number: int) -> bool:
    def work() -> None:
        engine = open_fast(database)
        die_at(engine, number, lambda: os.kill(os.getpid(), signal.SIGKILL))
        step(engine, folder)

    status, text = fork(work)
    assert status in (0, signal.SIGKILL), text
    return status != 0


@EVERY_KILL
@pytest.mark.parametrize(("step", "least"), [(take, 80), (close, 17), (correct_again, 10)])
def test_what_is_killed_at_any_statement_ends_as_if_nothing_had_been(
    prepared: Path, step: Step, least: int, every: int
) -> None:
    """Together with the ingest of ``test_kill``: over 300 kills (230 there)."""
    undisturbed = open_fast(copy_ledger(prepared / "before.db", prepared / "undisturbed.db"))
    step(undisturbed, prepared)
    expected = contents(undisturbed)
    kills, database = 0, prepared / "killed.db"
    while killed_at(step, prepared, copy_ledger(prepared / "before.db", database), kills):
        ledger = open_fast(database)
        step(ledger, prepared)
        found = contents(ledger)
        for table, rows in expected.items():
            assert found[table] == rows, (table, kills)
        ledger.dispose()
        (prepared / "killed.db-journal").unlink(missing_ok=True)
        kills += every
    assert kills >= least
    check_arithmetic(undisturbed)
    undisturbed.dispose()


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.long)])
def test_a_close_killed_before_its_end_has_closed_nothing(prepared: Path, every: int) -> None:
    """All of it is one transaction: as long as it is killed, nothing of it is there."""
    database, number = prepared / "before.db", 0
    before = contents(open_fast(database))
    while killed_at(close, prepared, copy_ledger(database, prepared / "killed.db"), number):
        ledger = open_fast(prepared / "killed.db")
        assert contents(ledger) == before
        ledger.dispose()
        number += every
