"""Records, late records and corrections are counted alike wherever they are told, with what they come to."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from azlic.render.closing import CLOSING, closable_text
from azlic.render.handover import ACCEPTANCE, INSPECTION
from azlic.render.report.json import REPORT
from licensing.signing.site_keys import create_site_keys, site_signer
from tests.site import METER, Site
from tests.usage.commitments import day
from tests.usage.handover.houses import HeadOffice
from tests.usage.months import Months
from tests.usage.mount import Mount
from tests.usage.rich import MINUTES, SECONDS, ledgers_own, rich
from usage.handover.exporting import export
from usage.handover.inspection import inspect
from usage.handover.sites import enrol
from usage.ledger.corrections import correct
from usage.ledger.counts import Booked, count, together
from usage.quantity import MICRO

APRIL = "2026-04"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Months]:
    site = Site(tmp_path_factory.mktemp("rich"))
    yield rich(site)
    site.close()


@pytest.fixture(scope="module")
def told(ledger: Months) -> dict[str, list[dict[str, object]]]:
    """What each outlet says of April, by meter."""
    folder, now = ledger.site.folder, day("2026-05-02")
    key = create_site_keys(folder / "keys")
    export(ledger.ledger, folder / "all.azlic", signer=site_signer(folder / "keys"), site="hall", tool="test", now=now)
    inspected = json.loads(INSPECTION.json(inspect(folder / "all.azlic", key), folder))
    ledger.site.now = now
    closable, report = ledger.examine(APRIL), ledger.site.report(APRIL)
    recomputed = json.loads(REPORT.json(report, ledger.recompute(APRIL)))["recomputed"]
    closing = json.loads(CLOSING.json(closable, None))
    for whole in (recomputed, closing):
        assert (whole["records"], whole["late_records"], whole["corrections"]) == (10, 2, 3)
    of_april = [row for row in inspected["totals"] if row.pop("month") == APRIL]
    return {
        "inspect": [row | {"quantity": float(row["quantity"])} for row in of_april],
        "close": [row | {"quantity": float(row["quantity"])} for row in closing["meters"]],
        "recompute": [row | {"quantity": float(row["quantity"])} for row in recomputed["meters"]],
    }


@pytest.mark.parametrize("outlet", ["inspect", "close", "recompute"])
def test_every_outlet_counts_alike(ledger: Months, told: dict[str, list[dict[str, object]]], outlet: str) -> None:
    found = {str(row["meter"]): row for row in told[outlet]}
    own = ledgers_own(ledger, APRIL)
    assert {meter: row["quantity"] for meter, row in found.items()} == {m: micro / MICRO for m, micro in own.items()}
    assert found == {str(row["meter"]): row for row in told["close"]}
    assert [found[METER][name] for name in ("late_records", "late_quantity")] == [1, 70]
    assert [found[METER][name] for name in ("corrections", "corrected_quantity")] == [1, -988]
    assert [found[SECONDS][name] for name in ("corrections", "corrected_quantity")] == [1, -1234.567891]
    assert [found[MINUTES][name] for name in ("records", "corrections", "corrected_quantity")] == [2, 1, -5.5]


def test_the_report_sets_the_same_apart(ledger: Months, told: dict[str, list[dict[str, object]]]) -> None:
    rows = ledger.site.report(APRIL).usages
    for counted in told["close"]:
        mine = [row for row in rows if row.meter == counted["meter"]]
        late = [part for row in mine for part in row.apart if part.kind == "late"]
        assert sum(row.records for row in mine) == counted["records"]
        assert sum(part.records for part in late) == counted["late_records"]
        assert sum(part.quantity for part in late) / MICRO == counted["late_quantity"]


def test_head_office_counts_what_it_books_the_same_way(ledger: Months, told: object, tmp_path: Path) -> None:
    office = HeadOffice(tmp_path, "office")
    enrol(office.ledger, "hall", ledger.site.folder / "keys" / "site.pem")
    office.now = day("2026-05-02")
    taken = office.accept(ledger.site.folder / "all.azlic")
    fields = json.loads(ACCEPTANCE.json(taken, tmp_path))
    assert (fields["late"], fields["corrections"]) == (2, 3)
    assert re.search(r"2\s+late,\s+3\s+corrections", ACCEPTANCE.text(taken, tmp_path))
    office.close()


def test_the_words_name_the_amounts(ledger: Months, told: object) -> None:
    lines = closable_text(ledger.examine(APRIL)).splitlines()
    assert lines[0] == "2026-04: 10 records, 2 of them late, 3 corrections in 8 series"
    assert lines[1:4] == [f"  {METER}: 1,082", "    1 late record: 70", "    1 correction: -988"]
    assert max(map(len, lines)) <= 80


def test_a_correction_is_one_whatever_it_takes() -> None:
    rows = [
        Booked("reversal", "a", "m", -5, "why", 1),
        Booked("replacement", "a", "m", 7, "why", 1),
        Booked("reversal", "b", "m", -5, "why", 2),
        Booked("replacement", "c", "m", 1, "why", 3),
        Booked("late", "d", "m", 9, "", 4),
    ]
    found = count([("m", 10, 2)], rows)
    assert (found["m"].records, found["m"].late, found["m"].corrections, found["m"].quantity) == (3, 1, 3, 17)
    assert together(found).quantity == 0


@pytest.mark.parametrize(("batches", "reasons"), [((1, 2), ("why", "why")), ((0, 0), ("twice", "not twice"))])
def test_what_is_cancelled_and_given_back_are_two_acts(batches: tuple[int, int], reasons: tuple[str, str]) -> None:
    rows = [
        Booked("reversal", "a", "m", -5, reasons[0], batches[0]),
        Booked("replacement", "a", "m", 5, reasons[1], batches[1]),
    ]
    assert count([], rows)["m"].corrections == 2


def test_two_acts_on_a_record_are_two_wherever_they_are_counted(site: Site, tmp_path: Path) -> None:
    months, now = Months(Mount(site)), day("2026-05-02")
    months.use("a", 5, day("2026-04-02"))
    months.site.now = now
    for quantity in (0, 5):
        correct(months.ledger, "a", quantity * MICRO, reason="scanned twice", now=now)
    key = create_site_keys(tmp_path / "keys")
    file, signer = tmp_path / "all.azlic", site_signer(tmp_path / "keys")
    export(months.ledger, file, signer=signer, site="hall", tool="test", now=now)
    (inspected,) = json.loads(INSPECTION.json(inspect(file, key), tmp_path))["totals"]
    office = HeadOffice(tmp_path, "office")
    enrol(office.ledger, "hall", tmp_path / "keys" / "site.pem")
    office.now = now
    counts = {
        "close": together(months.examine(APRIL).counts).corrections,
        "recompute": together(months.recompute(APRIL).counts).corrections,
        "inspect": inspected["corrections"],
        "accept": office.accept(file).corrections,
    }
    assert set(counts.values()) == {2}, counts
    office.close()
