"""What a container reports of its own output mount: the documented body of ``/records/usage-logs/``.

Source: facts §2.1 and §2.2 (shape ``apiType``, ``serviceName``, ``meters``).
"""

import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from licensing.core.instants import from_milliseconds
from usage.months import Month
from usage.quantity import from_micro
from usage.records.lines import Lines
from usage.records.output_scan import find_files
from usage.records.record import BadLine, interpret
from usage.records.usage_files import Block, ForeignFile, OpenFile

_Sums = Counter[tuple[int, str]]


@with_config(ConfigDict(extra="forbid"))
class MeterReport(TypedDict):
    """What was counted on one meter."""

    name: str
    quantity: Annotated[int | float, Field(description="in the meter's unit")]


@with_config(ConfigDict(extra="forbid"))
class UsageReport(TypedDict):
    """What was used."""

    apiType: str
    serviceName: str
    meters: list[MeterReport]


class MountReport:
    """Sums up every usage record in an output mount, of all containers that share it, as the containers do.

    A file is read once and then only when it has grown: daily files of the past cost nothing.
    """

    def __init__(self, output: Path, *, service: str) -> None:
        self._output = output
        self._service = service
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[tuple[int, ...], _Sums]] = {}

    def body(self, month: Month | None = None) -> UsageReport:
        """The report over everything, or over one month. Raises ``AzlicError`` when the mount cannot be read."""
        sums: Counter[str] = Counter()
        for (number, meter), micro in self._all().items():
            if month is None or number == month.number:
                sums[meter] += micro
        return usage_report(self._service, sums)

    def _all(self) -> _Sums:
        total: _Sums = Counter()
        with self._lock:
            known, self._known = self._known, {}
            for found in find_files([self._output]):
                stamp = (*found.identity, found.size, found.changed_ns)
                entry = known.get(found.path)
                if entry is None or entry[0] != stamp:
                    entry = (stamp, _sum_file(found.path))
                self._known[found.path] = entry
                total.update(entry[1])
        return total


def usage_report(service: str, meters: Mapping[str, int]) -> UsageReport:
    """The documented body, from each meter's millionths."""
    told: list[MeterReport] = [{"name": name, "quantity": _plain(micro)} for name, micro in sorted(meters.items())]
    return {"apiType": service, "serviceName": service, "meters": told}


def _sum_file(path: Path) -> _Sums:
    sums: _Sums = Counter()
    try:
        with OpenFile(path) as file:
            for block in file.blocks(0):
                for line in Lines.of(block.data).texts if isinstance(block, Block) else ():
                    try:
                        record, _, micro, time = interpret(line)
                    except BadLine:
                        continue
                    sums[Month.of(from_milliseconds(time)).number, record.meter.name] += micro
    except (FileNotFoundError, ForeignFile):
        pass  # gone by now, or passed over by every ingest, too
    return sums


def _plain(micro: int) -> int | float:
    number = from_micro(micro)
    return number if isinstance(number, int) else float(number)
