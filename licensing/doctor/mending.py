"""Mending: the safe commands of an examination, run as they were printed."""

import subprocess
from collections.abc import Iterable
from typing import NamedTuple

from licensing.doctor.finding import DoctorFinding


class Mended(NamedTuple):
    """A command that was run, for which finding, and what it said where it failed; empty where it did not."""

    finding: DoctorFinding
    failure: str


def safe_ones(findings: Iterable[DoctorFinding]) -> list[DoctorFinding]:
    """The findings whose commands only change owners and modes inside the mounts, or make a folder."""
    return [finding for finding in findings if finding.safe]


def mend(findings: Iterable[DoctorFinding]) -> list[Mended]:
    """Run the commands of findings, each by ``sh -c`` as it was printed."""
    return [Mended(finding, _run(finding.command)) for finding in findings if finding.safe and finding.command]


def _run(command: str) -> str:
    told = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)  # noqa: S603 - our own words
    if told.returncode == 0:
        return ""
    return told.stderr.decode(errors="replace").strip() or f"exit status {told.returncode}"
