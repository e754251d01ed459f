"""A double with its noise: refused by itself, and rounded only where its operator lets it be."""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from random import Random

import pytest

from licensing.core.errors import BadCall
from licensing.db.database import reading
from tests.site import Site
from tests.usage.mount import rows
from tests.usage.reports import DOCUMENTS, MARCH, WORDS, Reports
from usage.ledger.tables.records import FindingRow, RecordRow, SeriesRow
from usage.months import Month
from usage.readings.receipt import ReadingsReceipt
from usage.readings.sources import list_sources_with_readings
from usage.readings.take import round_source, separate

pytestmark = pytest.mark.databases("sqlite", "postgresql")

NOISE = 4217.299999997811
APRIL = Month(2026, 4)


@pytest.fixture
def reports(site: Site) -> Reports:
    return Reports(site)


def let(reports: Reports, *, rounds: bool = True, source: str = "one", reason: str = "doubles") -> ReadingsReceipt:
    reports.site.sleep(minutes=1)
    return round_source(
        reports.site.ledger, source, rounds=rounds, reason=reason, now=reports.site.now, stated_by="ada"
    )


def micros(reports: Reports) -> dict[str, int]:
    """What was booked, exactly."""
    meters = {row.key: row.meter for row in rows(reports.site.ledger, SeriesRow)}
    booked: Counter[str] = Counter()
    for record in rows(reports.site.ledger, RecordRow):
        booked[meters[record.series]] += record.quantity
    return dict(booked)


def test_the_other_meters_are_taken_and_the_refused_one_stands_as_a_finding_once(reports: Reports) -> None:
    for more in range(3):
        taken = reports.take({WORDS: 10 + more, DOCUMENTS: NOISE + more})
        assert len(taken.findings) == (more == 0)
    assert reports.booked() == {WORDS: 12}
    ((kind, detail),) = reports.findings()
    assert kind == "too-fine" and f"{DOCUMENTS} of 2026-03 is not counted" in detail
    assert "azlic sources round one --reason TEXT" in detail


def test_what_was_refused_is_booked_when_it_may_be_rounded_and_its_finding_rests(reports: Reports) -> None:
    reports.take({WORDS: 10, DOCUMENTS: NOISE})
    reports.take({DOCUMENTS: 1.0000000001}, APRIL)
    taken = let(reports, reason="the container adds up in doubles")
    assert micros(reports) == {WORDS: 10_000_000, DOCUMENTS: 4_217_300_000 + 1_000_000}
    assert [(entry.month, dict(entry.rounded)) for entry in taken.entries] == [
        (MARCH, {DOCUMENTS: "4217.299999997811"}),
        (APRIL, {DOCUMENTS: "1.0000000001"}),
    ]
    assert {row.settled_why for row in rows(reports.site.ledger, FindingRow)} == {
        "rounded: the container adds up in doubles"
    }
    later = reports.take({WORDS: 10, DOCUMENTS: NOISE + 1})
    assert later.entries[0].amounts == {DOCUMENTS: 1_000_000} and not later.findings
    assert later.entries[0].rounded
    with reading(reports.site.ledger) as connection:
        (listed,) = list_sources_with_readings(connection)
    stated = listed.rounding
    assert stated is not None and (stated.rounds, stated.stated_by) == (True, "ada")


def test_a_counter_that_stands_still_in_all_but_its_noise_is_unchanged(reports: Reports) -> None:
    reports.take({WORDS: 1})
    let(reports)
    for noise in (0.3, 0.1 + 0.2, 0.30000000000000004, 0.2999999999999):
        reports.take({WORDS: 1 + noise})
    assert micros(reports) == {WORDS: 1_300_000} and reports.kinds() == []


def test_it_is_stated_once_with_a_reason_and_may_be_taken_back(reports: Reports) -> None:
    reports.take({WORDS: 1})
    with pytest.raises(BadCall, match="one is not rounded"):
        let(reports, rounds=False)
    with pytest.raises(BadCall, match="it needs a reason"):
        let(reports, reason=" ")
    let(reports)
    with pytest.raises(BadCall, match="one is rounded already"):
        let(reports)
    let(reports, rounds=False)
    assert reports.take({WORDS: 2 + 1e-9}).findings and reports.booked() == {WORDS: 1}
    with pytest.raises(BadCall, match="there is no source named two"):
        let(reports, source="two")


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("seed", range(6))
def test_whenever_it_is_stated_all_of_the_newest_counters_is_booked_once(reports: Reports, seed: int) -> None:
    """Counters that rise, with noise and without, of two months; a refused reading is made up for by the next."""
    chance = Random(seed)
    counters = {(month, meter): Decimal() for month in (MARCH, APRIL) for meter in (WORDS, DOCUMENTS)}
    stated = chance.randrange(12)
    for turn in range(12):
        if turn == stated and turn:
            let(reports)
        month = chance.choice((MARCH, APRIL))
        for meter in (WORDS, DOCUMENTS):
            counters[month, meter] += Decimal(chance.randrange(10**9)).scaleb(-chance.choice((0, 3, 6, 9)))
        listed = ",".join(f'{{"name":"{meter}","quantity":{counters[month, meter]:f}}}' for meter in (WORDS, DOCUMENTS))
        reports.take(b'{"meters":[%s]}' % listed.encode(), month)
    if stated == 0:
        let(reports)
    expected = {
        meter: sum(int((counters[month, meter] * 10**6).quantize(1, ROUND_HALF_UP)) for month in (MARCH, APRIL))
        for meter in (WORDS, DOCUMENTS)
    }
    assert micros(reports) == expected
    assert "counter-fell" not in reports.kinds()


def test_a_mirror_that_was_rounded_meanwhile_is_caught_up_with_once(reports: Reports) -> None:
    reports.take({WORDS: 5}, source="first")
    reports.take({WORDS: 1}, source="one")
    reports.take({WORDS: 2 + 1e-9}, source="one")
    let(reports)
    reports.take({WORDS: 5}, source="one")
    assert "same-mount" in reports.kinds()
    reports.take({WORDS: 6 + 1e-9}, source="one")
    separate(reports.site.ledger, "one", now=reports.site.now)
    assert round(reports.booked("one")[WORDS] * 10**6) == 6_000_000
