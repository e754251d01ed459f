"""Every edit of a value, a row or an object of the schema is found, or the table says that it is advisory.

A value that cannot belong in its column is found in any table.
"""

import contextlib
import random
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from licensing.core.errors import AzlicError
from licensing.db.database import open_ledger, writing
from licensing.trust.store import TrustStore
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Verdict
from licensing.verification import verify
from tests.postgres import Server
from tests.usage.attacks import rehash
from tests.usage.edited import NOW, Copies, Edit, Unchanged, go_on, older_ledger, rich_ledger, some_of
from tests.usage.edited_postgresql import Change, carry_over, changed, changes
from usage.alerts.conditions.all import alerts_of
from usage.alerts.gather.state import site_state
from usage.alerts.rules import Rules
from usage.alerts.store import remember_look
from usage.auditing.compare import KeptCheckpoint
from usage.auditing.rows import Unreadable
from usage.auditing.run import Audit, audit
from usage.auditing.table_classes import ISSUERS, TABLES, TableClass
from usage.ledger.checkpoints import Checkpoint

Kept = tuple[Checkpoint, ...]

TIMES = {("batch", "taken_at"): 53, ("batch", "source"): 53, ("correction", "booked_at"): 10}
"""What the batches of an earlier version do not bind, with the last such row: the audit says from where on they are."""


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Copies, Kept]]:
    path = tmp_path_factory.mktemp("rich") / "azlic.db"
    kept = rich_ledger(path)
    copies = Copies(path)
    yield copies, kept
    copies.close()


def audited(copies: Copies, edit: Edit | None, kept: Kept, *, rehashed: bool = False) -> Audit | None:
    """What an audit says of an edit; None where the database refuses it, or nobody can open it as a ledger."""
    try:
        copies.edit(edit, *[rehash(1)] * rehashed)
    except (sqlite3.Error, Unchanged, TypeError, AttributeError, OverflowError, Unreadable):
        return None  # nothing can be computed from what is left
    against = [KeptCheckpoint(f"kept {number}", one) for number, one in enumerate(kept)]
    try:
        return audit(copies.engine, against=against)
    except AzlicError:
        return None


def is_to_be_found(edit: Edit) -> bool:
    kept = TABLES.get(edit.table)
    if edit.what.startswith(("row", "all rows", "a row")) or re.search(
        r" of rows? ", edit.what
    ):  # its rows, not its schema
        column = re.split(r" of rows? ", edit.what)[0]
        assert kept is not None
        if edit.is_unfit:
            return True
        if kept.of is TableClass.ADVISORY or column in kept.free:
            return False
        row = re.search(r" of rows? (\d+)", edit.what)
        return row is None or int(row[1]) > TIMES.get((edit.table, column), -1)
    return True


def unfound(copies: Copies, edits: Iterable[Edit], kept: Kept, *, rehashed: bool = False) -> tuple[list[Edit], int]:
    """The edits that an audit calls sound though their table is to be proved, and how many were audited."""
    found, count = [], 0
    for edit in edits:
        made = audited(copies, edit, kept, rehashed=rehashed)
        count += made is not None
        if rehashed and (edit.table, edit.what) == ("batch", f"row {kept[0].size} copied"):
            continue  # a batch that is put behind the newest checkpoint, as docs/audit.md says
        if made is not None and made.sound and is_to_be_found(edit):
            edited = copies.dump()
            audited(copies, None, kept, rehashed=rehashed)
            if edited != copies.dump():  # where computing anew did not undo it
                found.append(edit)
    return found, count


def test_a_ledger_with_something_in_every_table_is_sound_before_it_is_edited(rich: tuple[Copies, Kept]) -> None:
    copies, kept = rich
    for rehashed in (False, True):
        found = audited(copies, None, kept, rehashed=rehashed)
        assert found is not None and found.sound, found
    edited = {edit.table for edit in copies.edits if " of row " in edit.what}
    assert {*TABLES} - edited == {*ISSUERS, "closed_place"}


@pytest.mark.parametrize("rehashed", [False, True])
def test_some_edits_are_found(rich: tuple[Copies, Kept], rehashed: bool) -> None:
    copies, kept = rich
    edits = some_of([edit for edit in copies.edits if is_to_be_found(edit)], 25)
    assert unfound(copies, edits, kept, rehashed=rehashed)[0] == []


