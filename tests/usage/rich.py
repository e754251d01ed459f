"""A ledger with something of everything: plans in several ratios, use on none, two sites, late use and corrections."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from licensing.core.instants import from_milliseconds
from licensing.db.database import writing
from licensing.signing.document import Quota
from tests.site import CONTAINER_ID, METER, Site, a_plan
from tests.usage.commitments import day
from tests.usage.lines import a_line
from tests.usage.months import Months
from tests.usage.mount import Mount, rows
from usage.intake.run import ingest
from usage.ledger.tables.months import CorrectionRow
from usage.ledger.tables.records import RecordRow, SeriesRow
from usage.months import Month
from usage.plans.model import MeterShare
from usage.plans.store import add_plan, from_document

SECONDS = "CognitiveServices.SpeechServices.Container.SpeechToText"
MINUTES = "Speech.Minutes"
STRAY = "CognitiveServices.TextTranslation.Container.OneDocumentTranslatedCharacters"
OTHER = "ba9876543210"


def rich(site: Site) -> Months:
    """It is the 20th of April; March is closed, and something came late and was corrected since.

    Plan `speech` (Hour, of seconds and minutes) runs from February: what was used of its meters in January is on no
    plan. `read-2025` has ended, `read-2026` runs.
    """
    months = Months(Mount(site))
    speech = a_plan(
        "speech",
        plan_type="STT",
        quota=Quota(quantity=100, unit="Hour"),
        starts_at=day("2026-02-01"),
        ends_at=day("2027-02-01"),
    )
    ratios = (MeterShare(SECONDS, 1, 3600), MeterShare(MINUTES, 1, 60))
    site.enter_plan(a_plan("read-2025", starts_at=day("2025-01-01"), ends_at=day("2026-01-01")))
    site.enter_plan()
    with writing(months.ledger) as connection:
        add_plan(connection, replace(from_document(speech), meters=ratios))
    site.now = day("2026-04-02T08:00")
    _use(months, "2025-11-11", "2026-01-11", "2026-02-11", "2026-03-11")
    for month in ("2025-11", "2026-01", "2026-02", "2026-03"):
        months.close(month)
    site.now = day("2026-04-20T10:00")
    _use(months, "2026-04-11")
    months.use("late", 7.25, day("2026-03-03"), meter={"name": SECONDS, "quantity": 7.25})
    months.use("late read", 70, day("2026-03-04"))
    months.correct("2026-03-11 north Speech.Minutes", "1.5")
    months.correct(f"2026-02-11  {SECONDS}", "0")
    months.correct(f"2026-04-11  {METER}", "12", reason="=wrong")
    return months


def _use(months: Months, *days: str) -> None:
    """One record of each meter on each day, here and at the site north."""
    quantities: Mapping[str, Any] = {METER: 1000, SECONDS: 1234.567891, MINUTES: 7, STRAY: 0.25}
    for site, folder, container in (
        ("", months.site.output, CONTAINER_ID),
        ("north", months.site.folder / "north", OTHER),
    ):
        file = folder / "read" / container / f"usage-{days[-1]}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            a_line(
                f"{at} {site} {meter}", at=day(at), containerId=container, meter={"name": meter, "quantity": quantity}
            )
            for at in days
            for meter, quantity in quantities.items()
        ]
        file.write_bytes(b"".join(line + b"\n" for line in lines))
        ingest(months.ledger, [folder], now=months.site.now, site=site)


def ledgers_own(months: Months, month: str) -> dict[str, int]:
    """What a month used of each meter, from the records and corrections alone, in millionths of the meter's unit."""
    series = {row.key: row for row in rows(months.ledger, SeriesRow)}
    corrections = rows(months.ledger, CorrectionRow)
    late = {row.record_id for row in corrections if row.kind == "late"}
    wanted, sums = Month.parse(month), dict.fromkeys((METER, SECONDS, MINUTES, STRAY), 0)
    for record in rows(months.ledger, RecordRow):
        if record.id not in late and Month.of(from_milliseconds(record.requested_at)) == wanted:
            sums[series[record.series].meter] += record.quantity
    for row in corrections:
        if row.booked_month == wanted.number:
            sums[series[row.series].meter] += row.quantity
    return sums
