"""Readings: a cumulative counter of the container's becomes increases in our ledger, each once."""

import hashlib
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.core.errors import AzlicError, BadCall
from licensing.db.database import reading
from tests.site import START, Site
from tests.usage.ledgers import empty_databases, unguarded
from tests.usage.lines import a_line
from tests.usage.mount import heads, recount, rows, totals
from tests.usage.reports import DOCUMENTS, MARCH, WORDS, Reports, body
from usage.ledger.tables.records import (
    BatchRow,
    CounterRow,
    ReadingRow,
    ReadingSourceRow,
    RecordRow,
    SeriesRow,
    SourceRow,
)
from usage.months import Month
from usage.readings.booking import lines_of
from usage.readings.inbox import Arrival, from_file
from usage.readings.receipt import ReadingOutcome, ReadingsReceipt
from usage.readings.sources import list_sources
from usage.readings.take import take_readings

pytestmark = pytest.mark.databases("sqlite", "postgresql")

FEBRUARY = Month(2026, 2)
TRANSLATOR = (
    b'{"type":"CommerceUsageResponse","meters":[{"name":"%s","quantity":1250000,"billedUnit":1875000},'
    b'{"name":"%s","quantity":1250000,"billedUnit":1250000}],"apiType":"texttranslation",'
    b'"serviceName":"texttranslation"}' % (DOCUMENTS.encode(), WORDS.encode())
)


@pytest.fixture
def reports(site: Site) -> Reports:
    return Reports(site)


def outcomes(taken: ReadingsReceipt) -> list[ReadingOutcome]:
    return [entry.outcome for entry in taken.entries]


def test_the_increase_of_a_counter_is_booked(reports: Reports) -> None:
    for quantity in (100, 250, 250, 251.5):
        reports.take({WORDS: quantity})
    assert reports.booked() == {WORDS: 251.5}
    assert [row.quantity for row in rows(reports.site.ledger, RecordRow)] == [100 * 10**6, 150 * 10**6, 1_500_000]
    assert reports.kinds() == []


def test_the_billed_unit_counts_and_the_bytes_are_kept(reports: Reports) -> None:
    reports.take(TRANSLATOR)
    assert reports.reported() == {DOCUMENTS: 1_875_000, WORDS: 1_250_000}
    (kept,) = rows(reports.site.ledger, ReadingRow)
    assert (kept.content, kept.origin, kept.month) == (TRANSLATOR, "a stick", 202603)


def test_a_record_names_the_source_and_what_the_container_says_of_itself(reports: Reports) -> None:
    reports.take({WORDS: 1}, source="translator")
    (series,) = rows(reports.site.ledger, SeriesRow)
    labels = (series.container_id, series.container_type, series.container_version, series.api_type)
    assert labels == ("translator", "texttranslation", "-", "texttranslation")


