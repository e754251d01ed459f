"""The schema is audited by text: what is missing, foreign or made otherwise than by this version is named."""

import gzip
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

import migrations
from licensing.db.database import connect, open_ledger, reading, writing
from tests.licensing.db.schema import FOLDER, as_file
from tests.site import NewDatabase
from usage.auditing.faults import AuditCheck, Faults
from usage.auditing.run import audit
from usage.auditing.schema import check_schema, read_schema

VECTORS = Path(__file__).parents[2] / "vectors"
BOTH = pytest.mark.databases("sqlite", "postgresql")


@pytest.fixture
def engine(new_database: NewDatabase) -> Iterator[Engine]:
    engine = open_ledger(new_database("azlic"), create=True)
    yield engine
    engine.dispose()


def schema(engine: Engine) -> dict[str, str]:
    with reading(engine) as connection:
        return read_schema(connection)


@BOTH
def test_it_is_as_it_was_written_down(engine: Engine) -> None:
    written = (FOLDER / f"{engine.dialect.name}.txt").read_text()
    assert as_file(schema(engine)) == written, "after a new revision: python -m tests.licensing.db.schema"


@BOTH
def test_revision_by_revision_it_becomes_the_same(engine: Engine) -> None:
    with writing(engine) as connection:
        migrations.downgrade(connection, "base")
    for revision in range(1, int(migrations.HEAD) + 1):
        with writing(engine) as connection:
            migrations.upgrade(connection, f"{revision:04}")
    assert schema(engine) == migrations.schema_of(engine.dialect.name)


def test_that_of_an_older_ledger_becomes_the_same(tmp_path: Path) -> None:
    path = tmp_path / "azlic.db"
    path.write_bytes(gzip.decompress((VECTORS / "ledger-0003.db.gz").read_bytes()))
    engine = open_ledger(str(path), upgrade=True)
    assert schema(engine) == migrations.schema_of("sqlite")
    engine.dispose()


GUARD = "BEFORE UPDATE ON record WHEN NEW.quantity > 0 BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
ON_SQLITE = {
    "trigger swallow": ("CREATE TRIGGER swallow BEFORE INSERT ON finding BEGIN SELECT RAISE(IGNORE); END",),
    "trigger record_no_update": ("DROP TRIGGER record_no_update",),
    "trigger total_closed_insert_new": ("DROP TRIGGER total_closed_insert_new",),
    "trigger series_no_update": ("DROP TRIGGER series_no_update", f"CREATE TRIGGER series_no_update {GUARD}"),
    "view total": ("ALTER TABLE total RENAME TO hidden", "CREATE VIEW total AS SELECT * FROM hidden"),
    "table hidden": ("ALTER TABLE total RENAME TO hidden", "CREATE VIEW total AS SELECT * FROM hidden"),
    "index ix_source_head": ("DROP INDEX ix_source_head",),
    "index ix_source_path": ("DROP INDEX ix_source_path", "CREATE INDEX ix_source_path ON source (path) WHERE key > 1"),
    "index covering": ("CREATE INDEX covering ON total (day, series, quantity, records)",),
    "index expression": ("CREATE INDEX expression ON total (quantity / 2)",),
    "table plan": ("ALTER TABLE plan ADD COLUMN note VARCHAR",),
    "table record": ("ALTER TABLE record RENAME COLUMN extra TO sequel",),
    "table another": ("CREATE TABLE another (x)",),
    "table origin": (
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE name = 'origin'",
    ),
}
_SWALLOW = "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
ON_POSTGRESQL = {
    "trigger finding.swallow": (
        _SWALLOW,
        "CREATE TRIGGER swallow BEFORE INSERT ON finding FOR EACH ROW EXECUTE FUNCTION swallow()",
    ),
    "function swallow()": (_SWALLOW,),
    "function ledger_only_grows()": (_SWALLOW.replace("FUNCTION swallow", "OR REPLACE FUNCTION ledger_only_grows"),),
    "trigger record.record_only_grows": ("ALTER TABLE record DISABLE TRIGGER record_only_grows",),
    "constraint total.fk_total_series": ("ALTER TABLE total DISABLE TRIGGER ALL",),
    "constraint record.uq_record_id": ("ALTER TABLE record DROP CONSTRAINT uq_record_id",),
    "rule finding.nothing": ("CREATE RULE nothing AS ON INSERT TO finding DO INSTEAD NOTHING",),
    "table total": ("ALTER TABLE total ENABLE ROW LEVEL SECURITY",),
    "policy total.few": ("CREATE POLICY few ON total USING (day > 0)",),
    "view total": ("ALTER TABLE total RENAME TO hidden", "CREATE VIEW total AS SELECT * FROM hidden"),
    "index ix_source_head": ("DROP INDEX ix_source_head",),
    "index ix_source_path": ("DROP INDEX ix_source_path", "CREATE INDEX ix_source_path ON source (path) WHERE key > 1"),
    "index covering": ("CREATE INDEX covering ON total (day) INCLUDE (quantity)",),
    "column plan.note": ("ALTER TABLE plan ADD COLUMN note text",),
    "column total.quantity": ("ALTER TABLE total ALTER COLUMN quantity TYPE numeric",),
    "column record.extra": ("ALTER TABLE record ALTER COLUMN extra SET DEFAULT 'x'",),
    "table another": ("CREATE TABLE another (x int)",),
    "table child": ("CREATE TABLE child () INHERITS (total)",),
    "table record": ("CREATE TABLE child () INHERITS (record)",),
    "operator = (bigint, text)": (
        "CREATE FUNCTION never(bigint, text) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
        "CREATE OPERATOR = (LEFTARG = bigint, RIGHTARG = text, FUNCTION = never)",
    ),
}


@BOTH
def test_what_is_foreign_missing_or_otherwise_is_named(engine: Engine) -> None:
    changes = ON_SQLITE if engine.dialect.name == "sqlite" else ON_POSTGRESQL
    for name, statements in changes.items():
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
            faults = Faults()
            check_schema(connection, faults)
            assert name in {fault.where for fault in faults.first}, (name, faults.first)
            assert set(faults.counts) == {AuditCheck.SCHEMA}
            connection.rollback()
            connection.invalidate()  # with what it was told about the schema
    assert audit(engine).sound


def test_statistics_are_no_change(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("ANALYZE")
    assert audit(engine).sound


def test_what_another_version_of_a_library_writes_otherwise_is_the_same(tmp_path: Path, engine: Engine) -> None:
    path = str(engine.url.database)
    engine.dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'quantity ', '  \"quantity\" ')")
    connection.close()
    again = connect(path)
    assert audit(again).sound
    again.dispose()
