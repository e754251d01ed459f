import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from licensing.core.errors import AzlicError
from tests.site import METER
from tests.usage.lines import a_chain, a_line, raw_line
from tests.usage.mount import Mount
from usage.months import Month
from usage.records.output_mount import MountReport

OTHER = "ba9876543210"
SAMPLE = {"apiType": "read", "serviceName": "read", "meters": [{"name": METER, "quantity": 253}]}


@pytest.fixture
def report(mount: Mount) -> MountReport:
    return MountReport(mount.site.output, service="read")


def used(report: MountReport, month: str | None = None) -> dict[str, float]:
    body = json.loads(json.dumps(report.body(Month.parse(month) if month else None)))
    return {meter["name"]: meter["quantity"] for meter in body["meters"]}


def test_the_body_has_the_documented_shape(mount: Mount, report: MountReport) -> None:
    mount.write([a_line("a", 253)])
    assert report.body() == SAMPLE


def test_an_empty_mount_has_used_nothing(report: MountReport) -> None:
    assert report.body() == SAMPLE | {"meters": []}


def test_all_containers_of_the_mount_are_summed(mount: Mount, report: MountReport) -> None:
    mount.write(a_chain(3))
    another = a_line("a", meter={"name": "another", "quantity": 0.25})
    mount.write([*a_chain(4, container=OTHER), another], container=OTHER)
    assert list(used(report).items()) == [(METER, 7), ("another", 0.25)]


def test_a_month_counts_from_its_first_instant_to_before_the_next(mount: Mount, report: MountReport) -> None:
    times = ("2026-03-01T00:00:00.000", "2026-03-31T23:59:59.999", "2026-04-01T00:00:00.000")
    lines = [a_line(time, at=datetime.fromisoformat(f"{time}+00:00")) for time in times]
    mount.write(lines)
    months = ("2026-02", "2026-03", "2026-04")
    assert [used(report, month).get(METER) for month in months] == [None, 2, 1]
    assert used(report) == {METER: 3}


def test_a_file_that_grows_is_counted_as_it_stands(mount: Mount, report: MountReport) -> None:
    lines = a_chain(5)
    for number, line in enumerate(lines, start=1):
        mount.append([line])
        assert used(report) == used(report) == {METER: number}


def test_an_unfinished_line_counts_once_it_is_whole(mount: Mount, report: MountReport) -> None:
    first, second = a_chain(2)
    mount.put(first + b"\n" + second)
    assert used(report) == {METER: 1}
    mount.append([b""])
    assert used(report) == {METER: 2}


def test_a_file_that_was_replaced_is_read_again(mount: Mount, report: MountReport) -> None:
    mount.write([a_line("a", 1)])
    assert used(report) == {METER: 1}
    mount.write([a_line("a", 2)], "new").replace(mount.path())
    assert used(report) == {METER: 2}


def test_a_file_that_is_gone_no_longer_counts(mount: Mount, report: MountReport) -> None:
    mount.write([a_line("a")])
    mount.write([a_line("b")], container=OTHER).unlink()
    assert used(report) == {METER: 1}
    mount.path().unlink()
    assert used(report) == {}


@pytest.mark.parametrize(
    "bad",
    [b"", b"bad", b"\xff", raw_line("1e999999999999999999999"), raw_line("-1"), raw_line(time="253402300799999")],
)
def test_a_bad_line_costs_no_good_one(mount: Mount, report: MountReport, bad: bytes) -> None:
    mount.write([a_line("a"), bad, a_line("b")])
    assert used(report) == {METER: 2}


def test_questions_at_the_same_time_get_the_same_answer(mount: Mount, report: MountReport) -> None:
    mount.write(a_chain(200))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(used, [report] * 16)) == [{METER: 200}] * 16


def test_a_missing_mount_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match="there is no output folder"):
        MountReport(tmp_path / "none", service="read").body()
