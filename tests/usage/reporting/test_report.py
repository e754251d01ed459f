import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, update

from licensing.db.database import writing
from licensing.signing.document import Quota
from tests.site import CONTAINER_ID, METER, a_plan
from tests.usage.lines import a_chain, a_line, raw_line
from tests.usage.mount import Mount
from usage.intake.run import ingest
from usage.ledger.tables.records import FindingRow, QuarantineRow
from usage.plans.amendments import amend_plan
from usage.plans.model import MeterShare
from usage.plans.store import add_plan, from_document, map_meter
from usage.quantity import MICRO
from usage.reporting.forecast import Cover
from usage.reporting.plan_usage import PlanUsage
from usage.reporting.report import Months

pytestmark = pytest.mark.databases("sqlite", "postgresql")

OTHER = "ba9876543210"


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def use(mount: Mount, at: str, quantity: object = 1, *, container: str = CONTAINER_ID, meter: str = METER) -> None:
    """Put one record into the mount and take it."""
    line = a_line(
        f"{container} {meter} {at}",
        at=day(at),
        containerId=container,
        meter={"name": meter, "quantity": quantity},
    )
    mount.append([line], container=container)
    mount.ingest()


def standing(mount: Mount, month: str) -> PlanUsage:
    (only,) = mount.site.report(month).plans
    return only


def whole(*quantities: int) -> list[float]:
    return [quantity / MICRO for quantity in quantities]


def test_use_is_held_against_the_commitment(mount: Mount) -> None:
    mount.site.enter_plan()
    use(mount, "2026-01-31", 100_000)
    use(mount, "2026-03-01", 20_000, container=OTHER)
    use(mount, "2026-03-31", 5_499.5)
    use(mount, "2026-04-01", 7)
    found = standing(mount, "2026-03")
    assert whole(found.used, found.month, found.year_to_date) == [125_499.5, 25_499.5, 125_499.5]
    assert (found.remaining, str(found.percent)) == (374_500_500_000, "25.0")
    assert (found.period_starts_at, found.period_ends_at) == (day("2026-01-01"), day("2027-01-01"))


def test_each_container_has_its_row_with_its_last_use(mount: Mount) -> None:
    mount.site.enter_plan()
    use(mount, "2026-01-05T06:07:08.009", 10, container=OTHER)
    use(mount, "2026-03-02", 2)
    use(mount, "2026-03-01", 1)
    rows = standing(mount, "2026-03").usages
    assert [(row.container_id, *whole(row.month, row.year_to_date), row.records) for row in rows] == [
        (CONTAINER_ID, 3, 3, 2),
        (OTHER, 0, 10, 0),
    ]
    assert [row.last_at for row in rows] == [day("2026-03-02"), day("2026-01-05T06:07:08.009")]


def test_versions_of_a_container_share_its_row(mount: Mount) -> None:
    mount.write([a_line("a", containerVersion="3.2.0"), a_line("b", containerVersion="3.3.0")])
    mount.ingest()
    (row,) = mount.site.report("2026-03").unmapped
    assert (row.month, row.records) == (2 * MICRO, 2)


@pytest.mark.parametrize(
    ("used", "percent", "remaining"),
    [
        (0, "0.0", 500_000),
        (1, "0.0002", 499_999),
        (499_999, "99.9", 1),
        (500_000, "100.0", 0),
        (500_001, "100.0", -1),
        (750_500, "150.1", -250_500),
    ],
)
def test_overage_is_what_remains_below_nothing(mount: Mount, used: int, percent: str, remaining: int) -> None:
    mount.site.enter_plan()
    use(mount, "2026-03-01", used)
    found = standing(mount, "2026-03")
    assert (str(found.percent), found.remaining) == (percent, remaining * MICRO)


