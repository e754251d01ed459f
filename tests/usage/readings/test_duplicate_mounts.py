"""Two sources that report the same mount are counted once; two mounts that looked alike are told apart by hand."""

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.core.errors import BadCall
from licensing.db.database import reading
from tests.site import START, Site
from tests.usage.ledgers import empty_databases
from tests.usage.reports import DOCUMENTS, MARCH, WORDS, Reports
from usage.months import Month
from usage.readings.receipt import ReadingOutcome, ReadingsReceipt
from usage.readings.sources import list_sources_with_readings
from usage.readings.take import separate

pytestmark = pytest.mark.databases("sqlite", "postgresql")

FEBRUARY = Month(2026, 2)


@pytest.fixture
def reports(site: Site) -> Reports:
    return Reports(site)


def mirrors(site: Site) -> dict[str, str | None]:
    with reading(site.ledger) as connection:
        return {source.name: source.mirror_of for source in list_sources_with_readings(connection)}


def outcomes(taken: ReadingsReceipt) -> list[ReadingOutcome]:
    return [entry.outcome for entry in taken.entries]


def test_a_second_source_that_reads_the_same_is_a_mirror_and_counts_nothing(reports: Reports) -> None:
    reports.take({WORDS: 100, DOCUMENTS: 3}, source="one")
    taken = reports.take({DOCUMENTS: 3, WORDS: 100, "Unused": 0}, source="two")
    assert (taken.mirror_of, outcomes(taken)) == ("one", [ReadingOutcome.HELD_BACK])
    assert reports.booked() == {WORDS: 100, DOCUMENTS: 3}
    assert mirrors(reports.site) == {"one": None, "two": "one"}
    ((kind, detail),) = reports.findings()
    assert kind == "same-mount"
    assert "two reports the same mount as one" in detail
    assert "azlic sources separate two --yes" in detail
    assert "twice" not in detail


def test_a_mirror_stays_one_and_what_it_reads_beyond_is_told(reports: Reports) -> None:
    reports.take({WORDS: 100}, source="one")
    reports.take({WORDS: 100}, source="two")
    taken = reports.take({WORDS: 130}, source="two")
    assert taken.entries[0].amounts == {WORDS: 30 * 10**6}
    assert reports.booked() == {WORDS: 100}
    reports.take({WORDS: 130}, source="one")
    assert reports.booked() == {WORDS: 130}
    assert len(reports.findings()) == 1


@pytest.mark.parametrize("month", [FEBRUARY, None], ids=["a month that is over", "everything"])
def test_one_report_that_reads_the_same_is_enough(reports: Reports, month: Month | None) -> None:
    for source, quantity in (("one", 100), ("two", 105)):
        reports.take({WORDS: quantity}, MARCH, source=source)
    assert mirrors(reports.site) == {"one": None, "two": None}
    reports.take({WORDS: 400}, month, source="one")
    reports.take({WORDS: 400}, month, source="two")
    assert mirrors(reports.site) == {"one": None, "two": "one"}


def test_what_a_mirror_had_booked_before_may_be_counted_twice_and_that_is_said(reports: Reports) -> None:
    reports.take({WORDS: 100}, source="one")
    reports.take({WORDS: 105}, source="two")
    reports.take({WORDS: 110}, source="one")
    taken = reports.take({WORDS: 110}, source="two")
    assert outcomes(taken) == [ReadingOutcome.HELD_BACK]
    assert f"up to 105 {WORDS}, booked from it before, may be counted twice" in taken.findings[0]
    assert reports.booked() == {WORDS: 110 + 105}


def test_of_two_sources_the_younger_is_the_mirror_whichever_is_read(reports: Reports) -> None:
    reports.take({WORDS: 100}, source="one")
    reports.take({WORDS: 105}, source="two")
    taken = reports.take({WORDS: 105}, source="one")
    assert (taken.mirror_of, outcomes(taken)) == (None, [ReadingOutcome.BOOKED])
    assert mirrors(reports.site) == {"one": None, "two": "one"}


def test_a_third_is_a_mirror_of_the_one_that_counts(reports: Reports) -> None:
    for source in ("one", "two", "three"):
        reports.take({WORDS: 100}, source=source)
    assert mirrors(reports.site) == {"one": None, "two": "one", "three": "one"}


