"""Exports that were changed by whoever has the site's key: refused in words, or taken for what they say, no more."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from licensing.core.errors import AzlicError
from tests.usage.handover.houses import HandingHouse, HeadOffice, later
from tests.usage.handover.signed_again import Edit, Opened, edits, made_anew, opened, signed, stated_use
from tests.usage.mount import rows
from usage.auditing.run import audit
from usage.handover.errors import HandoverRefused
from usage.handover.inspection import inspect
from usage.ledger.tables.handover import AcceptedExportRow
from usage.ledger.tables.months import CorrectionRow
from usage.ledger.tables.records import BatchRow, QuarantineRow, RecordRow, SeriesRow


@pytest.fixture
def hall(hall: HandingHouse) -> HandingHouse:
    """It closed a month, with late use and a correction after it."""
    hall.shut("2026-03", reason="known")
    hall.now = later(days=40)
    hall.use("c", at=later(days=40))
    hall.come_late("late", at=later(hours=2), booked="2026-04")
    hall.correct("a", at=later(), booked="2026-04", was=1, becomes=5)
    return hall


def booked_use(office: HeadOffice) -> dict[str, int]:
    """What head office's ledger holds, by meter."""
    meters = {row.key: row.meter for row in rows(office.ledger, SeriesRow)}
    found: dict[str, int] = {}
    records = rows(office.ledger, RecordRow)
    late = {row.id for row in records}
    amounts = [(row.series, row.quantity) for row in records]
    booked = [row for row in rows(office.ledger, CorrectionRow) if row.kind != "late" or row.record_id not in late]
    amounts += [(row.series, row.quantity) for row in booked]
    for series, quantity in amounts:
        found[meters[series]] = found.get(meters[series], 0) + quantity
    return found


class Desk:
    """Head office, as it was before each export that it is handed."""

    def __init__(self, office: HeadOffice, hall: HandingHouse, folder: Path) -> None:
        self.office, self.hall, self.path = office, hall, folder / "changed.azlic"
        office.ledger.dispose()
        self._file = office.folder / "azlic.db"
        self._kept = self._file.read_bytes()

    def judge(self, export: Opened) -> str:
        """``refused``, ``taken``; anything else is what is wrong."""
        self.path.write_bytes(signed(export, self.hall.signer))
        before = len(rows(self.office.ledger, BatchRow))
        try:
            inspect(self.path, self.hall.key)
            is_sound = True
        except AzlicError:
            is_sound = False
        except Exception as error:
            return f"inspect ended in {type(error).__name__}: {error}"
        try:
            self.office.accept(self.path)
        except AzlicError as error:
            if len(rows(self.office.ledger, BatchRow)) != before or rows(self.office.ledger, AcceptedExportRow):
                return "it was refused, and left a trace"
            return "refused" if error.message.isprintable() else f"it was refused with {error.message!r}"
        except Exception as error:
            return f"accept ended in {type(error).__name__}: {error}"
        try:
            return self._taken(export) if is_sound else "it was taken, and inspect refuses it"
        finally:
            self.office.ledger.dispose()
            self._file.write_bytes(self._kept)

    def _taken(self, export: Opened) -> str:
        found = audit(self.office.ledger)
        if not found.sound:
            return f"taken, and the ledger is not sound: {found.faults[0]}"
        apart = {row.record_id for row in rows(self.office.ledger, QuarantineRow)}
        stated, booked = stated_use(export, apart), booked_use(self.office)
        return "taken" if stated == booked else f"it says {stated}, and {booked} was booked"


@pytest.fixture
def desk(office: HeadOffice, hall: HandingHouse, tmp_path: Path) -> Desk:
    return Desk(office, hall, tmp_path)


def judged(desk: Desk, export: Opened, some: Sequence[Edit]) -> Iterator[tuple[str, str]]:
    for name, edit in some:
        changed = edit(export)
        yield name, desk.judge(changed)
        if (again := made_anew(changed)) is not None:
            yield f"{name}, made anew", desk.judge(again)


@pytest.mark.parametrize("holds", ["records", "totals"])
def test_some_changes_are_refused_or_taken_for_what_they_say(hall: HandingHouse, desk: Desk, holds: str) -> None:
    export = opened(hall.export(holds=holds))
    assert desk.judge(export) == "taken"
    again = made_anew(export)
    assert again is not None and desk.judge(again) == "taken"
    some = random.Random(12).sample(list(edits(export)), 40)
    found = dict(judged(desk, export, some))
    assert {name: what for name, what in found.items() if what not in {"refused", "taken"}} == {}
    assert {*found.values()} >= {"refused"}


def a_longer_batch(export: Opened) -> Opened:
    batches = [json.loads(line) for line in export.members["batches.jsonl"].splitlines()]
    batches[0].append("of a later version")
    lines = b"".join(json.dumps(fields).encode() + b"\n" for fields in batches)
    return Opened(export.members | {"batches.jsonl": lines}, export.manifest)


def a_longer_manifest(export: Opened) -> Opened:
    return Opened(export.members, export.manifest | {"of_a_later_version": 1})


@pytest.mark.parametrize("later", [a_longer_batch, a_longer_manifest])
def test_a_form_of_a_later_version_is_told_as_one(
    hall: HandingHouse, office: HeadOffice, later: Callable[[Opened], Opened], tmp_path: Path
) -> None:
    path = tmp_path / "later.azlic"
    path.write_bytes(signed(later(opened(hall.export())), hall.signer))
    with pytest.raises(HandoverRefused) as refused:
        office.accept(path)
    assert "bring this one up to date, and take the same file again" in refused.value.hint


@pytest.mark.long
@pytest.mark.parametrize("holds", ["records", "totals"])
def test_many_changes_are_refused_or_taken_for_what_it_says(hall: HandingHouse, desk: Desk, holds: str) -> None:
    export = opened(hall.export(holds=holds))
    found = dict(judged(desk, export, list(edits(export))[::18]))
    print(f"{len(found):,} exports of {holds} signed again, {list(found.values()).count('taken'):,} of them taken")
    assert {name: what for name, what in found.items() if what not in {"refused", "taken"}} == {}
