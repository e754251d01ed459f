import pytest
from sqlalchemy import text

from licensing.db.database import writing
from tests.usage.commitments import day
from tests.usage.months import Months
from tests.usage.mount import Mount
from usage.ledger.counts import together


@pytest.fixture
def months(mount: Mount) -> Months:
    """March closed with 5; April with 3 of its own, 7 late and a correction."""
    months = Months(mount)
    months.use("a", 5, day("2026-03-02"))
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    months.use("b", 7, day("2026-03-03"))
    months.use("c", 3, day("2026-04-01"))
    months.correct("a", "4")
    return months


def change(months: Months, statement: str) -> None:
    """Change the ledger as somebody does who has taken its guards away."""
    with writing(months.ledger) as connection:
        guards = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        for guard in guards:
            connection.execute(text(f"DROP TRIGGER {guard}"))
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        assert connection.execute(text(statement)).rowcount == 1


def test_a_sound_ledger_recomputes(months: Months) -> None:
    march, april = months.recompute("2026-03"), months.recompute("2026-04")
    assert march.difference is april.difference is None
    found = together(march.counts), together(april.counts)
    assert [(one.records, one.late, one.corrections) for one in found] == [(1, 0, 0), (2, 1, 1)]
    months.site.now = day("2026-05-01")
    months.close("2026-04")
    assert months.recompute("2026-04").difference is None


@pytest.mark.parametrize(
    ("statement", "month", "said"),
    [
        (
            "UPDATE record SET quantity = 4000000 WHERE id = 'a'",
            "2026-03",
            "2026-03-02, series 1: the records make 4 in 1",
        ),
        ("DELETE FROM record WHERE id = 'c'", "2026-04", "2026-04-01, series 1: the records make 0 in 0"),
        ("UPDATE total SET quantity = 1 WHERE day = 20544", "2026-04", "the total says 0.000001 in 1"),
        ("UPDATE total SET records = 2 WHERE day = 20544", "2026-04", "the total says 3 in 2"),
        ("DELETE FROM total WHERE day = 20544", "2026-04", "the total says 0 in 0"),
        ("UPDATE closed_total SET quantity = 6000000", "2026-03", "it was closed with 6 in 1"),
        ("UPDATE correction SET quantity = 8000000 WHERE kind = 'late'", "2026-03", "late record b of 2026-03"),
        ("DELETE FROM correction WHERE kind = 'late'", "2026-03", "2026-03-03, series 1: the records make 7"),
        ("UPDATE correction SET quantity = -4000000 WHERE kind = 'reversal'", "2026-04", "correction 2 of record a"),
        ("DELETE FROM correction WHERE kind = 'reversal'", "2026-04", "correction 3 of record a replaces"),
    ],
)
def test_a_changed_row_is_the_first_difference(months: Months, statement: str, month: str, said: str) -> None:
    change(months, statement)
    difference = months.recompute(month).difference
    assert difference is not None and said in difference


def test_progress_is_told(months: Months) -> None:
    from licensing.db.database import reading
    from usage.auditing.recomputation import recompute
    from usage.months import Month

    told: list[tuple[int, int]] = []
    with reading(months.ledger) as connection:
        recompute(connection, Month(2026, 3), progress=lambda done, total: told.append((done, total)))
    assert told == [(3, 3)]
