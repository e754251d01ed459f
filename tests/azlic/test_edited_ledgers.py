"""A ledger that somebody edited gives no traceback: a command answers, or names the value that is not what it was."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.azlic.conftest import Cli
from tests.site import Site
from tests.usage.edited import Copies, Edit, Unchanged, rich_ledger, some_of


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Copies]:
    rich_ledger(tmp_path / "rich.db")
    copies = Copies(tmp_path / "rich.db")
    yield copies
    copies.close()


COMMANDS = (("report", "2026-02"), ("report", "2026-03"), ("check",), ("alerts",), ("plan", "list"))


def told(cli: Cli, copies: Copies, edits: Iterable[Edit], ledger: Path) -> tuple[list[tuple[str, str]], int]:
    """Which commands come across an edit with an error that nobody foresaw; and how often one was run."""
    bad, count = [], 0
    for edit in edits:
        try:
            copies.edit(edit)
        except (sqlite3.Error, Unchanged):
            continue
        ledger.write_bytes(copies.content())
        for words in (*COMMANDS, ("audit", "--database", ledger)):
            answer, count = cli(*words), count + 1
            assert "Traceback" not in answer.err + answer.out
            misfit = "a value that no azlic put there" in answer.err + answer.out
            if answer.status == 3 and not misfit and ("unexpected" in answer.err or "Error:" in answer.out):
                bad.append((" ".join(map(str, words)), str(edit)))
    return bad, count


USED_LATER = {
    ("plan_change", "units"),
    ("seen_statement", "kind"),
    ("seen_statement", "issuer"),
    ("known_license", "path"),
    ("adopted_license", "path"),
}
"""Values that are used once the ledger is closed again, where nothing holds them against their types yet: the error
says that it is an unexpected one, and to run the audit, which names them."""


def wrong_types(copies: Copies) -> list[Edit]:
    found = [edit for edit in copies.edits if edit.what.endswith((" as text", " as bytes", " as a fraction"))]
    return [edit for edit in found if (edit.table, edit.what.partition(" of row ")[0]) not in USED_LATER]


def test_a_value_of_another_type_is_one_error_that_names_it(copies: Copies, cli: Cli, site: Site) -> None:
    assert told(cli, copies, some_of(wrong_types(copies), 6), site.folder / "azlic.db")[0] == []


@pytest.mark.long
def test_no_value_of_another_type_ends_in_an_error_that_nobody_foresaw(copies: Copies, cli: Cli, site: Site) -> None:
    bad, count = told(cli, copies, wrong_types(copies)[::8], site.folder / "azlic.db")
    print(f"{count:,} commands run on edited ledgers")
    assert bad == []
