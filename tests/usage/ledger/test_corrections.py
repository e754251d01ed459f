from datetime import datetime

import pytest

from licensing.core.errors import BadCall
from licensing.db.database import reading
from licensing.db.readonly import view_of
from tests.usage.commitments import day, enter, plan
from tests.usage.months import Months
from tests.usage.mount import Mount, rows
from tests.usage.reports import WORDS, Reports
from usage.ledger.tables.records import BatchRow, RecordRow
from usage.months import Month
from usage.quantity import MICRO, parse_quantity
from usage.reporting.snapshot import meter_totals, usage_logs

pytestmark = pytest.mark.databases("sqlite", "postgresql")


@pytest.fixture
def months(mount: Mount) -> Months:
    """A ledger with a record of 5 in March, closed; it is the 2nd of April."""
    months = Months(mount)
    months.use("a", 5, day("2026-03-02"))
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    return months


def test_a_correction_is_a_reversal_and_a_replacement_in_the_next_open_month(months: Months) -> None:
    change = months.correct("a", "2.5")
    assert (change.reported, change.before, change.after) == (5 * MICRO, 5 * MICRO, 2_500_000)
    assert (str(change.month), str(change.booked_month)) == ("2026-03", "2026-04")
    assert months.booked() == [("reversal", 202604, 202603, "a", -5.0), ("replacement", 202604, 202603, "a", 2.5)]
    assert (months.used("2026-03"), months.used("2026-04")) == (5, -2.5)
    assert months.apart("2026-04") == [("corrected", "2026-03", -2.5, 0)]
    assert [row.quantity for row in rows(months.ledger, RecordRow)] == [5 * MICRO]
    assert rows(months.ledger, BatchRow)[-1].file == "correct:"
    months.check()


def test_a_correction_of_a_correction_reverses_what_counts_now(months: Months) -> None:
    months.correct("a", "3")
    months.site.now = day("2026-06-10")
    months.close("2026-04")
    months.correct("a", "4")
    assert months.booked()[2:] == [("reversal", 202606, 202603, "a", -3.0), ("replacement", 202606, 202603, "a", 4.0)]
    assert [months.used(month) for month in ("2026-03", "2026-04", "2026-05", "2026-06")] == [5, -2, 0, 1]
    months.check()


def test_zero_cancels_and_what_was_cancelled_may_count_again(months: Months) -> None:
    months.correct("a", "0")
    assert months.booked() == [("reversal", 202604, 202603, "a", -5.0)]
    assert months.used("2026-04") == -5
    months.correct("a", "5")
    assert months.booked()[1:] == [("replacement", 202604, 202603, "a", 5.0)]
    assert months.used("2026-04") == 0 and months.apart("2026-04") == [("corrected", "2026-03", 0.0, 0)]
    months.check()


def test_a_record_of_an_open_month_is_corrected_on_its_own_day(months: Months) -> None:
    """A plan that ended before the correction was entered bears it none the less."""
    enter(months.site, plan("2026-01-01", "2026-04-10", name="first"))
    enter(months.site, plan("2026-04-10", "2027-01-01", name="second"))
    months.use("b", 8, day("2026-04-09T23:59:59.999"))
    months.site.now = day("2026-05-20")
    months.correct("b", "6")
    assert months.booked() == [("reversal", 202604, 202604, "b", -8.0), ("replacement", 202604, 202604, "b", 6.0)]
    first, second = months.site.report("2026-04").plans
    assert (first.month, second.month) == (6 * MICRO, 0)
    assert months.apart("2026-04") == [("corrected", "2026-04", -2.0, 0)]
    months.check()


def test_a_correction_of_an_open_month_is_closed_with_it(months: Months) -> None:
    months.use("b", 8, day("2026-04-01"))
    months.correct("b", "6")
    months.site.now = day("2026-05-01")
    months.close("2026-04")
    months.correct("b", "7")
    assert months.booked()[2:] == [("reversal", 202605, 202604, "b", -6.0), ("replacement", 202605, 202604, "b", 7.0)]
    assert (months.used("2026-04"), months.used("2026-05")) == (6, 1)
    months.check()


