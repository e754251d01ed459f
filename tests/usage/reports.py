"""Usage reports as containers answer them, and a source that takes them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.site import Site
from tests.usage.mount import rows
from usage.ledger.tables.records import FindingRow, RecordRow, SeriesRow
from usage.months import Month
from usage.readings.inbox import Arrival
from usage.readings.receipt import ReadingsReceipt
from usage.readings.take import take_readings

MARCH = Month(2026, 3)
WORDS = "CognitiveServices.TextTranslation.Container.TranslatedCharacters"
DOCUMENTS = "CognitiveServices.TextTranslation.Container.OneDocumentTranslatedCharacters"


def body(meters: Mapping[str, float], **more: Any) -> bytes:
    """A report of plain quantities."""
    listed = [{"name": name, "quantity": quantity} for name, quantity in meters.items()]
    return json.dumps(
        {"apiType": "texttranslation", "serviceName": "texttranslation", "meters": listed} | more
    ).encode()


class Reports:
    """Takes reports at the site's own time, which moves on by a minute with each."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def take(
        self,
        meters: Mapping[str, float] | bytes,
        month: Month | None = MARCH,
        *,
        source: str = "one",
        taken_at: datetime | None = None,
        stated: bool = True,
    ) -> ReadingsReceipt:
        self.site.sleep(minutes=1)
        content = meters if isinstance(meters, bytes) else body(meters)
        at = taken_at or self.site.now
        arrival = Arrival.of(content, month=month, origin="a stick", taken_at=at, stated=stated)
        return take_readings(self.site.ledger, source, [arrival], now=self.site.now)

    def booked(self, source: str | None = None) -> dict[str, float]:
        """What all records of the ledger sum up to, by meter."""
        series = {row.key: row for row in rows(self.site.ledger, SeriesRow)}
        sums: dict[str, float] = {}
        for record in rows(self.site.ledger, RecordRow):
            of = series[record.series]
            if source in (None, of.container_id):
                sums[of.meter] = sums.get(of.meter, 0) + record.quantity / 10**6
        return sums

    def reported(self, month: str = "2026-03") -> dict[str, float]:
        """What the monthly report says was used, by meter."""
        sums: dict[str, float] = {}
        for usage in self.site.report(month).unmapped:
            sums[usage.meter] = sums.get(usage.meter, 0) + usage.month / 10**6
        return {meter: quantity for meter, quantity in sums.items() if quantity}

    def findings(self) -> list[tuple[str, str]]:
        return [(row.kind, row.detail) for row in rows(self.site.ledger, FindingRow)]

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.findings()]
