"""A diagnosis: everything between a container and its work, one verdict for each, from the processor to the API key.

Source: the containers' manuals name a diagnostics container, which tests the billing endpoint.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from licensing.doctor.check import Check, exit_status
from licensing.doctor.examination import SiteExamination
from licensing.doctor.finding import DoctorFinding

_PARTS = {
    "AVX2": ("Machine", ("no-avx2",)),
    "cores": ("Machine", ("cores-too-few", "cores-few")),
    "memory": ("Machine", ("memory-too-little", "memory-little")),
    "clock source": ("Clock", ("clock-loose",)),
    "license": ("License", tuple(f"license-{how}" for how in ("refused", "ending", "opaque", "changed", "unexamined"))),
}
"""What is told in a line of its own, in the doctor's fact that holds it, with the doctor's findings about it."""


class Diagnosis(NamedTuple):
    """All checks, in the order in which one needs the other."""

    as_of: datetime
    checks: tuple[Check, ...]

    @property
    def exit_status(self) -> int:
        """As the doctor's."""
        return exit_status(check.level for check in self.checks)


def site_checks(examination: SiteExamination) -> Iterator[Check]:
    """What the doctor found, one verdict for each part of the machine, the license and each mount; then all else."""
    rest = list(examination.findings)
    for name, (fact, codes) in _PARTS.items():
        found = _taken(rest, [each for each in rest if each.code in codes])
        yield _judged(name, found, _part(name, examination.facts.get(fact, "there is none")))
    for fact, told in examination.facts.items():
        if "folder" in fact:
            path = told.partition(": ")[0]
            yield _judged(fact.lower(), _taken(rest, [each for each in rest if each.place.startswith(path)]), told)
    for finding in rest:
        yield _judged(finding.place, [finding], "")


def _taken(rest: list[DoctorFinding], mine: list[DoctorFinding]) -> list[DoctorFinding]:
    """Those that are meant, heaviest first as they came; they are not told again."""
    for finding in mine:
        rest.remove(finding)
    return mine


def _part(name: str, told: str) -> str:
    """The part of the machine's facts that is about one thing."""
    return next((part for part in told.split(", ") if name.lower() in part.lower()), told)


def _judged(name: str, found: Sequence[DoctorFinding], told: str) -> Check:
    if not found:
        return Check(name, None, told)
    first = found[0]
    more = f" (and {len(found) - 1} more: azlic doctor)" if len(found) > 1 else ""
    return Check(name, first.level, f"{first.problem}{more}", first.do, first.command)
