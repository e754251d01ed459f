"""The report against a recount of the daily totals, in both directions."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from azlic.render.report.json import REPORT
from licensing.db.database import open_ledger, reading, writing
from tests.usage.commitments import day, plan
from tests.usage.ledgers import new_ledger
from usage.ledger.tables.records import SeriesRow, TotalRow
from usage.months import DAY_MS, Month, day_number
from usage.plans.model import MeterShare
from usage.plans.store import add_plan, map_meter
from usage.reporting.report import monthly_report

METERS = ("pages", "seconds", "stray")
Uses = list[tuple[int, int, int, int]]

a_day = st.integers(day_number(day("2025-02-01")), day_number(day("2026-06-01")))
uses = st.lists(
    st.tuples(a_day, st.integers(0, 2), st.integers(0, 2), st.integers(0, 10**17)), unique_by=lambda use: use[:3]
)


def report_on(found: Uses, *, start: datetime, ends: datetime, ratio: MeterShare) -> dict[str, object]:
    """The report on March 2026 as JSON, from totals as given: day, container, meter, quantity."""
    with TemporaryDirectory() as folder:
        ledger = open_ledger(str(new_ledger(Path(folder, "azlic.db"))))
        with writing(ledger) as connection:
            for container in range(3):
                for place, meter in enumerate(METERS):
                    labels = {
                        "container_type": "read",
                        "container_version": "3",
                        "api_type": "x",
                        "site": "",
                        "batch": 1,
                    }
                    key = 1 + container * 3 + place
                    connection.execute(
                        insert(SeriesRow).values(key=key, container_id=f"c{container}", meter=meter, **labels)
                    )
            for at, container, place, quantity in found:
                row = {"day": at, "series": 1 + container * 3 + place, "quantity": quantity, "records": 1}
                connection.execute(insert(TotalRow).values(**row, last_at=at * DAY_MS))
            add_plan(connection, plan(f"{start:%Y-%m-%d}", f"{ends:%Y-%m-%d}", meters=("pages",)))
            map_meter(connection, "read-2026", ratio)
        with reading(ledger) as connection:
            report = monthly_report(connection, Month(2026, 3), as_of=datetime(2026, 3, 20, 10, tzinfo=UTC))
        ledger.dispose()
    parsed: dict[str, object] = json.loads(REPORT.json(report), parse_float=Decimal)
    return parsed


@settings(max_examples=60)
@given(uses, st.integers(-400, 30), st.integers(1, 500), st.sampled_from([(1, 1), (1, 3600), (7, 3)]))
def test_every_number_equals_a_recount_of_the_daily_totals(
    found: Uses, offset: int, length: int, ratio: tuple[int, int]
) -> None:
    march, april = day("2026-03-01"), day("2026-04-01")
    start = march + timedelta(days=offset)
    ends = start + timedelta(days=length)
    share = MeterShare("seconds", *ratio)
    told = report_on(found, start=start, ends=ends, ratio=share)
    one = plan(f"{start:%Y-%m-%d}", f"{ends:%Y-%m-%d}")
    rates = {"pages": Fraction(1), "seconds": share.ratio}

    def recount(since: datetime, until: datetime) -> Decimal:
        by_meter: Counter[str] = Counter()
        for at, _, place, quantity in found:
            if day_number(max(since, start)) <= at < day_number(min(until, ends)):
                by_meter[METERS[place]] += quantity
        return Decimal(sum(int(by_meter[meter] * rate) for meter, rate in rates.items())).scaleb(-6)

    plans = told["plans"]
    assert isinstance(plans, list)
    periods = list(one.periods(march, april))
    assert len(plans) == len(periods)
    for line, (begin, end) in zip(plans, periods, strict=True):
        until = min(end, april)
        assert line["used"] == recount(begin, until)
        assert line["month"] == recount(max(begin, march), until)
        assert line["year_to_date"] == recount(day("2026-01-01"), until)
        assert line["remaining"] == line["committed"] - line["used"]
        if share.ratio == 1:
            assert sum(row["period"] for row in line["usages"]) == line["used"]
            assert sum(row["month"] for row in line["usages"]) == line["month"]
    unmapped = told["unmapped"]
    assert isinstance(unmapped, list)
    in_march = sum(use[3] for use in found if day_number(march) <= use[0] < day_number(april))
    rows = [row for line in plans for row in line["usages"]] + unmapped
    assert sum(Decimal(row["month"]) for row in rows) == Decimal(in_march).scaleb(-6)
