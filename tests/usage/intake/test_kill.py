import gzip
import os
import signal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from licensing.core.errors import AzlicError
from licensing.db.database import open_ledger
from tests.postgres import Server, running
from tests.site import START
from tests.usage.forked import EVERY_KILL, fork
from tests.usage.ledgers import check_arithmetic, contents, copy_ledger, die_at, new_ledger, open_fast
from tests.usage.lines import a_chain, a_line
from usage.intake.matching import Memory
from usage.intake.run import ingest
from usage.records.usage_files import ReadSizes

ONE, OTHER = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
SMALL = ReadSizes(block=1500, commit=3000)


class Prepared:
    """A mount with everything that can be the matter with one, and a ledger that knows an earlier state of it."""

    def __init__(self, folder: Path, before: Path | str | None = None) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.before = before or new_ledger(folder / "before.db")
        one, other = a_chain(56, container=ONE), a_chain(36, container=OTHER)
        self.put(ONE, "usage-1.jsonl", one[:12])
        self.put(ONE, "usage-2.jsonl", one[12:16])
        self.put(OTHER, "usage-1.jsonl", other[:10])
        self.put(OTHER, "gone.jsonl", [a_line("gone")])
        engine = open_fast(self.before)
        ingest(engine, [self.output], now=START, sizes=SMALL)
        engine.dispose()
        # what was known went on, was rotated and compressed, rewritten with a line less, and removed
        self.put(ONE, "usage-2.jsonl", [*one[12:30], b"bad", *one[32:36]])
        rotated = self.output / "read" / ONE / "usage-1.jsonl"
        rotated.with_suffix(".jsonl.gz").write_bytes(gzip.compress(rotated.read_bytes()))
        rotated.unlink()
        edited = other[4].replace(b'"quantity":1', b'"quantity":2')
        self.put(OTHER, "usage-1.jsonl", [*other[:2], *other[3:4], edited, *other[5:20]])
        (self.output / "read" / OTHER / "gone.jsonl").unlink()
        # and there is news: records out of order, known ones, conflicts, bad lines, two containers in a file
        self.put(ONE, "usage-3.jsonl", [one[36], one[39], one[37], one[38], *one[40:50], *one[:4]])
        self.put(OTHER, "usage-2.jsonl", [*other[24:30], a_line("x"), a_line("x", 2), b"{", *other[30:]])
        mixed = [
            line for pair in zip(one[50:], (a_line(f"own-{n}", n) for n in range(6)), strict=True) for line in pair
        ]
        self.put(OTHER, "usage-3.jsonl", mixed, b'{"id":"unfinished')

    def put(self, container: str, name: str, lines: list[bytes], rest: bytes = b"") -> None:
        path = self.output / "read" / container / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(line + b"\n" for line in lines) + rest)

    def ingest(self, engine: Engine, memory: Memory | None = None) -> Any:
        return ingest(engine, [self.output], now=START, memory=memory, sizes=SMALL)


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    return Prepared(tmp_path)


def killed_at(prepared: Prepared, database: Path | str, number: int) -> bool:
    """Ingest in a process that is killed in front of its statement of this number; whether it got that far."""

    def work() -> None:
        engine = open_fast(database)
        die_at(engine, number, lambda: os.kill(os.getpid(), signal.SIGKILL))
        prepared.ingest(engine)

    status, text = fork(work)
    assert status in (0, signal.SIGKILL), text
    return status != 0


@EVERY_KILL
def test_an_ingest_killed_at_any_statement_ends_as_if_nothing_had_been(prepared: Prepared, every: int) -> None:
    undisturbed = open_fast(copy_ledger(Path(prepared.before), prepared.folder / "undisturbed.db"))
    prepared.ingest(undisturbed)
    expected = contents(undisturbed)
    kinds = {row[0] for row in expected["finding"]}
    assert kinds >= {"vanished", "gap", "edited", "removed", "disorder"}, kinds
    assert {row[0] for row in expected["quarantine"]} == {"bad-line", "conflict"}
    kills, database = 0, prepared.folder / "killed.db"
    while killed_at(prepared, copy_ledger(Path(prepared.before), database), kills):
        ledger = open_fast(database)
        prepared.ingest(ledger)
        found = contents(ledger)
        for table, rows in expected.items():
            assert found[table] == rows, (table, kills)
        ledger.dispose()
        (prepared.folder / "killed.db-journal").unlink(missing_ok=True)
        kills += every
    assert kills >= 150
    check_arithmetic(undisturbed)
    undisturbed.dispose()


def test_an_ingest_killed_again_and_again_gets_there(prepared: Prepared) -> None:
    undisturbed = open_fast(copy_ledger(Path(prepared.before), prepared.folder / "undisturbed.db"))
    prepared.ingest(undisturbed)
    kills, database = 0, copy_ledger(Path(prepared.before), prepared.folder / "killed.db")
    while killed_at(prepared, database, 64 + kills % 7):
        kills += 1
    ledger = open_ledger(str(database))
    assert kills > 3
    assert contents(ledger) == contents(undisturbed)
    ledger.dispose()
    undisturbed.dispose()


def test_on_postgresql_an_ingest_killed_at_any_statement_ends_as_if_nothing_had_been(
    tmp_path: Path, postgresql: Server
) -> None:
    before = postgresql.new_database()
    prepared = Prepared(tmp_path, postgresql.url(before))
    names = [postgresql.new_database(before)]
    undisturbed = open_fast(postgresql.url(names[0]))
    prepared.ingest(undisturbed)
    expected = contents(undisturbed)
    undisturbed.dispose()
    for number in range(3, 300, 37):
        names.append(postgresql.new_database(before))
        if not killed_at(prepared, postgresql.url(names[-1]), number):
            break
        ledger = open_fast(postgresql.url(names[-1]))
        prepared.ingest(ledger)
        assert contents(ledger) == expected, number
        check_arithmetic(ledger)
        ledger.dispose()
    assert len(names) > 5
    for name in (before, *names):
        postgresql.drop_database(name)


def test_an_ingest_whose_server_goes_loses_nothing_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with running() as server:
        prepared = Prepared(tmp_path, server.url(server.new_database()))
        ledger = open_fast(str(prepared.before))
        steps = count()

        def progress(_done: int, _total: int) -> None:
            if next(steps) == 3:
                server.stop()

        with pytest.raises(AzlicError, match="cannot be used"):
            ingest(ledger, [prepared.output], now=START, progress=progress, sizes=SMALL)
        server.start()
        prepared.ingest(ledger)
        found = contents(ledger)
        check_arithmetic(ledger)
        assert prepared.ingest(ledger).new == 0
        assert contents(ledger) == found and {row[0] for row in found["quarantine"]} == {"bad-line", "conflict"}
        ledger.dispose()