def test_a_value_that_does_not_belong_is_found_in_tables_that_are_advisory(rich: tuple[Copies, Kept]) -> None:
    copies, kept = rich
    edits = [edit for edit in copies.edits if edit.is_unfit and TABLES[edit.table].of is TableClass.ADVISORY]
    assert unfound(copies, some_of(edits, 20), kept)[0] == []


@pytest.mark.long
@pytest.mark.parametrize("rehashed", [False, True])
def test_many_edits_are_found(rich: tuple[Copies, Kept], rehashed: bool) -> None:
    copies, kept = rich
    edits = copies.edits[:: 9 if rehashed else 5]
    found, count = unfound(copies, edits, kept, rehashed=rehashed)
    print(f"{count:,} edits audited of {len(edits):,}; the database refused the others, or nothing opens them")
    assert count > len(edits) // 2
    assert found == []


def unfound_on_postgresql(engine: Engine, some: Iterable[Change], kept: Kept) -> tuple[list[Change], int]:
    """The changes that an audit of a server's ledger calls sound though their table is to be proved."""
    found, count = [], 0
    against = [KeptCheckpoint(f"kept {number}", one) for number, one in enumerate(kept)]
    for change in some:
        column = change.what.split(" of the ")[0]
        of = TABLES[change.table]
        if not change.is_unfit and (of.of is TableClass.ADVISORY or column in of.free):
            continue
        with changed(engine, change) as is_other:
            if is_other and (change.is_unfit or (change.table, column) not in TIMES or "last row" in change.what):
                count += 1
                try:
                    if audit(engine, against=against, quick=True).sound:
                        found.append(change)
                except AzlicError:
                    continue
    return found, count


@pytest.fixture
def on_postgresql(postgresql: Server, tmp_path: Path) -> Iterator[tuple[Engine, Kept]]:
    older_ledger(tmp_path / "azlic.db")
    name = postgresql.new_database()
    engine = open_ledger(postgresql.url(name), create=True)
    carry_over(tmp_path / "azlic.db", engine)
    yield engine, go_on(engine)
    engine.dispose()
    postgresql.drop_database(name)


def test_some_changes_are_found_on_postgresql_and_none_before(on_postgresql: tuple[Engine, Kept]) -> None:
    engine, kept = on_postgresql
    before = audit(engine)
    assert before.sound, before.faults
    some = random.Random(13).sample(list(changes(engine)), 12)
    assert unfound_on_postgresql(engine, some, kept)[0] == []
    assert audit(engine).sound


class _NotKeptError(Exception):
    """Raised so that a transaction is taken back."""


def look(url: str, folder: Path) -> None:
    """What `azlic check` and `azlic notify` look at and would keep."""
    trust = TrustStore(folder / "trust.d")

    def examine(path: Path, seen: Seen) -> Verdict:
        return verify(path, trust=trust, as_of=NOW, seen=seen)

    state = site_state([folder], examine, trust=trust, database=url, now=NOW)
    ledger = open_ledger(url)
    try:
        with contextlib.suppress(_NotKeptError), writing(ledger) as connection:
            remember_look(connection, state, alerts_of(state, Rules()))
            raise _NotKeptError
    finally:
        ledger.dispose()


def test_a_value_that_does_not_belong_ends_no_look_on_postgresql_in_an_unforeseen_error(
    on_postgresql: tuple[Engine, Kept], tmp_path: Path
) -> None:
    engine, kept = on_postgresql
    url = engine.url.render_as_string(hide_password=False)
    unfit = [one for one in changes(engine) if one.is_unfit and TABLES[one.table].of is TableClass.ADVISORY]
    assert {one.table for one in unfit} >= {"witness", "acknowledged_alert", "notice"}
    assert unfound_on_postgresql(engine, random.Random(13).sample(unfit, 2), kept)[0] == []
    for change in unfit[::8]:
        with changed(engine, change) as is_other, contextlib.suppress(AzlicError):
            if is_other:
                look(url, tmp_path)


@pytest.mark.long
def test_many_changes_are_found_on_postgresql(on_postgresql: tuple[Engine, Kept]) -> None:
    engine, kept = on_postgresql
    found, count = unfound_on_postgresql(engine, list(changes(engine))[::24], kept)
    print(f"{count:,} changes audited on PostgreSQL")
    assert found == [] and count > 15
