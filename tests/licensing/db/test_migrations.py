from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, Table, func, insert, inspect, select

import migrations
import usage.ledger.tables.alerts
import usage.ledger.tables.handover
import usage.ledger.tables.months
import usage.ledger.tables.records
from licensing.db.database import open_ledger, reading, writing
from licensing.db.schema import StoreRow
from licensing.db.schema import Table as Model
from licensing.history import tables as site_tables
from licensing.issuer import tables as issuer_tables
from tests.site import NewDatabase

pytestmark = pytest.mark.databases("sqlite", "postgresql")

A_VALUE: dict[type, object] = {int: 1, str: "1", bytes: b"1", bool: True}


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    """A database of this version with a row in every table."""
    engine = open_ledger(new_database("azlic"), create=True)
    with engine.begin() as connection:  # past azlic, which would book what it writes
        for table in tables(connection):
            if table.name == StoreRow.__tablename__:
                continue  # it has its one row from the start
            connection.execute(insert(table).values({c.name: A_VALUE[c.type.python_type] for c in table.columns}))
    yield engine
    engine.dispose()


def tables(connection: Connection) -> list[Table]:
    """The tables as they are in the database, referred ones first; not the one of the history itself."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def rows(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables(connection)
        }


def test_a_ledger_of_the_version_before_is_brought_up_to_date(new_database: NewDatabase) -> None:
    """Also where the last revision made no table."""
    target = new_database("azlic")
    for revision in {migrations.ALL_TABLES, f"{int(migrations.HEAD) - 1:04}"}:
        engine = open_ledger(target, create=True)
        with writing(engine) as connection:
            migrations.downgrade(connection, revision)
        engine.dispose()
        engine = open_ledger(target, upgrade=True)
        with reading(engine) as connection:
            assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == migrations.HEAD
        engine.dispose()


def test_the_first_revision_with_all_tables_is_the_last_one_that_made_any() -> None:
    versions = sorted((Path(migrations.__file__).parent / "versions").glob("r*.py"))
    made = [path.name[1:5] for path in versions if "create_table(" in path.read_text()]
    assert made[-1] == migrations.ALL_TABLES
    assert not any("drop_table(" in path.read_text().partition("def downgrade")[0] for path in versions)


def test_every_model_has_its_table(engine: Engine) -> None:
    assert usage.ledger.tables.records.RecordRow.__tablename__ in Model.metadata.tables
    assert issuer_tables.DownloadRow.__tablename__ in Model.metadata.tables
    assert site_tables.WitnessMarkRow.__tablename__ in Model.metadata.tables
    for later in (
        usage.ledger.tables.months.CorrectionRow,
        usage.ledger.tables.handover.ExportRow,
        usage.ledger.tables.alerts.NoticeRow,
    ):
        assert later.__tablename__ in Model.metadata.tables
    assert rows(engine) == dict.fromkeys(Model.metadata.tables, 1)


def test_the_schema_is_the_one_of_the_models(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Model.metadata) == []


def test_the_revision_this_version_knows_is_the_newest_there_is() -> None:
    history = ScriptDirectory.from_config(migrations.configuration())
    assert history.get_heads() == [migrations.HEAD]
    assert sorted(script.revision for script in history.walk_revisions())[-1] == migrations.HEAD


def test_down_to_nothing_and_up_again_with_rows_in_every_table(engine: Engine) -> None:
    with writing(engine) as connection:
        migrations.downgrade(connection, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    with writing(engine) as connection:
        migrations.upgrade(connection)
    assert rows(engine) == dict.fromkeys(Model.metadata.tables, 0)


def test_a_walk_that_is_done_already_changes_nothing(engine: Engine) -> None:
    before = rows(engine)
    with writing(engine) as connection:
        migrations.upgrade(connection)
    assert rows(engine) == before


def test_two_who_open_a_new_database_at_once_both_find_it_made(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        opened = list(pool.map(lambda path: open_ledger(path, create=True), [str(tmp_path / "new.db")] * 2))
    for engine in opened:
        assert rows(engine) == dict.fromkeys(Model.metadata.tables, 0) | {"store": 1}
        engine.dispose()