def test_a_mirror_of_a_mirror_hangs_on_the_oldest(reports: Reports) -> None:
    reports.take({WORDS: 1}, source="one")
    reports.take({WORDS: 100}, source="two")
    reports.take({WORDS: 100}, source="three")
    assert mirrors(reports.site) == {"one": None, "two": None, "three": "two"}
    reports.take({WORDS: 100}, source="one")
    assert mirrors(reports.site) == {"one": None, "two": "one", "three": "one"}


def test_two_sources_that_used_nothing_are_no_mirrors(reports: Reports) -> None:
    for meters in ({}, {WORDS: 0}):
        for source in ("one", "two"):
            reports.take(meters, source=source)
    assert mirrors(reports.site) == {"one": None, "two": None}


def test_the_same_number_in_one_of_two_meters_is_no_mirror(reports: Reports) -> None:
    reports.take({WORDS: 100, DOCUMENTS: 1}, source="one")
    reports.take({WORDS: 100}, source="two")
    assert mirrors(reports.site) == {"one": None, "two": None}


def test_an_old_report_of_the_other_is_not_what_it_reads_now(reports: Reports) -> None:
    reports.take({WORDS: 100}, source="one")
    reports.take({WORDS: 200}, source="one")
    reports.take({WORDS: 100}, source="two")
    assert mirrors(reports.site) == {"one": None, "two": None}


def test_a_mirror_that_reads_less_than_the_other_did_is_doubted_once(reports: Reports) -> None:
    for source in ("one", "two"):
        reports.take({WORDS: 3}, source=source)
    reports.take({WORDS: 50}, source="one")
    for quantity in (30, 31):
        reports.take({WORDS: quantity}, source="two")
    assert ["but reads less than it did for 2026-03" in detail for _, detail in reports.findings()] == [False, True]


def test_a_separated_source_gets_what_was_held_back_whatever_happened_meanwhile(reports: Reports) -> None:
    site = reports.site
    reports.take({WORDS: 2}, source="two")
    reports.take({WORDS: 3}, source="one")
    reports.take({WORDS: 3}, source="two")
    held = [({WORDS: 30}, None), ({WORDS: 20}, START), ({WORDS: 5}, None), ({WORDS: 9}, None)]
    for meters, taken_at in held:
        reports.take(meters, source="one", taken_at=taken_at)
    assert reports.booked("one") == {WORDS: 3}
    taken = separate(site.ledger, "one", now=site.now)
    assert reports.booked("one") == {WORDS: 30 + 9}
    assert taken.records == 3
    assert "from 30 to 5" in taken.findings[0]
    assert mirrors(site) == {"one": None, "two": None}
    assert outcomes(reports.take({WORDS: 9}, source="one")) == [ReadingOutcome.UNCHANGED]
    reports.take({WORDS: 10}, source="one")
    assert reports.booked("one") == {WORDS: 40}


def test_separated_sources_are_not_compared_again(reports: Reports) -> None:
    for source in ("one", "two"):
        reports.take({WORDS: 3}, source=source)
    separate(reports.site.ledger, "two", now=reports.site.now)
    for source in ("two", "one", "two"):
        reports.take({WORDS: 4}, source=source)
    assert mirrors(reports.site) == {"one": None, "two": None}
    assert reports.booked() == {WORDS: 8}


held_back = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=10)


@settings(max_examples=12)
@given(held_back)
def test_what_was_held_back_is_booked_as_if_it_had_never_been(sequence: list[tuple[int, int]]) -> None:
    booked = []
    for other in (5, 6):
        with tempfile.TemporaryDirectory() as folder:
            site = Site(Path(folder), empty_databases(Path(folder)))
            reports = Reports(site)
            reports.take({DOCUMENTS: other}, FEBRUARY, source="one")
            reports.take({DOCUMENTS: 5}, FEBRUARY, source="two")
            for words, minutes_ago in sequence:
                reports.take({WORDS: words}, source="two", taken_at=site.now - timedelta(minutes=minutes_ago))
            if other == 5:
                assert reports.booked("two") == {}
                separate(site.ledger, "two", now=site.now)
            booked.append(reports.booked("two"))
            site.close()
    assert booked[0] == booked[1]


@pytest.mark.parametrize("name", ["one", "nobody"])
def test_only_a_mirror_can_be_separated(reports: Reports, name: str) -> None:
    reports.take({WORDS: 3}, source="one")
    with pytest.raises(BadCall, match=name):
        separate(reports.site.ledger, name, now=reports.site.now)