def test_a_late_record_can_be_corrected(months: Months) -> None:
    months.use("b", 8, day("2026-03-01"))
    months.correct("b", "2")
    assert months.used("2026-04") == 2
    assert months.apart("2026-04") == [("corrected", "2026-03", -6.0, 0), ("late", "2026-03", 8.0, 1)]
    months.check()


@pytest.mark.parametrize(
    ("booked_at", "plan_bears_it"),
    [
        ("2026-04-09T23:59:59.999999", False),
        ("2026-04-10T00:00:00", True),
        ("2026-04-19T23:59:59.999999", True),
        ("2026-04-20T00:00:00", False),
    ],
)
def test_a_plan_bears_what_is_booked_from_its_first_day_to_its_last(
    months: Months, booked_at: str, plan_bears_it: bool
) -> None:
    enter(months.site, plan("2026-04-10", "2026-04-20"))
    months.site.now = day(booked_at)
    months.correct("a", "9")
    months.site.now = day("2026-05-02")
    report = months.site.report("2026-04")
    assert report.plans[0].used == (4 * MICRO if plan_bears_it else 0)
    assert months.used("2026-04") == 4


def test_a_plans_burn_down_counts_a_correction_where_it_is_booked(mount: Mount) -> None:
    months = Months(mount)
    enter(months.site, plan())
    months.use("a", 5, day("2026-03-02"))
    months.site.now = day("2026-04-02")
    months.close("2026-03")
    months.correct("a", "105")
    march, april = months.site.report("2026-03").plans[0], months.site.report("2026-04").plans[0]
    assert (march.used, april.used, april.month) == (5 * MICRO, 105 * MICRO, 100 * MICRO)
    assert dict(april.history)[Month(2026, 4)] == 100 * MICRO


@pytest.mark.parametrize(
    ("name", "quantity", "said"),
    [
        ("nobody", "1", "there is no record 'nobody'"),
        ("a", "5", "already counts 5"),
        ("a", "-1", "quantity is negative"),
        ("a", "0.0000001", "more than six decimals"),
        ("a", "1000000000001", "larger than"),
        ("a", "1e3", "is not a number"),
        ("a", "NaN", "is not a number"),
        ("a", "", "is not a number"),
        ("a", "٣", "is not a number"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(months: Months, name: str, quantity: str, said: str) -> None:
    with pytest.raises(BadCall, match=said):
        months.correct(name, quantity)
    assert months.booked() == []


@pytest.mark.parametrize("reason", ["", " ", "a\tb", "x" * 501])
def test_a_correction_has_a_reason(months: Months, reason: str) -> None:
    with pytest.raises(BadCall, match="a reason is a line"):
        months.correct("a", "1", reason)


@pytest.mark.parametrize(("told", "micro"), [("12", 12_000_000), ("0.25", 250_000), ("1000000000000", 10**18)])
def test_quantities_are_exact(told: str, micro: int) -> None:
    assert parse_quantity(told) == micro


def test_a_reading_of_a_closed_month_is_booked_in_the_next_open_one(months: Months) -> None:
    reports = Reports(months.site)
    reports.take({WORDS: 100}, Month(2026, 3))
    assert months.booked()[0][:3] == ("late", 202604, 202603)
    assert reports.reported("2026-03").get(WORDS) is None and reports.reported("2026-04")[WORDS] == 100
    reports.take({WORDS: 150}, Month(2026, 3))
    assert reports.reported("2026-04")[WORDS] == 150
    months.check()


def silent(months: Months, at: datetime) -> list[datetime]:
    months.site.now = at
    return [one.last_at for one in months.site.report("2026-04").containers]


def test_a_booking_is_no_sign_of_life(months: Months) -> None:
    before = silent(months, day("2026-04-20"))
    months.correct("a", "9")
    months.use("late", 1, day("2026-03-03"))
    assert silent(months, day("2026-04-20")) == before == [day("2026-03-02")]


def test_what_is_watched_counts_what_is_late_and_corrected(months: Months) -> None:
    months.use("late", 2, day("2026-03-03"))
    months.correct("a", "4")
    with reading(months.ledger) as connection:
        (used,) = meter_totals(view_of(connection))
        of_april = usage_logs(connection, Month(2026, 4))["meters"]
    assert used.quantity == 6 * MICRO
    assert isinstance(of_april, list) and [meter["quantity"] for meter in of_april] == [1]
