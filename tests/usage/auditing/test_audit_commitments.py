"""Frozen plans under an audit: whatever is edited of them is found, also by who computes the digests anew."""

import hashlib
import json
import sqlite3
from dataclasses import replace

import pytest
from sqlalchemy import text

from licensing.db.database import reading, writing
from tests.usage.attacks import Attack, attacked, audited, both, sql
from tests.usage.commitments import day, enter, plan
from tests.usage.months import Months
from tests.usage.mount import Mount
from usage.auditing.faults import AuditCheck
from usage.ledger.canonical import SealedBatch, batch_head
from usage.plans.amendments import amend_plan
from usage.plans.model import MeterShare

TABLES = {
    "closed_plan": ("month", "plan", "terms"),
    "closed_place": ("month", "series", "resource", "output"),
    "closed_period": ("month", "plan", "starts_at", "committed", "used"),
    "closed_month": ("month", "closed_at", "batch", "totals", "reason", "form"),
}


@pytest.fixture
def months(mount: Mount) -> Months:
    """March is closed: a yearly and a monthly plan, of which one is amended, a late record, and a correction."""
    months = Months(mount)
    enter(mount.site, plan())
    enter(mount.site, plan("2026-01-16", "2026-04-20", name="hours", period="month", meters=["Seconds"]))
    months.use("a", 5, day("2026-02-10"))
    months.use("s", 1, day("2026-02-12"), meter={"name": "Seconds", "quantity": 7})
    months.site.now = day("2026-03-02")
    months.close("2026-02")
    months.use("b", 7, day("2026-02-20"))
    months.correct("a", "2")
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    return months


def seal_again(connection: sqlite3.Connection) -> None:
    """Compute the digest of the newest closed month and the head of its batch anew."""
    month, closed_at, batch = connection.execute(
        "SELECT month, closed_at, batch FROM closed_month ORDER BY month DESC LIMIT 1"
    ).fetchone()
    assert closed_at == 1_775_088_000_000

    def rows(query: str) -> list[list[object]]:
        return [list(row) for row in connection.execute(query, [month])]

    totals = rows("SELECT series, quantity, records FROM closed_total WHERE month = ? ORDER BY series")
    plans = rows("SELECT plan, terms FROM closed_plan WHERE month = ? ORDER BY plan")
    periods = rows(
        "SELECT plan, strftime('%Y-%m-%dT00:00:00Z', starts_at / 1000, 'unixepoch'), committed, used"
        " FROM closed_period WHERE month = ? ORDER BY plan, starts_at"
    )
    places = rows("SELECT series, resource, output FROM closed_place WHERE month = ? ORDER BY series")
    frozen = [[*one, [period[1:] for period in periods if period[0] == one[0]]] for one in plans]
    content = ["azlic.close/v2", f"{month // 100}-{month % 100:02}", "", "2026-04-02T00:00:00Z", totals, frozen, places]
    digest = hashlib.sha256(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()).digest()
    query = (
        "SELECT sequence, file, start, stop, consumed, first_record, records, rows, source, taken_at, entries"
        " FROM batch WHERE sequence = ?"
    )
    sealed = replace(SealedBatch(*connection.execute(query, [batch]).fetchone()), rows=digest)
    (before,) = connection.execute("SELECT head FROM batch WHERE sequence = ?", [batch - 1]).fetchone()
    connection.execute("UPDATE closed_month SET totals = ? WHERE month = ?", [digest, month])
    head = batch_head(before, sealed)
    connection.execute("UPDATE batch SET rows = ?, head = ? WHERE sequence = ?", [digest, head, batch])


def test_what_was_frozen_is_sound(months: Months) -> None:
    months.check()
    assert audited(attacked(months.mount, seal_again)).sound, "sealed again it is the same"


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, names in TABLES.items() for column in names])
def test_no_column_can_be_edited(months: Months, table: str, column: str) -> None:
    edited = (
        f"CASE typeof({column}) WHEN 'integer' THEN {column} + 1 WHEN 'blob' THEN zeroblob(32) ELSE {column} || '1' END"
    )
    where = f"rowid = (SELECT max(rowid) FROM {table})"  # noqa: S608
    found = audited(attacked(months.mount, sql(f"UPDATE {table} SET {column} = {edited} WHERE {where}")))  # noqa: S608
    assert found.faults[0].check is AuditCheck.MONTHS


