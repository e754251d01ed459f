from dataclasses import replace
from datetime import UTC, datetime

import pytest

from licensing.database import writing
from licensing.document import Quota
from tests.site import CONTAINER_ID, METER, a_plan
from tests.usage.lines import a_chain, a_line, raw_line
from tests.usage.mount import Mount
from usage.plans import MeterShare, add_plan, from_document
from usage.quantity import MICRO
from usage.report import PlanUsage

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
    assert (found.remaining, found.percent) == (374_500_500_000, 25.0)
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
    [(0, 0.0, 500_000), (499_999, 99.9, 1), (500_000, 100.0, 0), (500_001, 100.0, -1), (750_500, 150.1, -250_500)],
)
def test_overage_is_what_remains_below_nothing(mount: Mount, used: int, percent: float, remaining: int) -> None:
    mount.site.enter_plan()
    use(mount, "2026-03-01", used)
    found = standing(mount, "2026-03")
    assert (found.percent, found.remaining) == (percent, remaining * MICRO)


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
    assert (found.used, found.month, found.percent, found.usages) == (0, 0, 0.0, ())
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
