from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from licensing.core.errors import AzlicError, BadCall
from licensing.db.database import reading, writing
from tests.usage.commitments import day, enter, plan
from tests.usage.lines import a_chain, a_line
from tests.usage.months import Months
from tests.usage.mount import Mount, rows
from usage.closing.close import MonthNotReady
from usage.intake.findings import settle
from usage.intake.quarantine import discard
from usage.ledger.closed_months import booking_month
from usage.ledger.receipt import Receipt
from usage.ledger.tables.months import ClosedMonthRow, ClosedTotalRow
from usage.months import Month
from usage.reporting.report import MonthlyReport

pytestmark = pytest.mark.databases("sqlite", "postgresql")

MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def months(mount: Mount) -> Months:
    return Months(mount)


def numbers(report: MonthlyReport) -> MonthlyReport:
    """A report without what is said of the ledger as it is today."""
    return replace(report, quality=None)  # type: ignore[arg-type]


def kinds(months: Months, month: str = "2026-03") -> list[str]:
    return [item.kind for item in months.examine(month).obstacles]


def test_a_closed_month_is_a_batch_in_the_chain(months: Months) -> None:
    months.use("a", 5, day("2026-03-02"))
    months.use("b", 7, day("2026-03-31"))
    months.site.now = day("2026-04-01T00:00:00")
    closed = months.close("2026-03")
    (row,) = rows(months.ledger, ClosedMonthRow)
    assert (row.month, row.batch, row.reason, row.closed_at) == (202603, closed.sequence, "", months.site.now)
    assert [tuple(total) for total in rows(months.ledger, ClosedTotalRow)] == [(202603, 1, 12_000_000, 2)]
    months.check()


@pytest.mark.parametrize("instant", ["2026-03-31T23:59:59.999999", "2026-03-01T00:00:00", "2026-02-28T12:00:00"])
def test_a_month_that_has_not_ended_stays_open(months: Months, instant: str) -> None:
    months.site.now = day(instant)
    with pytest.raises(BadCall, match="2026-03 has not ended"):
        months.close("2026-03")


@pytest.mark.parametrize(
    ("at", "month"),
    [
        ("2026-03-31T23:59:59.999999", "2026-03"),
        ("2026-04-01T00:00:00", "2026-04"),
        ("2024-02-29T23:59:59.999999", "2024-02"),
        ("2024-03-01T00:00:00", "2024-03"),
        ("2026-12-31T23:59:59.999999", "2026-12"),
    ],
)
def test_a_record_at_the_edge_is_closed_with_its_month(months: Months, at: str, month: str) -> None:
    months.use("a", 1, day(at))
    months.site.now = Month.parse(month).next.starts_at
    months.close(month)
    assert [(row.month, row.records) for row in rows(months.ledger, ClosedTotalRow)] == [(Month.parse(month).number, 1)]
    assert months.used(month) == 1 and not months.apart(month)


def test_months_are_closed_in_order(months: Months) -> None:
    months.use("a", 1, day("2026-02-03"))
    months.use("b", 1, day("2026-03-03"))
    months.site.now = day("2026-04-02")
    with pytest.raises(BadCall, match="2026-02 is open, and was used") as refused:
        months.close("2026-03")
    assert "azlic close 2026-02" in refused.value.hint
    months.close("2026-02")
    months.close("2026-03")


def test_a_closed_month_is_not_closed_again_nor_one_before_it(months: Months) -> None:
    months.use("b", 1, day("2026-03-03"))
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    with pytest.raises(BadCall, match="2026-03 was closed at 2026-04-02T00:00:00Z"):
        months.close("2026-03")
    with pytest.raises(BadCall, match=r"2026-02 was closed at .* together with 2026-03"):
        months.close("2026-02")


def test_an_empty_month_may_be_closed(months: Months) -> None:
    months.site.now = day("2026-04-02")
    assert months.close("2026-03").sequence == 1
    months.check()


def test_a_late_record_changes_nothing_of_its_month(months: Months) -> None:
    enter(months.site, plan())
    months.use("a", 5, day("2026-03-02"))
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    before = months.site.report("2026-03")
    months.use("b", 7, day("2026-03-31T23:59:59.999"))
    months.use("c", 9, day("2026-01-05"))
    months.use("d", 1, day("2026-04-01"))
    assert numbers(months.site.report("2026-03")) == numbers(before)
    assert before.closed is not None and before.closed.closed_at == day("2026-04-02")
    assert months.booked() == [("late", 202604, 202603, "b", 7.0), ("late", 202604, 202601, "c", 9.0)]
    assert months.used("2026-04") == 17
    assert sorted(months.apart("2026-04")) == [("late", "2026-01", 9.0, 1), ("late", "2026-03", 7.0, 1)]
    assert months.site.report("2026-04").plans[0].used == 22_000_000
    months.check()
    for month in ("2026-01", "2026-03", "2026-04"):
        assert months.recompute(month).difference is None


