"""What is PostgreSQL's own: roles and passwords, writers that take turns, a view that stands still, a lost server."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from sqlalchemy import Engine, insert, select, text

from licensing.core.errors import AzlicError
from licensing.db import database as under_test
from licensing.db.database import DatabaseBusy, open_ledger, reading, writing
from licensing.db.lock import holding
from licensing.db.postgresql import WRITER_KEY
from licensing.history.read import read_memory
from licensing.issuer.tables import SubscriptionRow
from licensing.verdict.seen import Seen
from tests.postgres import Server, running

PASSWORD = "geheim-1234"


@pytest.fixture
def name(postgresql: Server) -> Iterator[str]:
    """A fresh database with the ledger's tables."""
    name = postgresql.new_database()
    yield name
    postgresql.drop_database(name)


@pytest.fixture
def engine(postgresql: Server, name: str) -> Iterator[Engine]:
    engine = open_ledger(postgresql.url(name))
    yield engine
    engine.dispose()


@contextmanager
def a_role(server: Server, name: str = "plant") -> Iterator[str]:
    """A role that may log in by its password and owns nothing yet."""
    server.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    yield name
    server.execute(f"DROP ROLE {name}")


def enter(engine: Engine, name: str) -> None:
    with writing(engine) as connection:
        connection.execute(insert(SubscriptionRow).values(name=name))


def names(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(SubscriptionRow.name).order_by(SubscriptionRow.name)).scalars())


def refusal(url: str, *, create: bool = False) -> str:
    with pytest.raises(AzlicError) as refused:
        open_ledger(url, create=create)
    assert refused.value.exit_status in (2, 3)
    assert PASSWORD not in refused.value.message + refused.value.hint
    assert PASSWORD not in read_memory(url).unread
    return f"{refused.value.message}; {refused.value.hint}"


# ---- opening


def test_an_owner_makes_the_ledger_of_an_empty_database_by_his_password(postgresql: Server) -> None:
    with a_role(postgresql) as role:
        postgresql.execute(f"CREATE DATABASE of_{role} OWNER {role}")
        url = postgresql.by_password(f"of_{role}", role, PASSWORD)
        assert read_memory(url) == Seen()
        with closing_engine(open_ledger(url, create=True)) as engine:
            enter(engine, "a")
            assert names(engine) == ["a"]
            assert PASSWORD not in repr(engine) + under_test.place(engine)
        postgresql.drop_database(f"of_{role}")


@contextmanager
def closing_engine(engine: Engine) -> Iterator[Engine]:
    yield engine
    engine.dispose()


@pytest.mark.parametrize("create", [True, False])
def test_a_wrong_password_is_an_error_that_repeats_none(postgresql: Server, name: str, create: bool) -> None:
    with a_role(postgresql) as role:
        told = refusal(postgresql.by_password(name, role, f"{PASSWORD}5"), create=create)
    assert f"***@127.0.0.1:{postgresql.port}/{name} cannot be used" in told
    assert "password authentication failed" in told and "role and password" in told


@pytest.mark.parametrize("option", ["password", "sslpassword"])
def test_a_password_among_the_options_is_not_repeated_either(postgresql: Server, name: str, option: str) -> None:
    told = refusal(f"postgresql+psycopg://nobody@127.0.0.1:{postgresql.port}/{name}?{option}={PASSWORD}")
    assert f"{option}=" not in told


def test_a_missing_database_is_an_error_with_the_command_that_makes_it(postgresql: Server) -> None:
    told = refusal(postgresql.url("nowhere"), create=True)
    assert 'database "nowhere" does not exist' in told and "createdb" in told


def test_a_server_that_is_not_there_is_an_error(postgresql: Server) -> None:
    told = refusal(f"postgresql+psycopg://plant:{PASSWORD}@127.0.0.1:1/azlic", create=True)
    assert "Connection refused" in told and "check that the server runs" in told


def test_a_role_that_may_not_make_tables_is_told_what_it_needs(postgresql: Server) -> None:
    postgresql.execute("CREATE DATABASE bare")
    with a_role(postgresql) as role:
        told = refusal(postgresql.by_password("bare", role, PASSWORD), create=True)
    assert "permission denied for schema public" in told and "own the database" in told
    postgresql.drop_database("bare")


def test_a_role_that_may_only_read_can_do_that_and_no_more(postgresql: Server, name: str) -> None:
    with a_role(postgresql) as role:
        postgresql.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}", name)
        with closing_engine(open_ledger(postgresql.by_password(name, role, PASSWORD))) as engine:
            assert names(engine) == []
            with pytest.raises(AzlicError, match="permission denied for table") as refused:
                enter(engine, "a")
        assert "own the database" in refused.value.hint
        postgresql.execute(f"DROP OWNED BY {role}", name)