@pytest.mark.parametrize("table", ["closed_plan", "closed_period", "closed_place"])
def test_no_row_can_be_taken_away(months: Months, table: str) -> None:
    assert not audited(attacked(months.mount, sql(f"DELETE FROM {table} WHERE rowid = 1"))).sound  # noqa: S608


ADDED = {
    "a plan": "INSERT INTO closed_plan SELECT month, 99, terms FROM closed_plan LIMIT 1",
    "a period": "INSERT INTO closed_period VALUES (202603, 99, 0, '1', '1')",
    "a place": "INSERT INTO closed_place VALUES (202603, 99, 'r', '')",
    "a plan of an open month": "INSERT INTO closed_plan SELECT 202607, 99, terms FROM closed_plan LIMIT 1",
}


@pytest.mark.parametrize("statement", ADDED.values(), ids=ADDED)
def test_no_row_can_be_put_in(months: Months, statement: str) -> None:
    assert not audited(attacked(months.mount, sql(statement))).sound


SEALED: dict[str, tuple[Attack, str]] = {
    "less was used": (
        sql("UPDATE closed_period SET used = '1000000' WHERE month = 202603 AND plan = 1"),
        "2026-03, plan read-2026, period from 2026-01-01: it was closed with 1 used of 500,000, and the ledger makes"
        " it 9 of 500,000",
    ),
    "more was committed": (
        sql("UPDATE closed_period SET committed = '600000000000' WHERE month = 202603 AND plan = 1"),
        "it was closed with 9 used of 600,000, and the ledger makes it 9 of 500,000",
    ),
    "another ratio": (
        sql(
            """UPDATE closed_plan SET terms = replace(terms, '"multiplier":1', '"multiplier":2') WHERE month = 202603"""
        ),
        "the ledger makes it 13 of 500,000",
    ),
    "a period less": (
        sql("DELETE FROM closed_period WHERE month = 202603 AND plan = 2"),
        "2026-03, plan hours, period from 2026-03-01: it is missing",
    ),
    "terms that say nothing": (
        sql("UPDATE closed_plan SET terms = '{}' WHERE month = 202603"),
        "2026-03: the terms of a plan it was closed with cannot be read",
    ),
}


@pytest.mark.parametrize(("attack", "told"), SEALED.values(), ids=SEALED)
def test_who_seals_again_is_found_by_the_sums(months: Months, attack: Attack, told: str) -> None:
    found = audited(attacked(months.mount, both(attack, seal_again)))
    assert told in str(found.faults[0])


@pytest.mark.parametrize("start", ["2024-02-29", "2025-03-31", "2025-12-31", "2026-02-01"])
@pytest.mark.parametrize("period", ["month", "year"])
def test_audit_and_closing_agree_on_every_period(mount: Mount, start: str, period: str) -> None:
    months = Months(mount)
    enter(mount.site, replace(plan(start, "2026-04-20", period=period), meters=(MeterShare("Seconds", 1, 3600),)))
    with writing(mount.ledger) as connection:
        amend_plan(connection, "read-2026", 2, day("2026-02-11"), quota=33, now=mount.site.now)
    for number, date in enumerate(("2024-03-01", "2025-03-30", "2026-02-28T23:59:59", "2026-04-19", "2026-04-20")):
        months.use(f"s{number}", 1, day(date), meter={"name": "Seconds", "quantity": 1799.999999})
    months.site.now = day("2026-05-02")
    for month in ("2024-03", "2025-03", "2026-02", "2026-04"):
        months.close(month)
    months.check()
    with reading(mount.ledger) as connection:
        assert connection.execute(text("SELECT count(*) FROM closed_period WHERE used <> '0'")).scalar()