def test_a_receipt_counts_what_came_late_and_twice_is_once(months: Months) -> None:
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    lines = [
        a_line("a", 1, at=day("2026-03-02")),
        a_line("b", 1, at=day("2026-04-01")),
        a_line("a", 1, at=day("2026-03-02")),
    ]
    months.mount.write(lines)
    receipt = months.mount.ingest()
    assert (receipt.new, receipt.late, receipt.duplicates) == (2, 1, 1)
    months.mount.write(lines, "again.jsonl")
    assert months.mount.ingest() == Receipt(files=2, duplicates=3)
    months.check()


def test_what_was_booked_is_closed_with_the_month_that_bears_it(months: Months) -> None:
    months.use("a", 5, day("2026-03-02"))
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    months.use("b", 7, day("2026-03-03"))
    months.site.now = day("2026-06-01")
    with pytest.raises(BadCall, match="2026-04 is open, and was used"):
        months.close("2026-05")
    months.close("2026-04")
    assert [tuple(row)[1:] for row in rows(months.ledger, ClosedTotalRow)] == [(1, 5_000_000, 1), (1, 7_000_000, 1)]
    months.use("c", 1, day("2026-03-04"))
    assert months.booked()[-1] == ("late", 202606, 202603, "c", 1.0)
    months.check()


def test_a_clock_that_was_turned_back_books_nothing_in_a_closed_month() -> None:
    assert booking_month(Month(2026, 3), day("2026-01-05")) == Month(2026, 4)
    assert booking_month(Month(2026, 12), day("2026-12-31")) == Month(2027, 1)
    assert booking_month(Month(2026, 3), day("2026-07-05")) == Month(2026, 7)
    assert booking_month(None, day("2026-07-05")) == Month(2026, 7)


def test_lines_kept_apart_stand_against_the_month_they_may_belong_to(months: Months) -> None:
    months.site.now = day("2026-03-15")
    march, april = "usage-2026-03-05.jsonl", "usage-2026-04-02.jsonl"
    months.mount.write([a_line("a", 1, at=day("2026-03-05")), b"torn"], march)
    months.mount.ingest()
    months.site.now = day("2026-04-03")
    months.mount.write([b"torn too", a_line("a", 2, at=day("2026-04-02"))], april)
    months.mount.ingest()
    assert kinds(months) == ["bad-line"]
    with pytest.raises(MonthNotReady, match=r"usage-2026-03-05.jsonl:2"):
        months.close("2026-03")
    discard(months.ledger, [1], reason="torn", now=months.site.now)
    months.close("2026-03")
    months.site.now = day("2026-05-03")
    assert kinds(months, "2026-04") == ["bad-line", "conflict"]


def test_a_line_of_no_day_stands_against_every_month_that_may_have_written_it(months: Months) -> None:
    months.site.now = day("2026-03-15")
    months.mount.write([b"torn"], "plain.jsonl")
    months.mount.ingest()
    months.site.now = day("2026-05-03")
    assert kinds(months, "2026-03") == ["bad-line"]
    months.close("2026-03", accept="nobody knows")
    assert kinds(months, "2026-04") == []


def test_missing_records_stand_against_the_months_they_may_be_of(months: Months) -> None:
    chain = a_chain(4, at=day("2026-03-05"))
    later = a_chain(5, at=day("2026-05-05"), after=chain)
    months.site.now = day("2026-03-06")
    months.mount.write(chain, "usage-2026-03-05.jsonl")
    months.mount.ingest()
    months.site.now = day("2026-06-02")
    months.mount.write(later[3:], "usage-2026-05-05.jsonl")
    months.mount.ingest()
    assert kinds(months, "2026-03") == ["gap"]  # they may have been written on its last days
    months.close("2026-03", accept="the container's log says: used again in May")
    assert kinds(months, "2026-04") == ["gap"]
    months.mount.write(later[:3], "usage-2026-05-04.jsonl")
    months.mount.ingest()
    assert kinds(months, "2026-04") == []