def test_a_database_that_cannot_hold_every_record_is_refused(postgresql: Server) -> None:
    postgresql.execute("CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc")
    told = refusal(postgresql.url("old"), create=True)
    assert "stores text as LATIN1" in told and "--encoding=UTF8" in told
    postgresql.drop_database("old")


def test_an_empty_database_is_none_until_somebody_writes(postgresql: Server) -> None:
    postgresql.execute("CREATE DATABASE bare")
    told = refusal(postgresql.url("bare"))
    assert "is not an azlic database" in told and "azlic ingest" in told
    postgresql.drop_database("bare")


def test_the_server_is_told_who_asks(engine: Engine) -> None:
    with reading(engine) as connection:
        assert connection.execute(text("SHOW application_name")).scalar() == "azlic"


# ---- the order of text


def test_text_is_ordered_by_its_code_points_whatever_the_servers_locale(engine: Engine) -> None:
    with reading(engine) as connection:
        assert connection.execute(text("SELECT 'a' < 'B'")).scalar(), "the server's own order is another"
    for name in ("b", "B", "a_c", "ab", "É", "e"):
        enter(engine, name)
    assert names(engine) == sorted(["b", "B", "a_c", "ab", "É", "e"])


def test_every_column_of_text_is_ordered_so(engine: Engine) -> None:
    query = (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type LIKE 'character%' AND collation_name IS DISTINCT FROM 'C'"
    )
    with reading(engine) as connection:
        assert connection.execute(text(query)).all() == [("alembic_version", "version_num")]


# ---- two at once


def test_a_reader_sees_one_state_of_the_ledger_from_its_first_to_its_last_statement(engine: Engine) -> None:
    enter(engine, "a")
    with reading(engine) as connection:
        before = list(connection.execute(select(SubscriptionRow.name)).scalars())
        enter(engine, "b")
        assert list(connection.execute(select(SubscriptionRow.name)).scalars()) == before == ["a"]
    assert names(engine) == ["a", "b"]


def test_a_reader_cannot_write(engine: Engine) -> None:
    with pytest.raises(AzlicError, match="read-only transaction"), reading(engine) as connection:
        connection.execute(insert(SubscriptionRow).values(name="a"))


def test_writers_take_turns_and_each_sees_what_the_one_before_wrote(engine: Engine) -> None:
    def count_on() -> None:
        for _ in range(20):
            with writing(engine) as connection:
                last = max(map(int, connection.execute(select(SubscriptionRow.name)).scalars()), default=0)
                connection.execute(insert(SubscriptionRow).values(name=str(last + 1)))

    threads = [threading.Thread(target=count_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, names(engine))) == list(range(1, 61))


def test_a_writer_that_waits_too_long_is_told_and_reading_goes_on(
    postgresql: Server, name: str, engine: Engine
) -> None:
    other = psycopg.connect(host=str(postgresql.folder), port=postgresql.port, user="azlic", dbname=name)
    with closing(other):
        other.execute(f"SELECT pg_advisory_xact_lock({WRITER_KEY})".encode())
        with (
            closing_engine(open_ledger(postgresql.url(name), wait_seconds=0.05)) as impatient,
            pytest.raises(DatabaseBusy, match="in use by another process"),
        ):
            enter(impatient, "a")
        assert names(engine) == []
    enter(engine, "a")
    assert names(engine) == ["a"]


def test_the_holds_of_two_databases_of_one_server_are_two(postgresql: Server, engine: Engine) -> None:
    other = postgresql.new_database()
    beside = open_ledger(postgresql.url(other))
    with holding(engine), holding(beside, wait_seconds=0), writing(engine), writing(beside):
        pass
    beside.dispose()
    postgresql.drop_database(other)


# ---- trouble


def test_a_refused_row_is_told_without_its_values_and_costs_nothing_else(engine: Engine) -> None:
    enter(engine, "secret plant")
    with pytest.raises(AzlicError, match="duplicate key value") as refused:
        enter(engine, "secret plant")
    assert "secret plant" not in refused.value.message + refused.value.hint
    enter(engine, "another")
    assert names(engine) == ["another", "secret plant"]


def test_an_engine_outlives_its_server_and_what_was_half_done_is_not_there() -> None:
    with running() as server, closing_engine(open_ledger(server.url(server.new_database()))) as engine:
        enter(engine, "a")
        with pytest.raises(AzlicError, match="cannot be used") as refused, holding(engine), writing(engine) as half:
            half.execute(insert(SubscriptionRow).values(name="half"))
            server.stop()
            half.execute(select(SubscriptionRow.name))
        assert "start the server again" in refused.value.hint or "check that the server runs" in refused.value.hint
        with pytest.raises(AzlicError, match="cannot be used"), holding(engine):
            pass
        server.start()
        with holding(engine):
            enter(engine, "b")
        assert names(engine) == ["a", "b"]
