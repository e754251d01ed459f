"""Use that was taken while the clock ran ahead: it is named by every earlier report until it is taken out of there."""

from datetime import timedelta

import pytest

from licensing.core.instants import iso
from licensing.db.database import reading
from licensing.db.readonly import view_of
from tests.site import METER, START
from tests.usage.commitments import day
from tests.usage.lines import a_line
from tests.usage.months import Months
from tests.usage.mount import Mount
from usage.ledger.counted_ahead import CountedAhead, read_counted_ahead
from usage.months import Month
from usage.quantity import MICRO

pytestmark = pytest.mark.databases("sqlite", "postgresql")

MS = timedelta(milliseconds=1)
MARCH = Month(2028, 3)


@pytest.fixture
def months(mount: Mount) -> Months:
    """Two records dated 2028-03-05, taken while the clock stood a day later, and one of a day when it is right."""
    months = Months(mount)
    months.site.now = day("2028-03-06")
    months.use("a", 5, day("2028-03-05T10:00"))
    months.use("b", 7, day("2028-03-05T11:00"))
    months.site.now = START
    months.use("c", 1, START)
    return months


def ahead(months: Months, month: str = f"{Month.of(START)}") -> list[tuple[int, float]]:
    return [(one.records, one.quantity / MICRO) for one in months.site.report(month).quality.counted_ahead]


def test_it_is_named_by_reports_on_earlier_months_alone(months: Months) -> None:
    report = months.site.report("2026-03")
    assert report.quality.counted_ahead == (CountedAhead(MARCH, METER, 2, 12 * MICRO, day("2028-03-05")),)
    assert not report.quality.clean
    assert ahead(months, "2028-02") == [(2, 12)]
    assert ahead(months, "2028-03") == ahead(months, "2028-04") == []
    months.site.now = day("2028-03-06")
    assert ahead(months) == []


def test_what_was_corrected_to_nothing_is_named_no_more(months: Months) -> None:
    months.correct("a", "2")
    assert ahead(months) == [(2, 9)]
    months.correct("a", "0")
    assert ahead(months) == [(1, 7)]
    months.correct("b", "0")
    assert ahead(months) == []
    months.use("a again", 5, START)
    assert months.used("2026-03") == 6
    months.check()


def test_it_may_belong_to_any_month_that_is_closed(months: Months) -> None:
    months.site.now = day("2026-04-02")
    found = [item for item in months.examine("2026-03").obstacles if item.kind == "counted-ahead"]
    assert [(item.detail, item.hint) for item in found] == [
        (f"2 records, 12 of {METER}, are dated 2028-03, ahead of the clock", "azlic records list --from 2028-03-05")
    ]
    assert months.close("2026-03", accept="they are of 2025").month == Month(2026, 3)


@pytest.mark.parametrize(("before", "named"), [(timedelta(days=1), 0), (timedelta(days=1) + MS, 1)])
def test_a_day_is_the_limit(mount: Mount, before: timedelta, named: int) -> None:
    mount.write([a_line("a", at=START)])
    mount.site.ingest()
    with reading(mount.ledger) as connection:
        found = read_counted_ahead(view_of(connection), START - before)
    assert [one.records for one in found] == [1] * named, iso(START)