@pytest.mark.parametrize(
    ("taken_at", "month", "counted_at"),
    [
        (datetime(2026, 3, 10, 5, tzinfo=UTC), MARCH, datetime(2026, 3, 10, 5, tzinfo=UTC)),
        (datetime(2026, 4, 1, 0, tzinfo=UTC), MARCH, datetime(2026, 3, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        (datetime(2026, 2, 28, 23, 59, tzinfo=UTC), MARCH, datetime(2026, 3, 1, tzinfo=UTC)),
    ],
    ids=["within the month", "after it", "a clock that runs late"],
)
def test_an_increase_counts_in_its_month(
    reports: Reports, taken_at: datetime, month: Month, counted_at: datetime
) -> None:
    reports.take({WORDS: 7}, month, taken_at=taken_at)
    (record,) = rows(reports.site.ledger, RecordRow)
    assert record.requested_at == int(counted_at.timestamp() * 1000)
    assert reports.reported("2026-03") == {WORDS: 7}


def test_months_are_counters_of_their_own(reports: Reports) -> None:
    reports.take({WORDS: 40}, FEBRUARY)
    reports.take({WORDS: 5}, MARCH)
    reports.take({WORDS: 41}, FEBRUARY)
    assert (reports.reported("2026-02"), reports.reported("2026-03")) == ({WORDS: 41}, {WORDS: 5})


def test_a_counter_that_falls_begins_a_new_epoch_and_is_a_finding(reports: Reports) -> None:
    reports.take({WORDS: 100})
    taken = reports.take({WORDS: 30})
    reports.take({WORDS: 35})
    assert reports.booked() == {WORDS: 135}
    assert outcomes(taken) == [ReadingOutcome.FELL]
    ((kind, detail),) = reports.findings()
    assert kind == "counter-fell"
    for said in (WORDS, "2026-03", "from 100 to 30"):
        assert said in detail
    assert [(row.epoch, row.quantity) for row in rows(reports.site.ledger, CounterRow)] == [(2, 35 * 10**6)]


def test_a_meter_that_is_missing_has_fallen_to_nothing(reports: Reports) -> None:
    reports.take({WORDS: 100, DOCUMENTS: 5})
    reports.take({WORDS: 100})
    reports.take({WORDS: 100, DOCUMENTS: 2})
    assert reports.booked() == {WORDS: 100, DOCUMENTS: 7}
    assert ["from 5 to 0" in detail for _, detail in reports.findings()] == [True]


def test_each_fall_is_a_finding_of_its_own(reports: Reports) -> None:
    for quantity in (9, 1, 9, 1):
        reports.take({WORDS: quantity})
    assert reports.kinds().count("counter-fell") == 2
    assert reports.booked() == {WORDS: 9 + 1 + 8 + 1}


def test_an_old_mount_that_comes_back_is_booked_and_doubted(reports: Reports) -> None:
    for meters in ({WORDS: 100}, {}, {WORDS: 100}):
        reports.take(meters)
    assert reports.booked() == {WORDS: 200}
    kind, detail = reports.findings()[-1]
    assert kind == "same-mount"
    assert f"If the old mount came back, 100 {WORDS} are counted twice" in detail


def test_the_same_report_again_counts_nothing_and_is_not_kept_twice(reports: Reports) -> None:
    reports.take({WORDS: 100}, stated=False)
    reports.take({WORDS: 200}, stated=False)
    again = [reports.take({WORDS: quantity}, stated=False) for quantity in (100, 200)]
    assert [outcomes(taken) for taken in again] == [[ReadingOutcome.KNOWN]] * 2
    assert reports.booked() == {WORDS: 200}
    assert len(rows(reports.site.ledger, ReadingRow)) == 2
    assert reports.kinds() == []


def test_an_older_report_with_its_time_is_kept_and_counts_nothing(reports: Reports) -> None:
    reports.take({WORDS: 200})
    taken = reports.take({WORDS: 150}, taken_at=START)
    again = reports.take({WORDS: 150}, taken_at=START)
    assert (outcomes(taken), outcomes(again)) == ([ReadingOutcome.OLDER], [ReadingOutcome.KNOWN])
    assert reports.booked() == {WORDS: 200}
    assert len(rows(reports.site.ledger, ReadingRow)) == 2
    assert reports.kinds() == []


def test_a_container_read_now_shows_what_it_shows_even_if_it_did_before(reports: Reports) -> None:
    for quantity in (100, 200, 100):
        reports.take({WORDS: quantity})
    assert reports.booked() == {WORDS: 300}


def test_reports_of_one_hand_over_are_booked_in_the_order_they_were_taken(site: Site) -> None:
    arrivals = [
        Arrival.of(body({WORDS: quantity}), month=MARCH, origin="a stick", taken_at=START + timedelta(hours=hour))
        for hour, quantity in ((2, 300), (0, 100), (1, 200))
    ]
    taken = take_readings(site.ledger, "one", arrivals, now=site.now)
    assert [entry.outcome for entry in taken.entries] == [ReadingOutcome.BOOKED] * 3
    assert Reports(site).booked() == {WORDS: 300}


def test_of_a_run_of_equal_reports_the_first_and_the_last_are_kept(reports: Reports) -> None:
    for _ in range(5):
        reports.take({WORDS: 1})
    kept = [row.taken_at for row in rows(reports.site.ledger, ReadingRow)]
    assert kept == [START + timedelta(minutes=1), START + timedelta(minutes=5)]
    assert reports.kinds() == []


def test_the_report_of_everything_is_compared_and_never_booked(reports: Reports) -> None:
    assert reports.take({WORDS: 130}, None).outside == {WORDS: 130 * 10**6}
    reports.take({WORDS: 100}, MARCH)
    taken = reports.take({WORDS: 130}, None)
    assert (outcomes(taken), taken.outside) == ([ReadingOutcome.COMPARED], {WORDS: 30 * 10**6})
    reports.take({WORDS: 30}, FEBRUARY)
    assert reports.take({WORDS: 130}, None).outside == {}
    assert reports.booked() == {WORDS: 130}


def test_zero_and_nothing_book_nothing(reports: Reports) -> None:
    for meters in ({}, {WORDS: 0}, {WORDS: 0.0}):
        assert outcomes(reports.take(meters)) == [ReadingOutcome.UNCHANGED]
    assert rows(reports.site.ledger, RecordRow) == []
    assert {row.file for row in rows(reports.site.ledger, BatchRow)} == {"change:"}, "the reports as they came"


def test_two_sources_count_beside_each_other(reports: Reports) -> None:
    reports.take({WORDS: 100}, source="one")
    reports.take({WORDS: 70}, source="two")
    assert reports.booked("one") == {WORDS: 100}
    assert reports.reported() == {WORDS: 170}


def test_sites_that_are_gathered_never_share_an_id(tmp_path: Path) -> None:
    identities = []
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
        site = Site(tmp_path / name)
        arrival = Arrival.of(body({WORDS: 1}), month=MARCH, origin="x", taken_at=START)
        take_readings(site.ledger, "translator", [arrival], now=START, site=name)
        identities += [row.id for row in rows(site.ledger, RecordRow)]
        site.close()
    assert len(set(identities)) == 2


@pytest.mark.parametrize("name", ["", " ", "x ", "a\nb", "\x1b[31m", "x" * 65])
def test_what_is_no_name_for_a_source_is_refused_and_nothing_is_kept(reports: Reports, name: str) -> None:
    with pytest.raises(BadCall, match="not a valid name for a source"):
        reports.take({WORDS: 1}, source=name)
    assert rows(reports.site.ledger, ReadingSourceRow) == rows(reports.site.ledger, SourceRow) == []


def test_the_virtual_file_is_bound_like_any_other(reports: Reports, site: Site) -> None:
    for quantity in (100, 250.25, 0.5, 3):
        reports.take({WORDS: quantity, DOCUMENTS: quantity * 1.5})
        reports.take({WORDS: quantity}, FEBRUARY)
    with reading(site.ledger) as connection:
        (source,) = list_sources(connection)
        written = list(lines_of(connection, source))
    (file,) = rows(site.ledger, SourceRow)
    whole = b"".join(written)
    assert (file.path, file.offset, file.line) == ("reading:one", len(whole), len(written))
    assert file.consumed == hashlib.sha256(whole).digest()
    stop = 0
    for batch in rows(site.ledger, BatchRow):
        assert (batch.file, batch.start) == ("reading:one", stop)
        stop = batch.stop
        assert batch.consumed == hashlib.sha256(whole[:stop]).digest()
    assert stop == len(whole)
    assert heads(site.ledger) == [row.head for row in rows(site.ledger, BatchRow)]
    assert totals(site.ledger) == recount(site.ledger)


def test_readings_and_usage_files_share_a_ledger(reports: Reports, site: Site) -> None:
    folder = site.output / "read" / "0123456789ab"
    folder.mkdir(parents=True)
    reports.take({WORDS: 1})
    (folder / "usage-2026-03-01.jsonl").write_bytes(a_line() + b"\n")
    assert site.ingest().new == 1
    reports.take({WORDS: 2})
    assert site.ingest().clean
    assert [row.number for row in rows(site.ledger, RecordRow)] == [1, 2, 3]
    assert heads(site.ledger) == [row.head for row in rows(site.ledger, BatchRow)]


def test_a_ledger_changed_by_other_hands_is_refused(reports: Reports, site: Site) -> None:
    reports.take({WORDS: 100})
    with unguarded(site.ledger) as connection:
        connection.exec_driver_sql("UPDATE record SET quantity = 1")
    with pytest.raises(AzlicError, match="is not what was booked"):
        reports.take({WORDS: 200})
    assert len(rows(site.ledger, ReadingRow)) == 1


def test_a_day_that_would_hold_too_much_is_refused_whole(reports: Reports, site: Site) -> None:
    for meters in ({WORDS: 10**12}, {}) * 4:
        reports.take(meters)
    kept = len(rows(site.ledger, ReadingRow))
    with pytest.raises(AzlicError, match="do not fit"):
        reports.take({WORDS: 10**12})
    assert len(rows(site.ledger, ReadingRow)) == kept


falls = st.lists(
    st.dictionaries(st.sampled_from(["A", "B"]), st.integers(0, 50).map(lambda quarters: quarters / 4), max_size=2),
    max_size=12,
)


def expected(sequence: list[dict[str, float]]) -> dict[str, float]:
    """What counters add up to: each rise, and all of a counter that fell."""
    sums = {"A": 0.0, "B": 0.0}
    for meter in sums:
        before = 0.0
        for meters in sequence:
            now = meters.get(meter, 0)
            sums[meter] += now - before if now >= before else now
            before = now
    return {meter: quantity for meter, quantity in sums.items() if quantity}


@settings(max_examples=20)
@given(falls)
def test_any_sequence_of_counters_books_exactly_its_increases(sequence: list[dict[str, float]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), empty_databases(Path(folder)))
        reports = Reports(site)
        for meters in sequence:
            reports.take(meters)
            reports.take(meters, taken_at=site.now)
        assert reports.booked() == reports.reported() == expected(sequence)
        assert totals(site.ledger) == recount(site.ledger)
        site.close()


def test_a_file_is_read_with_its_name_and_the_time_that_is_stated(tmp_path: Path) -> None:
    path = tmp_path / "march.json"
    path.write_bytes(body({WORDS: 1}))
    unstated, stated = (from_file(path, month=MARCH, now=START, taken_at=at) for at in (None, START))
    assert (unstated.origin, unstated.taken_at, unstated.stated) == ("march.json", START, False)
    assert stated.stated


@pytest.mark.parametrize(
    ("month", "taken_at", "reason"),
    [
        (MARCH, START + timedelta(seconds=1), "is in the future"),
        (Month(2026, 4), None, "2026-04 had not begun"),
        (MARCH, START - timedelta(days=2), "2026-03 had not begun"),
        (Month(2014, 12), None, "as old as 2014-12"),
    ],
)
def test_a_month_or_an_instant_that_cannot_be_is_a_bad_call(
    tmp_path: Path, month: Month, taken_at: datetime | None, reason: str
) -> None:
    (tmp_path / "march.json").write_bytes(body({}))
    with pytest.raises(BadCall, match=reason):
        from_file(tmp_path / "march.json", month=month, now=START, taken_at=taken_at)


def test_a_file_that_is_missing_too_large_or_no_report_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b" " * (2 << 20))
    (tmp_path / "garbage").write_bytes(b"garbage")
    for name, reason in (("none", "cannot be read"), ("large", "larger"), ("garbage", "not a usage report")):
        with pytest.raises(AzlicError, match=reason) as refused:
            from_file(tmp_path / name, month=MARCH, now=START)
        assert str(tmp_path / name) in refused.value.message
