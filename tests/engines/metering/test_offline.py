"""What an engine delivered, as it comes to stand in the output mount."""

import json
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from engines.metering.meter import Meter
from engines.metering.offline import OfflineMeter
from tests.site import CONTAINER_ID, METER, START
from usage.quantity import InexactQuantity
from usage.records.record import interpret
from usage.records.recorder import Recorder

METERS = {METER: "vision.read", "second": "vision.other"}


def recorded(output: Path, count: Callable[[Meter], None]) -> list[bytes]:
    """The lines in the output mount after a container has counted."""
    labels = {"service": "read", "container_type": "read", "container_version": "3.2.0"}
    with closing(Recorder(output, **labels, container_id=CONTAINER_ID)) as recorder:
        count(OfflineMeter(recorder, METERS))
    return b"".join(path.read_bytes() for path in sorted(output.rglob("*.jsonl"))).splitlines()


@pytest.mark.parametrize(
    ("quantity", "written"),
    [("3", "3"), ("3.0", "3"), ("0.25", "0.25"), ("7.310000", "7.31"), ("0.000001", "0.000001"), ("1E+3", "1000")],
)
def test_a_quantity_is_recorded_exactly(tmp_path: Path, quantity: str, written: str) -> None:
    (line,) = recorded(tmp_path, lambda meter: meter.record(METER, Decimal(quantity), at=START))
    assert f'"quantity":{written}}}'.encode() in line
    assert Decimal(interpret(line)[2]) == Decimal(quantity) * 10**6


def test_each_meter_has_the_api_type_that_it_was_declared_with(tmp_path: Path) -> None:
    def count(meter: Meter) -> None:
        for name in METERS:
            meter.record(name, Decimal(1), at=START)

    records = [json.loads(line) for line in recorded(tmp_path, count)]
    assert [(record["meter"]["name"], record["apiType"]) for record in records] == list(METERS.items())


def test_a_meter_that_the_engine_did_not_declare_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    def count(meter: Meter) -> None:
        with pytest.raises(ValueError, match="did not declare a meter 'third'"):
            meter.record("third", Decimal(1), at=START)

    assert recorded(tmp_path, count) == []


@pytest.mark.parametrize("quantity", ["0.0000001", "-1", "1000000000000.000001", "NaN", "Infinity"])
def test_a_quantity_that_does_not_fit_is_refused_and_leaves_no_gap(tmp_path: Path, quantity: str) -> None:
    def count(meter: Meter) -> None:
        with pytest.raises(InexactQuantity):
            meter.record(METER, Decimal(quantity), at=START)
        meter.record(METER, Decimal(1), at=START)

    assert [json.loads(line)["sequence"] for line in recorded(tmp_path, count)] == [1]