def test_findings_stand_against_their_month_until_they_are_settled(months: Months) -> None:
    months.use("a", 1, day("2026-03-05"))
    months.use("b", 1, day("2026-04-05"))
    for name in ("usage-2026-03-05.jsonl", "usage-2026-04-05.jsonl"):
        months.mount.path(name).unlink()
    months.site.now = day("2026-04-06")
    months.mount.ingest()
    assert kinds(months) == ["finding"]
    settle(months.ledger, [1], reason="archived", now=months.site.now)
    assert kinds(months) == []
    months.close("2026-03")


def test_bytes_that_were_not_taken_stand_against_their_month(months: Months) -> None:
    months.use("a", 1, day("2026-03-05"))
    months.mount.put(b'{"id":"torn', "usage-2026-03-05.jsonl", mode="ab")
    months.mount.put(b'{"id":"torn', "usage-2026-04-05.jsonl")
    months.site.now = day("2026-04-05")
    assert [item.detail.partition(": ")[2] for item in months.examine("2026-03").obstacles] == [
        "11 bytes are not ingested yet"
    ]
    months.mount.ingest()
    assert kinds(months) == ["pending"]
    months.mount.append([b'"}'], "usage-2026-03-05.jsonl")
    months.mount.append([a_line("new", 1, at=day("2026-03-30"))], "usage-2026-03-30.jsonl", "ffffffffffff")
    assert kinds(months) == ["pending"]  # beside the known files there is no other container's folder
    assert [item.kind for item in months.examine("2026-03", folders=[months.site.output]).obstacles] == ["pending"] * 2


def test_a_source_that_cannot_be_looked_at_is_said_and_counts_as_last_seen(months: Months, tmp_path: Path) -> None:
    months.use("a", 1, day("2026-03-05"))
    months.mount.put(b"half a line", "usage-2026-03-05.jsonl", mode="ab")
    months.mount.ingest()
    months.site.output.rename(tmp_path / "away")
    months.site.now = day("2026-04-05")
    found = months.examine("2026-03")
    assert found.unseen == (str(months.mount.path().parent),)
    assert [item.kind for item in found.obstacles] == ["pending"]
    with pytest.raises(AzlicError, match="no output folder"):
        months.examine("2026-03", folders=[months.site.output])


def test_what_was_accepted_is_kept_with_its_reason(months: Months) -> None:
    months.site.now = day("2026-03-05")
    months.mount.write([b"bad", a_line("a", 1, at=day("2026-03-05"))])
    months.mount.ingest()
    months.site.now = day("2026-04-05")
    assert months.close("2026-03", accept="torn by the power cut").reason == "torn by the power cut"
    months.check()
    months.site.now = day("2026-05-05")
    assert months.close("2026-04", accept="nothing was open").reason == ""


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "\x1b[2J", "x" * 501])
def test_what_is_no_reason_closes_nothing(months: Months, reason: str) -> None:
    months.site.now = day("2026-04-05")
    with pytest.raises(BadCall, match="a reason is a line"):
        months.close("2026-03", accept=reason)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE closed_month SET reason = ''",
        "DELETE FROM closed_month",
        "UPDATE closed_total SET quantity = 0",
        "DELETE FROM closed_total",
        "UPDATE correction SET quantity = 0",
        "DELETE FROM correction",
        "UPDATE record SET quantity = 0 WHERE id = 'a'",
        "DELETE FROM record WHERE id = 'a'",
        "UPDATE total SET quantity = 0 WHERE day = 20546",
        "UPDATE total SET day = 20546 WHERE day = 20545",
        "UPDATE total SET day = 20000 WHERE day = 20546",
        "DELETE FROM total WHERE day = 20543",
        "INSERT INTO total (day, series, quantity, records, last_at) VALUES (20542, 1, 1, 1, 1)",
    ],
)
def test_the_database_itself_keeps_closed_months_as_they_are(months: Months, statement: str) -> None:
    months.use("a", 5, day("2026-03-31T23:59:59.999"))  # day 20543
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    months.use("b", 7, day("2026-03-03"))
    statement = statement.replace("20546", "20543").replace("20545", "20544")
    months.use("c", 7, day("2026-04-01T00:00:00"))  # day 20544
    with (
        pytest.raises(AzlicError, match=r"does not change|only grows"),
        writing(months.ledger) as connection,
    ):
        connection.execute(text(statement))


def test_what_is_open_may_still_change(months: Months) -> None:
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    months.use("c", 7, day("2026-04-01T00:00:00"))
    with writing(months.ledger) as connection:
        assert connection.execute(text("DELETE FROM total")).rowcount == 1
    with reading(months.ledger) as connection:
        assert connection.execute(text("SELECT count(*) FROM closed_month")).scalar() == 1