def test_a_monthly_commitment_begins_anew_each_month(mount: Mount) -> None:
    mount.site.enter_plan(a_plan(period="month"))
    use(mount, "2026-02-28T23:59:59.999", 400_000)
    use(mount, "2026-03-01", 100_000)
    assert whole(*(standing(mount, month).used for month in ("2026-02", "2026-03"))) == [400_000, 100_000]
    assert whole(standing(mount, "2026-03").year_to_date) == [500_000]


def test_a_plan_that_starts_within_a_month_counts_only_its_days(mount: Mount) -> None:
    mount.site.enter_plan(a_plan(starts_at=day("2026-03-15"), ends_at=day("2027-03-15")))
    use(mount, "2026-03-14T23:59:59.999", 1)
    use(mount, "2026-03-15", 2)
    use(mount, "2027-03-14T23:59:59.999", 4)
    use(mount, "2027-03-15", 8)
    first, last = standing(mount, "2026-03"), standing(mount, "2027-03")
    assert whole(first.used, first.month, first.year_to_date) == [2, 2, 2]
    assert whole(last.used, last.month, last.year_to_date) == [6, 4, 4]


def test_plans_that_follow_each_other_within_a_month_share_nothing(mount: Mount) -> None:
    mount.site.enter_plan(a_plan("old", ends_at=day("2026-03-15")))
    mount.site.enter_plan(a_plan("new", starts_at=day("2026-03-15")))
    use(mount, "2026-03-14", 1)
    use(mount, "2026-03-15", 2)
    report = mount.site.report("2026-03")
    assert [(found.plan.name, *whole(found.used)) for found in report.plans] == [("old", 1), ("new", 2)]


def test_a_plan_for_years_begins_anew_at_its_anniversary(mount: Mount) -> None:
    mount.site.enter_plan(a_plan(starts_at=day("2024-02-29"), ends_at=day("2027-01-01")))
    use(mount, "2025-02-28", 1)
    use(mount, "2025-03-01", 2)
    found = standing(mount, "2025-03")
    assert (found.period_starts_at, *whole(found.used, found.year_to_date)) == (day("2025-03-01"), 2, 3)


def test_a_plan_is_not_shown_in_months_it_does_not_run(mount: Mount) -> None:
    mount.site.enter_plan(a_plan(starts_at=day("2026-03-01"), ends_at=day("2026-05-01")))
    months = ("2026-02", "2026-03", "2026-04", "2026-05")
    assert [len(mount.site.report(month).plans) for month in months] == [0, 1, 1, 0]


def test_seconds_draw_on_hours_once_they_are_summed(mount: Mount) -> None:
    hours = replace(from_document(a_plan()), unit="Hour", meters=(MeterShare("seconds", 1, 3600),))
    with writing(mount.ledger) as connection:
        add_plan(connection, hours)
    for minute in range(3):
        use(mount, f"2026-03-01T00:0{minute}", 1200.000001, meter="seconds")
    assert standing(mount, "2026-03").used == MICRO


def test_use_that_draws_on_no_plan_is_shown(mount: Mount) -> None:
    mount.site.enter_plan()
    use(mount, "2026-03-01", 5, meter="unknown")
    report = mount.site.report("2026-03")
    assert [(row.meter, *whole(row.month)) for row in report.unmapped] == [("unknown", 5)]
    assert report.quality.unmapped_meters == ("unknown",)
    assert not report.quality.clean
    assert report.plans[0].used == 0


def test_a_month_without_any_use_has_its_plan_and_nothing_used(mount: Mount) -> None:
    mount.site.enter_plan()
    found = standing(mount, "2026-06")
    assert (found.used, found.month, str(found.percent), found.usages) == (0, 0, "0.0", ())
    assert mount.site.report("2026-06").quality.clean


def test_an_empty_ledger_has_a_report(mount: Mount) -> None:
    report = mount.site.report("2026-03")
    assert (report.plans, report.unmapped, report.quality.clean, report.as_of) == ((), (), True, mount.site.now)


