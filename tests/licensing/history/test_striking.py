"""A witness that no azlic wrote: nobody stumbles over it, and the ledger's owner strikes it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from licensing.db.database import open_ledger, reading, writing
from licensing.history.read import read_seen
from licensing.history.remember import advance
from licensing.history.striking import strike
from licensing.verdict.seen import WitnessKind

NOW = datetime(2026, 4, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE witness SET instant = 99999999999999999 WHERE kind = 'record'",
        "UPDATE witness SET source = CAST(x'ff41' AS TEXT) WHERE kind = 'record'",
        "UPDATE witness SET kind = 'odd' WHERE kind = 'record'",
        "UPDATE witness SET kind = CAST(x'ff41' AS TEXT) WHERE kind = 'record'",
    ],
)
def test_a_witness_that_cannot_be_read_is_passed_over_and_struck(tmp_path: Path, statement: str) -> None:
    engine = open_ledger(str(tmp_path / "azlic.db"), create=True)
    with writing(engine) as connection:
        advance(connection, WitnessKind.RECORD, NOW, "usage.jsonl")
        advance(connection, WitnessKind.EVALUATION, NOW, "verify")
        connection.exec_driver_sql(statement)
    with reading(engine) as connection:
        assert [one.kind for one in read_seen(connection).witnesses] == [WitnessKind.EVALUATION]
    (struck,) = strike(engine, [WitnessKind.RECORD], reason="edited", now=NOW, by="root")
    assert struck.kind is WitnessKind.RECORD and "belongs there" in struck.source
    with reading(engine) as connection:
        found = read_seen(connection)
        assert connection.exec_driver_sql("SELECT kind FROM witness").scalars().all() == ["evaluation"]
    assert [one.witness for one in found.strikes] == [struck]
    engine.dispose()
