"""The second walk, at a command line: from the recorder over the ledger to head office, and back."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.flows.machine import Machine
from tests.site import METER
from tests.waiting import eventually
from usage.months import Month
from usage.records.recorder import Recorder

LAST_MONTH = Month.of(Month.of(datetime.now(UTC)).starts_at - timedelta(days=1))


@pytest.fixture
def hall(tmp_path: Path) -> Machine:
    hall = Machine(tmp_path / "hall", AZLIC_SITE="hall-7")
    (hall.folder / "output").mkdir()
    return hall


@pytest.fixture
def recorder(hall: Machine) -> Iterator[Recorder]:
    """What a container of the hall writes with."""
    recorder = Recorder(
        hall.folder / "output", service="read", container_type="read", container_version="3.2.0", container_id="c0ffee"
    )
    yield recorder
    recorder.close()


def used(machine: Machine) -> str:
    (usage,) = json.loads(machine.run(f"report {LAST_MONTH} --json"))["unmapped"]
    return str(usage["month"])


def test_what_a_container_records_is_reported_closed_handed_over_and_acknowledged(
    hall: Machine, recorder: Recorder, tmp_path: Path
) -> None:
    office = Machine(tmp_path / "office")
    at = LAST_MONTH.starts_at + timedelta(days=3)
    recorder.append(METER, 3, at=at, api_type="vision.read")
    assert json.loads(hall.run("ingest output --json"))["new"] == 1
    with hall.serve("watch output", "watching "):
        recorder.append(METER, 4, at=at + timedelta(hours=1), api_type="vision.read")
        assert eventually(lambda: used(hall) == "7")
    hall.run(f"close {LAST_MONTH} output --yes")
    assert f"{LAST_MONTH} was closed at" in hall.run(f"close {LAST_MONTH} output", 2)

    hall.run("site init")
    office.run("site init")
    hall.carry("keys/site.pem", office, as_="hall-7.pem")
    office.carry("keys/site.pem", hall, as_="head-office.pem")
    office.run("handing-sites add hall-7 hall-7.pem")
    hall.run(f"export --month {LAST_MONTH} -o month.azlic")
    hall.carry("month.azlic", office)
    inspected = json.loads(office.run("inspect month.azlic --key hall-7.pem --json"))
    assert [total["quantity"] for total in inspected["totals"]] == ["7"]
    assert json.loads(office.run("accept month.azlic -o month.ack --json"))["new"] == 2
    assert used(office) == used(hall) == "7"
    office.carry("month.ack", hall)
    hall.run("acknowledge month.ack --head-office head-office.pem")
    for machine in (hall, office):
        assert machine.run("audit").startswith("sound")
