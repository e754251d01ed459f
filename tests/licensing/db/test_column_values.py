"""What may stand in a column: the words of its list, which their owners have, and the instants of the calendar."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from annotated_types import Le

from licensing.core.instants import milliseconds
from licensing.db.column_values import LAST_INSTANT, rule_of
from licensing.db.sqlite_misfits import misfits_of
from licensing.signing.document import License
from licensing.verdict.seen import WitnessKind
from usage.alerts.alert import Severity

GRACE_DAYS = next(int(str(one.le)) for one in License.model_fields["grace_days"].metadata if isinstance(one, Le))
"""The most that a license may have."""


def fits(table: str, column: str, value: object) -> bool:
    rule = rule_of(table, column, "VARCHAR" if isinstance(value, str) else "BIGINT")
    assert rule is not None
    with closing(sqlite3.connect(":memory:")) as connection:
        query = f"SELECT {rule.condition.format('value')} FROM (SELECT ? AS value)"  # noqa: S608 - our own words
        return bool(connection.execute(query, [value]).fetchone()[0])


def test_words_are_those_of_their_owners() -> None:
    assert all(fits("witness", "kind", str(kind)) for kind in WitnessKind)
    assert all(fits("told_alert", "severity", int(one)) for one in Severity)
    assert not fits("witness", "kind", "odd") and not fits("told_alert", "severity", 4)


@pytest.mark.parametrize(
    ("table", "column", "good", "bad"),
    [
        ("open_alert", "since", (0, LAST_INSTANT), (-1, LAST_INSTANT + 1)),
        ("closed_month", "month", (197001, 999912), (0, 202613, 197000)),
        ("reading", "month", (0, 202612), (1, -1)),
        ("notice", "stage", ("0", "-1", "12"), ("", "zzz", "1x", "9" * 20)),
        ("issuer_resource", "grace_days", (0, GRACE_DAYS), (-1, GRACE_DAYS + 1)),
        ("issuer_resource_container", "term_seconds", (1, 315_360_000), (0, 1 << 60)),
        ("issuer_resource_container", "license_id", (str(uuid4()),), ("", "zzz", "z" * 36)),
        ("issuer_resource_container", "version_below", ("", "3.3"), ("zzz",)),
        ("issuer_resource_container", "instances", ("", '["hall-7"]'), ("zzz", "[")),
        ("issuer_resource", "next_plan", ("{}",), ("zzz",)),
        ("issuer_site", "public_key", ("-----BEGIN PUBLIC KEY-----\n",), ("", "zzz")),
        ("plan_change", "units", (-3, 3), ((1 << 63) - 1, 1 - (1 << 63))),
        ("batch", "sequence", (1,), (-1, (1 << 63) - 1)),
        ("issuer_site", "enrolled_at", ("2026-01-05T08:00:00Z", "2026-01-05T08:00:00.123456Z"), ("", "zzz", "2026")),
    ],
)
def test_what_is_out_of_range_does_not_fit(
    table: str, column: str, good: tuple[object, ...], bad: tuple[object, ...]
) -> None:
    assert [value for value in good if not fits(table, column, value)] == []
    assert [value for value in bad if fits(table, column, value)] == []


def test_the_last_instant_is_that_of_the_calendar() -> None:
    assert milliseconds(datetime.max.replace(tzinfo=UTC)) == LAST_INSTANT


def test_text_that_is_no_utf_8_is_named_and_text_in_any_language_is_not() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE note (place INTEGER PRIMARY KEY, words VARCHAR)")
        texts = ["plain", "Größe", "語\U0001f600", "a\0b", ""]
        connection.executemany("INSERT INTO note (words) VALUES (?)", [[text] for text in texts])
        connection.execute("INSERT INTO note (words) VALUES (CAST(x'ff41' AS TEXT)), (CAST(x'4100ff' AS TEXT))")
        found = [(one.row, one.column) for one in misfits_of(connection.execute, "note")]
    assert found == [("6", "words"), ("7", "words")]
