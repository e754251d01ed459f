import gzip
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from licensing.core.errors import AzlicError, BadCall
from licensing.db import database as under_test
from licensing.db.database import DatabaseBusy, open_ledger, reading, writing
from licensing.db.readonly import readonly_connection
from licensing.db.sqlite_results import COMPILED
from licensing.db.sqlite_wal import wal_is_safe
from licensing.issuer.tables import SubscriptionRow
from tests.usage.edited import VECTORS

Open = Callable[..., Engine]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Open databases that are closed again when the test ends; a lock is waited for no longer than a moment."""
    engines: list[Engine] = []

    def open_(path: Path = tmp_path / "azlic.db", *, create: bool = True) -> Engine:
        engines.append(open_ledger(str(path), create=create, wait_seconds=0.02))
        return engines[-1]

    yield open_
    for engine in engines:
        engine.dispose()


def enter(engine: Engine, name: str) -> None:
    with writing(engine) as connection:
        connection.execute(insert(SubscriptionRow).values(name=name))


def names(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(SubscriptionRow.name)).scalars())


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 44, 7), True),
        ((3, 45, 9), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_writing_ahead_is_left_to_a_sqlite_without_the_bug(version: tuple[int, int, int], safe: bool) -> None:
    assert wal_is_safe(version) is safe


@pytest.mark.parametrize(("safe", "journal"), [(True, "wal"), (False, "delete")])
def test_the_journal_follows_and_every_commit_is_synced(
    opened: Open, monkeypatch: pytest.MonkeyPatch, safe: bool, journal: str
) -> None:
    monkeypatch.setattr(under_test, "wal_is_safe", lambda _version: safe)
    with reading(opened()) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == journal
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_what_was_written_is_read_by_the_next_who_opens(opened: Open) -> None:
    enter(opened(), "plant")
    assert names(opened(create=False)) == ["plant"]


def test_a_new_database_is_closed_to_others_and_its_folder_is_made(opened: Open, tmp_path: Path) -> None:
    opened(tmp_path / "deep" / "azlic.db")
    assert stat.S_IMODE((tmp_path / "deep" / "azlic.db").stat().st_mode) & 0o007 == 0


def test_a_path_is_taken_to_the_last_character(opened: Open, tmp_path: Path) -> None:
    opened(tmp_path / "what? 100% #1.db")
    assert [path.name for path in tmp_path.iterdir()] == ["what? 100% #1.db"]


def test_a_missing_file_is_an_error_with_a_hint_and_is_not_made(opened: Open, tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match=r"there is no database at .*azlic\.db") as refused:
        opened(create=False)
    assert "azlic ingest" in refused.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_no_database_is_refused_and_kept(opened: Open, tmp_path: Path, create: bool) -> None:
    (tmp_path / "azlic.db").write_text("Dear diary, today we pulled a new image. " * 50)
    before = (tmp_path / "azlic.db").read_bytes()
    with pytest.raises(AzlicError, match="file is not a database"):
        opened(create=create)
    assert (tmp_path / "azlic.db").read_bytes() == before


def test_the_database_of_another_program_is_refused(opened: Open, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "azlic.db")) as other:
        other.execute("CREATE TABLE diary (entry TEXT)")
    with pytest.raises(AzlicError, match="is not an azlic database"):
        opened(create=False)


def set_schema(path: Path, revision: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
        connection.commit()


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_schema_is_refused(opened: Open, tmp_path: Path, create: bool) -> None:
    opened()
    set_schema(tmp_path / "azlic.db", "9999")
    with pytest.raises(AzlicError, match="written by a newer azlic") as refused:
        opened(create=create)
    assert refused.value.exit_status == 3


def test_an_older_schema_is_refused_with_the_command_that_mends_it(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "azlic.db").write_bytes(gzip.decompress((VECTORS / "ledger-0003.db.gz").read_bytes()))
    with pytest.raises(BadCall, match="older schema 0003") as refused:
        opened(create=False)
    assert "azlic ingest" in refused.value.hint


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("revision", ["0000", "0011", None])
def test_a_revision_that_the_tables_contradict_is_refused_and_nothing_is_made(
    opened: Open, tmp_path: Path, revision: str | None, create: bool
) -> None:
    opened()
    with closing(sqlite3.connect(tmp_path / "azlic.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM alembic_version")
        if revision is not None:
            connection.execute("INSERT INTO alembic_version VALUES (?)", [revision])
    before = (tmp_path / "azlic.db").read_bytes()
    with pytest.raises(AzlicError, match="its other tables contradict that") as refused:
        opened(create=create)
    assert "azlic restore" in refused.value.hint and refused.value.exit_status == 3
    assert (tmp_path / "azlic.db").read_bytes() == before


def test_a_revision_that_an_older_ledger_contradicts_is_refused_where_it_would_be_upgraded(
    opened: Open, tmp_path: Path
) -> None:
    (tmp_path / "azlic.db").write_bytes(gzip.decompress((VECTORS / "ledger-0003.db.gz").read_bytes()))
    set_schema(tmp_path / "azlic.db", "0001")
    with pytest.raises(AzlicError, match="says 0001, and its other tables contradict that"):
        opened(create=True)
    with closing(sqlite3.connect(tmp_path / "azlic.db")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


@pytest.mark.parametrize("part", ["", "-journal", "-wal"])
def test_nobody_waits_for_a_pipe(opened: Open, tmp_path: Path, part: str) -> None:
    if part:
        opened().dispose()
    Path(f"{tmp_path}/azlic.db{part}").unlink(missing_ok=True)
    os.mkfifo(tmp_path / f"azlic.db{part}")
    with pytest.raises(AzlicError, match="is not a file"):
        opened(create=False)
    with pytest.raises(AzlicError, match="is not a file"), readonly_connection(str(tmp_path / "azlic.db")):
        pass


def test_a_locked_database_is_busy_and_free_again_afterwards(opened: Open, tmp_path: Path) -> None:
    engine = opened()
    with closing(sqlite3.connect(tmp_path / "azlic.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy, match="in use by another process"):
            enter(engine, "plant")
        assert names(engine) == []
        other.execute("ROLLBACK")
    enter(engine, "plant")
    assert names(engine) == ["plant"]


def test_a_transaction_that_raises_leaves_nothing(opened: Open) -> None:
    engine = opened()
    with pytest.raises(RuntimeError, match="half way"), writing(engine) as connection:
        connection.execute(insert(SubscriptionRow).values(name="plant"))
        raise RuntimeError("half way")
    assert names(engine) == []


def test_what_the_database_refuses_is_told_without_its_values(opened: Open) -> None:
    engine = opened()
    enter(engine, "secret plant")
    with pytest.raises(AzlicError, match="UNIQUE constraint failed") as refused:
        enter(engine, "secret plant")
    assert "secret plant" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["://", "oracle9://u:geheim@host/x", "postgresql+nodriver://u:geheim@host/x", "sqlite://u:geheim@[x"]
)
def test_a_url_that_cannot_be_used_is_a_bad_call_that_repeats_no_password(url: str) -> None:
    with pytest.raises(BadCall, match="URL cannot be used") as refused:
        open_ledger(url)
    assert "geheim" not in str(refused.value) + refused.value.hint


def test_a_place_where_nothing_can_be_written_is_an_error_with_a_hint(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AzlicError, match="cannot be written") as refused:
        opened(tmp_path / "file" / "azlic.db")
    assert "--database" in refused.value.hint


def test_what_one_engine_asked_is_compiled_for_the_next_one_of_this_process(opened: Open) -> None:
    asked = []
    for _ in range(2):
        assert names(opened()) == []
        asked.append(len(COMPILED))
    assert asked[0] == asked[1] > 0
