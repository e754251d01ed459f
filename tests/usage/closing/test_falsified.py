"""What was falsified is not closed: each change of what a closing freezes is named, whatever reason is given."""

import pytest
from sqlalchemy import text

from licensing.core.errors import AzlicError
from licensing.db.database import reading
from tests.usage.commitments import day
from tests.usage.ledgers import unguarded
from tests.usage.months import Months
from tests.usage.mount import Mount, rows
from usage.alerts.store import remember_audit
from usage.auditing.recomputation import recompute
from usage.closing.close import MonthNotReady
from usage.ledger.tables.months import ClosedMonthRow
from usage.months import Month


@pytest.fixture
def months(mount: Mount) -> Months:
    """March closed with 5; April with 3 of its own, 7 late and a correction; it is May."""
    months = Months(mount)
    months.use("a", 5, day("2026-03-02"))
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    months.use("b", 7, day("2026-03-03"))
    months.use("c", 3, day("2026-04-01"))
    months.correct("a", "4")
    months.site.now = day("2026-05-02")
    return months


def change(months: Months, statement: str) -> None:
    with unguarded(months.ledger) as connection:
        assert connection.execute(text(statement)).rowcount >= 1


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE total SET quantity = 1000000 WHERE day = 20544", "make 3 in 1 (last at"),
        ("UPDATE total SET records = 2 WHERE day = 20544", "the total says 3 in 2"),
        ("DELETE FROM total WHERE day = 20544", "the total says 0 in 0"),
        ("INSERT INTO total VALUES (20545, 1, 9000000, 1, 1)", "2026-04-02, series 1: the records make 0 in 0"),
        ("UPDATE record SET quantity = 4000000 WHERE id = 'c'", "the records make 4 in 1"),
        ("DELETE FROM record WHERE id = 'c'", "the records make 0 in 0"),
        ("UPDATE correction SET quantity = 8000000 WHERE kind = 'late'", "late record b of 2026-03 is booked with 8"),
        ("UPDATE correction SET quantity = -4000000 WHERE kind = 'reversal'", "correction 2 of record a"),
        ("DELETE FROM correction WHERE kind = 'late'", "1 record from 2026-03-03T00:00:00Z on: in no total"),
        (
            "UPDATE total SET quantity = 1 WHERE day = 20514",
            "the rows make 0.000001 in 1 records, it was closed with 5",
        ),
        ("UPDATE closed_total SET quantity = 1", "the rows make 5 in 1 records, it was closed with 0.000001"),
        ("UPDATE total SET day = 20500 WHERE day = 20514", "2026-02, series 1: the rows make 5 in 1 records"),
    ],
)
def test_a_difference_is_named_and_no_reason_is_accepted(months: Months, statement: str, said: str) -> None:
    change(months, statement)
    found = months.examine("2026-04").obstacles
    assert {(item.kind, item.acceptable) for item in found} == {("difference", False)}
    assert said in " ".join(item.detail for item in found)
    with pytest.raises(MonthNotReady, match="2026-04 is not ready to be closed") as refused:
        months.close("2026-04", accept="we know of it")
    assert "azlic restore" in refused.value.hint
    assert len(rows(months.ledger, ClosedMonthRow)) == 1


def test_a_total_of_a_series_that_is_not_there_is_named(months: Months) -> None:
    change(months, "UPDATE total SET series = 99 WHERE day = 20544")
    with pytest.raises(AzlicError, match=r"total, row \d+: it belongs to a row of series that is not there"):
        months.close("2026-04", accept="we know of it")


def test_a_sound_ledger_is_closed_and_one_that_was_put_right(months: Months) -> None:
    change(months, "UPDATE total SET quantity = 1000000 WHERE day = 20544")
    assert months.examine("2026-04").obstacles
    change(months, "UPDATE total SET quantity = 3000000 WHERE day = 20544")
    assert not months.examine("2026-04").obstacles
    months.close("2026-04")
    months.check()


def test_a_month_that_is_closed_together_with_a_later_one_has_lost_nothing(months: Months) -> None:
    change(months, "DELETE FROM total WHERE day = 20544")
    change(months, "DELETE FROM correction")
    months.use("d", 1, day("2026-05-01"))
    months.site.now = day("2026-06-02")
    said = [item.detail for item in months.examine("2026-05").obstacles if item.kind == "difference"]
    assert "1 record from 2026-04-01T00:00:00Z on: in no total, and not booked as late" in said


def test_a_record_taken_long_before_its_day_is_no_difference(months: Months) -> None:
    with unguarded(months.ledger) as connection:
        connection.execute(text("UPDATE batch SET taken_at = 0"))
    assert not months.examine("2026-04").obstacles
    change(months, "UPDATE total SET quantity = 1000000 WHERE day = 20544")
    assert [item.kind for item in months.examine("2026-04").obstacles] == ["difference"]


def test_closing_reads_the_records_of_its_month_alone(months: Months) -> None:
    told: list[tuple[int, int]] = []
    with reading(months.ledger) as connection:
        april = Month(2026, 4)
        recompute(connection, april, taken_since=april.starts_at, progress=lambda *step: told.append(step))
    assert told == [(2, 2)]  # of three: what was taken in March is not read


def test_a_failed_audit_stands_against_closing_until_one_passes(months: Months) -> None:
    def remember(*, sound: bool) -> None:
        remember_audit(months.ledger, sound=sound, detail="batch 3 was edited", now=months.site.now)

    remember(sound=False)
    (item,) = months.examine("2026-04").obstacles
    assert (item.kind, item.acceptable) == ("audit", True)
    assert item.detail == "the ledger did not pass its audit of 2026-05-02T00:00:00Z: batch 3 was edited"
    with pytest.raises(MonthNotReady, match="did not pass its audit"):
        months.close("2026-04")
    remember(sound=True)
    assert not months.examine("2026-04").obstacles
    remember(sound=False)
    assert months.close("2026-04", accept="the plan was edited by us").reason == "the plan was edited by us"