def test_the_year_to_date_ends_with_the_month_and_begins_in_january(mount: Mount) -> None:
    for month, quantity in (("2025-12", 1), ("2026-01", 2), ("2026-02", 4), ("2026-03", 8)):
        use(mount, f"{month}-28", quantity)
    months = ("2025-12", "2026-01", "2026-02", "2026-03")
    assert whole(*(mount.site.report(month).unmapped[0].year_to_date for month in months)) == [1, 2, 6, 14]


def test_large_plans_are_counted_exactly(mount: Mount) -> None:
    mount.site.enter_plan(a_plan(quota=Quota(quantity=10_000_000_000, unit="Transaction")))
    mount.write([raw_line("9999999999.999999")])
    mount.ingest()
    assert standing(mount, "2026-03").remaining == 1


def test_everything_kept_out_of_the_numbers_is_counted(mount: Mount) -> None:
    lines = a_chain(4)
    mount.write([lines[0], lines[2], b"bad", b"worse", a_line("x"), a_line("x", 2)])
    gone = mount.write([lines[3]], container=OTHER)
    mount.ingest()
    gone.unlink()
    mount.put(b'{"id":"unfinished', mode="ab")
    mount.ingest()
    quality = mount.site.report("2026-03").quality
    assert (quality.quarantined, quality.conflicts, quality.pending_bytes, quality.vanished) == (2, 1, 17, 1)
    assert quality.findings == {"gap": 1, "vanished": 1}
    assert not quality.clean


@pytest.mark.parametrize("settled", [False, True])
def test_what_is_settled_is_counted_apart(mount: Mount, settled: bool) -> None:
    mount.write([b"bad", a_line("x"), a_line("x", 2), *a_chain(3)[::2]])
    mount.ingest()
    with writing(mount.ledger) as connection:
        if settled:
            connection.execute(update(QuarantineRow).values(settled_at=mount.site.now, settled_as="discarded"))
            connection.execute(update(FindingRow).values(settled_at=mount.site.now, settled_why="known"))
    quality = mount.site.report("2026-03").quality
    waiting = (quality.quarantined, quality.conflicts, sum(quality.findings.values()))
    assert waiting == ((0, 0, 0) if settled else (1, 1, 1))
    assert (quality.settled, quality.settled_findings) == ((2, 1) if settled else (0, 0))
    assert quality.missing_records == (0 if settled else 1)


