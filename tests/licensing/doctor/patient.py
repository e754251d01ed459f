"""A site that is healthy, on a machine that is: what the doctor's tests then break."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from licensing.doctor.examination import Site as Examined
from licensing.doctor.examination import SiteExamination, examine
from licensing.doctor.finding import DoctorFinding
from licensing.doctor.identity import Identity
from licensing.doctor.machine import Machine
from licensing.verdict.seen import Seen
from tests.licensing.another_user import UID, reachable_folder
from tests.site import Site

NONROOT = Identity(UID, UID)
STRONG = Machine(avx2=True, cores=8, memory_bytes=32 * 10**9, clock_kept=True, sqlite=(3, 51, 3))


class Patient:
    """A license folder and an output folder as they should be: tight, and open to nonroot."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder)
        self.root = folder / "root"
        self.root.mkdir()
        self.seen: Seen | None = None
        self.machine = STRONG
        self.site.install()
        container = self.output / "read" / "0123456789ab"
        container.mkdir(parents=True)
        (container / "usage-2026-03-01.jsonl").touch()
        self.hand_over()

    @property
    def license(self) -> Path:
        return self.site.license

    @property
    def output(self) -> Path:
        return self.site.output

    def hand_over(self) -> None:
        """Owners and modes as they should be."""
        for path in (self.license, *self.license.rglob("*")):
            os.chown(path, 0, UID, follow_symlinks=False)
            path.chmod(0o750 if path.is_dir() else 0o640)
        for path in (self.output, *self.output.rglob("*")):
            os.chown(path, UID, UID, follow_symlinks=False)

    def examine(
        self,
        user: Identity = NONROOT,
        *,
        stated: bool = False,
        container: str | None = None,
        url: str | None = None,
    ) -> SiteExamination:
        who = Examined(self.license, (self.output,), user, stated=stated, container=container, url=url)
        return examine(
            who, trust=self.site.trust, as_of=self.site.now, seen=self.seen, root=self.root, machine=self.machine
        )

    def codes(self) -> list[str]:
        return [finding.code for finding in self.examine().findings]

    def finding(self, code: str) -> DoctorFinding:
        return next(finding for finding in self.examine().findings if finding.code == code)

    def let_the_license_end(self) -> None:
        self.site.now += timedelta(days=400)


@contextlib.contextmanager
def a_patient() -> Iterator[Patient]:
    """A healthy site, where every user can reach it, on a strong machine."""
    with reachable_folder() as folder:
        patient = Patient(folder)
        yield patient
        patient.site.close()


def run(command: str | None) -> None:
    """Run a printed command as it stands. It has to do without a word."""
    assert command is not None
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", ""), command
