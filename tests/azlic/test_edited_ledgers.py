"""A database that somebody edited gives no traceback: a command answers, or names the value that is not what it was.

Each command is tried with a value that does not belong in each column that it reads: of another type, out of its range,
an unknown word, bytes as text. SQLite keeps any value anywhere.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from licensing.db.database import open_ledger
from tests.azlic.conftest import Cli
from tests.azlic.killing import COMMANDS, Folder, a_site, filled
from tests.azlic.test_reading_writes_nothing import READING
from tests.usage.edited import UNFIT, Copies, Edit, Unchanged, go_on

TRIED = {**COMMANDS, **READING, "alerts": (), "audit": ()}
"""Every command that opens a ledger or an issuer's store and needs no partner."""
NAMED = "a value that no azlic put there"

Column = tuple[str, str, str]
"""A database's file, a table, a column."""


def columns_read(cli: Cli, words: tuple[str, ...]) -> set[Column]:
    """What a command reads of SQLite's databases, as SQLite itself tells it."""
    found: set[Column] = set()
    connect = sqlite3.connect

    def watched(path: str, *args: Any, **options: Any) -> sqlite3.Connection:
        def note(action: int, table: str | None, column: str | None, *_: object) -> int:
            if action == sqlite3.SQLITE_READ:
                found.add((Path(path.partition("?")[0]).name, str(table), str(column)))
            return sqlite3.SQLITE_OK

        connection: sqlite3.Connection = connect(path, *args, **options)
        connection.set_authorizer(note)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        for module in (sqlite3, sqlite3.dbapi2):
            patch.setattr(module, "connect", watched)
        cli(*words)
    return found


@dataclass(frozen=True, slots=True)
class Tried:
    """A command, and what is edited in which database before it runs."""

    command: str
    file: str
    edit: Edit


class Place:
    """A site where every command has something to do, with a value that does not belong in one of its databases."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        self.cli, self.named = cli, 0
        engine = open_ledger(str(folder / "azlic.db"))
        go_on(engine)
        engine.dispose()
        self._copies = {name: Copies(folder / name) for name in ("azlic.db", "issuer.db")}
        self._folder = Folder(folder, folder.with_name("pristine"))

    def cases(self, commands: Iterable[str]) -> Iterator[Tried]:
        """These commands, with each column that one reads, whose value does not belong there in turn."""
        number = 0
        for command in commands:
            self._folder.put_back()
            for file, table, column in sorted(columns_read(self.cli, filled((*command.split(), *TRIED[command])))):
                if file in self._copies and (edits := self._unfit(file, table, column)):
                    number += 1
                    yield Tried(command, file, edits[number % len(edits)])

    def _unfit(self, file: str, table: str, column: str) -> list[Edit]:
        return [
            edit
            for edit in self._copies[file].edits
            if edit.table == table and edit.what.startswith(f"{column} of row ") and edit.what.endswith(UNFIT)
        ]

    def faults(self, cases: Sequence[Tried]) -> list[str]:
        """What is wrong with how commands come across edits; nothing may be, and some of the values are named."""
        self.named = 0
        found = [fault for case in cases if (fault := self._fault(case)) is not None]
        print(f"{len(cases):,} values that do not belong, {self.named:,} times named")
        assert self.named * 10 > len(cases), "hardly any was come across"
        return found

    def _fault(self, case: Tried) -> str | None:
        """What is wrong with how a command comes across an edit; None where nothing is, or nothing could be edited."""
        copies = self._copies[case.file]
        try:
            copies.edit(case.edit)
        except (sqlite3.Error, Unchanged):
            return None
        self._folder.put_back()
        (self._folder.folder / case.file).write_bytes(copies.content())
        answer = self.cli(*filled((*case.command.split(), *TRIED[case.command])))
        said = " ".join((answer.out + answer.err).split())
        self.named += NAMED in said
        if "Traceback" in said or (NAMED not in said and ("unexpected error" in said or "Error:" in said)):
            return f"{case.command} where in {case.file}, {case.edit}: {said}"
        return None


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("edited") / "site"
    with a_site(folder) as cli:
        yield Place(cli, folder)


def test_a_value_that_does_not_belong_is_one_error_that_names_it(place: Place) -> None:
    cases = list(place.cases(list(TRIED)[3::15]))
    assert place.faults(cases[:: max(1, len(cases) // 20)]) == []


@pytest.mark.long
def test_no_command_ends_in_an_error_that_nobody_foresaw(place: Place) -> None:
    cases = list(place.cases(TRIED))
    assert {case.command for case in cases} >= READING.keys() - {
        "config show",
        "containers",
        "tags",
        "run",
        "trust list",
        "inspect",
    }
    assert place.faults(cases[::2]) == []