@pytest.mark.parametrize(
    ("at", "drawn", "outside"),
    [
        ("2026-03-14T23:59:59.999", 0, 1),
        ("2026-03-15", 1, 0),
        ("2026-03-19T23:59:59.999", 1, 0),
        ("2026-03-20", 0, 1),
    ],
)
def test_use_beside_a_plan_in_its_own_month_is_on_no_plan(mount: Mount, at: str, drawn: int, outside: int) -> None:
    mount.site.enter_plan(a_plan(starts_at=day("2026-03-15"), ends_at=day("2026-03-20")))
    use(mount, at)
    report = mount.site.report("2026-03")
    assert whole(report.plans[0].month) == [drawn]
    assert [row.month // MICRO for row in report.unmapped] == [1] * outside
    assert report.other_times == ({METER: ("read-2026",)} if outside else {})
    assert report.quality.clean is not bool(outside)


def test_no_use_is_lost_or_counted_twice_where_plans_begin_and_end(mount: Mount) -> None:
    mount.site.enter_plan(a_plan("old", starts_at=day("2025-03-10"), ends_at=day("2026-03-10")))
    mount.site.enter_plan(a_plan("new", starts_at=day("2026-03-12"), ends_at=day("2027-03-12")))
    for number in range(1, 32):
        use(mount, f"2026-03-{number:02}", number)
    report = mount.site.report("2026-03")
    parts = [*(found.month for found in report.plans), *(row.month for row in report.unmapped)]
    assert whole(*parts) == [45, 430, 21]
    assert sum(parts) == sum(range(32)) * MICRO


def test_both_periods_of_a_month_with_an_anniversary_are_shown(mount: Mount) -> None:
    mount.site.enter_plan(a_plan(starts_at=day("2025-03-15"), ends_at=day("2026-05-15")))
    use(mount, "2025-12-31T23:59:59.999", 4)
    use(mount, "2026-03-14T23:59:59.999", 1)
    use(mount, "2026-03-15", 2)
    mount.site.now = day("2026-04-01")
    found = mount.site.report("2026-03").plans
    assert [(one.period_starts_at, one.period_ends_at, one.counted_until) for one in found] == [
        (day("2025-03-15"), day("2026-03-15"), day("2026-03-15")),
        (day("2026-03-15"), day("2026-05-15"), day("2026-04-01")),
    ]
    assert [whole(one.used, one.month, one.year_to_date) for one in found] == [[5, 1, 1], [2, 2, 3]]
    assert [float(one.percent_of_time) for one in found] == [100.0, 27.8]


@pytest.mark.parametrize(
    ("now", "percent"),
    [
        ("2025-12-31T23:59:59", 0.0),
        ("2026-01-01", 0.0),
        ("2026-03-20", 21.3),
        ("2026-03-31T23:59:59.999", 24.6),
        ("2026-04-01", 24.6),
        ("2027-06-01", 24.6),
    ],
)
def test_the_time_gone_is_that_of_the_use_it_stands_beside(mount: Mount, now: str, percent: float) -> None:
    mount.site.enter_plan()
    mount.site.now = day(now)
    assert float(standing(mount, "2026-03").percent_of_time) == percent


def test_units_added_later_do_not_cover_an_earlier_month(mount: Mount) -> None:
    mount.site.enter_plan()
    with writing(mount.ledger) as connection:
        amend_plan(connection, "read-2026", 1, day("2026-04-01"), quota=9 * MICRO, now=mount.site.now)
    assert whole(*(standing(mount, month).committed for month in ("2026-03", "2026-04"))) == [500_000, 500_009]


def test_several_meters_draw_on_one_plan_each_in_its_ratio(mount: Mount) -> None:
    mount.site.enter_plan(a_plan(meters=("pages",)))
    with writing(mount.ledger) as connection:
        map_meter(connection, "read-2026", MeterShare("thousands", 1000, 1))
        map_meter(connection, "read-2026", MeterShare("lines", 1, 40))
    for meter, quantity in (("pages", 3), ("thousands", 2), ("lines", 79)):
        use(mount, "2026-03-01", quantity, meter=meter)
    assert whole(standing(mount, "2026-03").used) == [2004.975]
    assert mount.site.report("2026-03").quality.clean


def test_an_unmapped_meter_shows_in_every_report(mount: Mount) -> None:
    mount.site.enter_plan()
    use(mount, "2026-03-01", 1, meter="unknown")
    assert [mount.site.report(month).quality.unmapped_meters for month in ("2026-03", "2026-09", "2028-02")] == [
        ("unknown",)
    ] * 3


def test_sites_have_rows_of_their_own(mount: Mount) -> None:
    mount.site.enter_plan()
    mount.write([a_line("a", 1)])
    ingest(mount.ledger, [mount.site.output], now=mount.site.now, site="north")
    mount.append([a_line("b", 2)])
    ingest(mount.ledger, [mount.site.output], now=mount.site.now, site="south")
    rows = standing(mount, "2026-03").usages
    assert [(row.site, row.container_id, *whole(row.month)) for row in rows] == [
        ("north", CONTAINER_ID, 1),
        ("south", CONTAINER_ID, 2),
    ]


def test_a_bar_counts_what_drew_on_its_plan_and_every_use_is_in_one_bar(mount: Mount) -> None:
    mount.site.enter_plan(a_plan(name="before", starts_at=day("2025-03-01"), ends_at=day("2025-06-01")))
    mount.site.enter_plan(a_plan(name="now", starts_at=day("2026-03-01"), ends_at=day("2027-03-01")))
    used = {"2025-03": 1, "2025-04": 2, "2026-02": 4, "2026-03": 8, "2026-04": 16}
    for month, quantity in used.items():
        use(mount, f"{month}-28T23:59:59.999", quantity)
    report = mount.site.report("2026-03")
    found = {one.plan.name: drawn(one.months) for one in report.plan_months}
    assert found == {"now": {"2026-03": 8}, "before": {"2025-04": 2}}
    assert {meter: drawn(months) for meter, months in report.unmapped_history.items()} == {METER: {"2026-02": 4}}
    assert all(len(one.months) == 12 for one in report.plan_months)
    (row,) = report.unmapped
    assert (row.month, row.year_to_date) == (0, 4 * MICRO)
    assert not report.quality.unmapped_meters  # the plan of the month has the meter: nothing is to be done


@pytest.mark.parametrize("ratio", [(1, 3600), (7, 3), (1, 1)])
def test_the_bars_add_up_to_the_year_the_period_and_the_month(mount: Mount, ratio: tuple[int, int]) -> None:
    shares = tuple(MeterShare(meter, *ratio) for meter in (METER, "other"))
    known = from_document(a_plan(starts_at=day("2025-10-01"), ends_at=day("2026-10-01")))
    with writing(mount.ledger) as connection:
        add_plan(connection, replace(known, meters=shares))
    months = ("2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05")
    for number, month in enumerate(months, 1):
        for meter in (METER, "other"):
            use(mount, f"{month}-14", float(f"{number}.00000{number}"), meter=meter)
    for month in ("2025-10", "2025-12", "2026-01", "2026-05"):
        found = standing(mount, month)
        bars = {str(one): used for one, used in found.history}
        assert sum(bars.values()) == found.used
        assert sum(used for one, used in bars.items() if one[:4] == month[:4]) == found.year_to_date
        assert bars[month] == found.month


def drawn(months: Months) -> dict[str, int]:
    return {str(month): quantity // MICRO for month, quantity in months if quantity}


@pytest.mark.parametrize("month", ["1970-01", "1970-12", "9998-12"])
def test_the_first_and_the_last_months_there_are_have_a_report(mount: Mount, month: str) -> None:
    use(mount, "2026-03-01")
    mount.site.enter_plan()
    assert not mount.site.report(month).plans


def test_an_overage_says_which_units_would_cover_it(mount: Mount) -> None:
    mount.site.enter_plan()
    mount.site.now = day("2026-03-20T10:00")
    use(mount, "2026-03-10", 300_000)
    use(mount, "2026-03-12", 200_000)
    use(mount, "2026-03-14", 500_001)
    found = standing(mount, "2026-03")
    assert found.used_up_on == day("2026-03-12")
    assert found.cover == Cover(overage=500_001 * MICRO, full=2, prorated=2)


def test_a_month_that_is_over_is_covered_by_no_purchase_any_more(mount: Mount) -> None:
    mount.site.enter_plan(a_plan(period="month"))
    use(mount, "2026-03-10", 500_001)
    mount.site.now = day("2026-04-01")
    assert standing(mount, "2026-03").cover == Cover(overage=MICRO, full=1, prorated=None)
    assert standing(mount, "2026-03").projection is None


def test_the_report_reads_no_record(mount: Mount) -> None:
    mount.site.enter_plan()
    mount.write([*a_chain(3), b"bad"])
    mount.ingest()
    told: list[str] = []
    event.listen(mount.ledger, "before_cursor_execute", lambda *words: told.append(words[2]))
    assert mount.site.report("2026-03").plans[0].month == 3 * MICRO
    assert told and not [statement for statement in told if re.search(r"\brecord\b(?!s)", statement)]
