"""The days of use: one reader, whose every row follows from the records and corrections, by whatever way it asks."""

from collections import defaultdict
from datetime import datetime, timedelta

import pytest

from licensing.core.instants import from_milliseconds
from licensing.db.database import reading
from licensing.db.readonly import readonly_connection, view_of
from tests.usage.commitments import day
from tests.usage.lines import a_chain, a_line
from tests.usage.months import Months
from tests.usage.mount import Mount, rows
from tests.usage.random_ledgers import live_through
from usage.alerts.gather.state import site_state
from usage.alerts.state import LedgerFacts
from usage.ledger.tables.months import ClosedMonthRow, CorrectionRow
from usage.ledger.tables.records import RecordRow, SeriesRow
from usage.months import Month, day_number
from usage.plans.read import read_plans
from usage.reporting.daily import DayUse, daily_use

pytestmark = pytest.mark.databases("sqlite", "postgresql")

START, END = day("2025-01-01"), day("2027-01-01")
ON_BOTH_AT_LENGTH = pytest.mark.databases("sqlite", pytest.param("postgresql", marks=pytest.mark.long))


@pytest.fixture(params=[0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2, 3))], ids="seed {}".format)
def lived(request: pytest.FixtureRequest, mount: Mount) -> Mount:
    live_through(mount, request.param)
    return mount


def expected_days(mount: Mount) -> dict[tuple[object, ...], tuple[int, int, datetime]]:
    """By day, labels, kind and month: quantity, records, the last instant; from the rows, by the rules as stated."""
    series = {
        row.key: (row.site, row.container_type, row.container_id, row.meter) for row in rows(mount.ledger, SeriesRow)
    }
    corrections = rows(mount.ledger, CorrectionRow)
    late = {row.record_id for row in corrections if row.kind == "late"}
    found: dict[tuple[object, ...], list[tuple[int, int, datetime]]] = defaultdict(list)
    times = {}
    for row in rows(mount.ledger, RecordRow):
        times[row.id] = at = from_milliseconds(row.requested_at)
        if row.id not in late:
            found[(at.date(), *series[row.series], "reported", None)].append((row.quantity, 1, at))
    for row in corrections:
        booked = Month.from_number(row.booked_month)
        at = times[row.record_id] if row.month == row.booked_month else row.booked_at
        on = min(max(at, booked.starts_at), booked.next.starts_at - timedelta(days=1)).date()
        kind = "late" if row.kind == "late" else "corrected"
        key = (on, *series[row.series], kind, Month.from_number(row.month))
        found[key].append((row.quantity, int(kind == "late"), row.booked_at))
    return {
        key: (sum(q for q, _, _ in all_), sum(n for _, n, _ in all_), max(at for *_, at in all_))
        for key, all_ in found.items()
    }


def summed(days: list[DayUse]) -> dict[tuple[object, ...], tuple[int, int, datetime]]:
    found: dict[tuple[object, ...], tuple[int, int, datetime]] = {}
    for use in days:
        on = from_milliseconds(use.day * 86_400_000).date()
        key = (on, use.site, use.container_type, use.container_id, use.meter, use.kind.value, use.month)
        quantity, records, last = found.get(key, (0, 0, use.last_at))
        found[key] = quantity + use.quantity, records + use.records, max(last, use.last_at)
    return found


def look(mount: Mount) -> LedgerFacts:
    site = mount.site
    told = site_state(
        (site.license,),
        lambda _, seen: site.verify(seen=seen),
        trust=site.trust,
        database=site.database,
        now=site.now,
    ).ledger
    assert isinstance(told, LedgerFacts)
    return told


def test_every_day_follows_from_the_records_and_corrections(lived: Mount) -> None:
    kinds = {row.kind for row in rows(lived.ledger, CorrectionRow)}
    assert kinds == {"late", "reversal", "replacement"} and rows(lived.ledger, ClosedMonthRow), "the seed is too tame"
    with reading(lived.ledger) as connection:
        assert summed(daily_use(view_of(connection), START, END)) == expected_days(lived)


@ON_BOTH_AT_LENGTH
def test_a_file_and_a_connection_say_the_same_row_by_row(lived: Mount) -> None:
    spans = [(START, END), (day("2026-01-10"), day("2026-02-20")), (day("2026-03-01"), day("2026-04-01"))]
    with reading(lived.ledger) as connection, readonly_connection(lived.site.database) as other:
        assert other is not None
        view = view_of(connection)
        assert read_plans(other) == read_plans(view) != []
        for span in spans:
            days = daily_use(view, *span)
            assert daily_use(other, *span) == days == sorted(days, key=lambda use: use.day)
            whole = daily_use(view, START, END)
            assert days == [use for use in whole if day_number(span[0]) <= use.day < day_number(span[1])]


@ON_BOTH_AT_LENGTH
def test_alerts_and_the_report_judge_by_the_same_numbers(lived: Mount) -> None:
    report = lived.site.report(f"{Month.of(lived.site.now)}")
    state = look(lived)
    running = {usage.plan.name: usage for usage in report.plans if usage.period_ends_at > lived.site.now}
    assert {fact.name: fact.usage for fact in state.plans if fact.usage} == running != {}
    assert state.containers == report.containers != ()


def test_a_month_in_which_something_was_only_booked_waits_to_be_closed(mount: Mount) -> None:
    """`azlic close` asks for it before the next one: the alert names it, too."""

    months = Months(mount)
    mount.site.now = day("2026-02-01")
    months.use("a", 5, day("2026-01-05"))
    months.close("2026-01")
    months.use("b", 1, day("2026-01-06"))
    mount.site.now = day("2026-03-02")
    assert look(mount).pending_months == (Month(2026, 2),)


def test_doubts_and_quality_count_the_same(mount: Mount) -> None:
    chain = a_chain(4)
    mount.write([b"bad", b"worse", chain[0], chain[3], a_line("a", 1), a_line("a", 2)])
    mount.ingest()
    quality = mount.site.report("2026-03").quality
    doubts = {doubt.kind: doubt.number for doubt in look(mount).doubts}
    assert doubts == {
        "quarantine": quality.quarantined,
        "conflict": quality.conflicts,
        "gap": quality.missing_records,
    }
    assert (quality.quarantined, quality.conflicts, quality.missing_records) == (2, 1, 2)
