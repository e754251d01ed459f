"""The machine: processor, memory, clock, SQLite. Read where the doctor runs: in a container, within its limits.

Memory is in GB of 10^9 bytes, so that a machine sold with 8 GB, which shows a little less, is taken for one.

Source: proc(5), the kernel's cgroup-v2 documentation, adjtimex(2).
"""

import ctypes
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from licensing.containers import Needs
from licensing.db.sqlite_wal import wal_is_safe
from licensing.doctor.finding import DoctorFinding

_GB = 1_000_000_000
_TIMEX_BYTES, _STATUS_AT = 208, 40
_STA_UNSYNC = 0x0040
PLACE = "this machine"


class Machine(NamedTuple):
    """What was found. ``clock_kept`` is whether something keeps the clock to a time source; None is unknown."""

    avx2: bool
    cores: float
    memory_bytes: int
    clock_kept: bool | None
    sqlite: tuple[int, int, int]

    @property
    def journal(self) -> str:
        """The journal that the ledger gets with this SQLite."""
        safe = wal_is_safe(self.sqlite)
        return "write-ahead log" if safe else "rollback journal (this version has the WAL-reset bug)"


def examine_machine(root: Path = Path("/")) -> Machine:
    """Look at the machine; what cannot be read counts as not limited."""
    sqlite = sqlite3.sqlite_version_info
    return Machine(
        avx2="avx2" in _cpu_flags(root),
        cores=min(len(os.sched_getaffinity(0)), _quota(root)),
        memory_bytes=min(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), _memory_limit(root)),
        clock_kept=clock_is_synchronised(root),
        sqlite=(sqlite[0], sqlite[1], sqlite[2]),
    )


def _cpu_flags(root: Path) -> list[str]:
    for line in _text(root / "proc/cpuinfo").splitlines():
        if line.startswith("flags"):
            return line.partition(":")[2].split()
    return []


def _quota(root: Path) -> float:
    quota, _, period = _text(root / "sys/fs/cgroup/cpu.max").strip().partition(" ")
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else float("inf")


def _memory_limit(root: Path) -> int:
    limit = _text(root / "sys/fs/cgroup/memory.max").strip()
    return int(limit) if limit.isdecimal() else 1 << 63


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def clock_is_synchronised(root: Path = Path("/")) -> bool | None:
    """Whether something keeps this clock to a time source: the kernel knows, or systemd left its mark.

    None where the kernel may not be asked, as in some containers.
    """
    if (root / "run/systemd/timesync/synchronized").exists():
        return True
    state = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes 0: only ask
    try:
        answer = ctypes.CDLL(None).adjtimex(state)
    except (OSError, AttributeError):
        return None
    if answer < 0:
        return None
    status = int.from_bytes(state.raw[_STATUS_AT : _STATUS_AT + 4], "little")
    return not status & _STA_UNSYNC


def machine_findings(machine: Machine, container: str | None, needs: Needs | None) -> Iterable[DoctorFinding]:
    """What the machine lacks; cores and memory are judged only where it is known for which container."""
    if not machine.avx2:
        do = "run the container on an x64 machine with AVX2; a virtual machine may hide it: pass the host's CPU through"
        yield DoctorFinding("no-avx2", PLACE, "the processor does not offer AVX2", do=do)
    if needs is not None:
        yield from _lacking(machine, container or "container", needs)
    if machine.clock_kept is False:
        do = "point chrony or systemd-timesyncd at a time server of this site, and compare with: date -u"
        yield DoctorFinding("clock-loose", PLACE, "its clock is not synchronized to a time source", do=do)


def _lacking(machine: Machine, container: str, needs: Needs) -> Iterable[DoctorFinding]:
    cores, memory = f"{machine.cores:g} cores", f"{machine.memory_bytes / _GB:.1f} GB of memory"
    least, better = needs.least, needs.allotted
    short = f"{container} needs {least.cores} cores and {least.memory_gb} GB" if least else ""
    few = f"for {container} {better.cores} cores and {better.memory_gb} GB are recommended"
    do = "give the machine, or the container (--cpus, --memory), more"
    if least and machine.cores < least.cores:
        yield DoctorFinding("cores-too-few", PLACE, f"there are {cores}; {short}", do=do)
    elif machine.cores < better.cores:
        yield DoctorFinding("cores-few", PLACE, f"there are {cores}; {few}", do=do)
    if least and machine.memory_bytes < least.memory_gb * _GB:
        yield DoctorFinding("memory-too-little", PLACE, f"there are {memory}; {short}", do=do)
    elif machine.memory_bytes < better.memory_gb * _GB:
        yield DoctorFinding("memory-little", PLACE, f"there are {memory}; {few}", do=do)


def machine_facts(machine: Machine) -> dict[str, str]:
    """The machine in words, for whoever reads the answer."""
    version = ".".join(map(str, machine.sqlite))
    kept = {True: "synchronized", False: "not synchronized", None: "synchronization unknown"}
    avx2 = "AVX2" if machine.avx2 else "no AVX2"
    return {
        "Machine": f"{machine.cores:g} cores, {machine.memory_bytes / _GB:.1f} GB of memory, {avx2}",
        "Clock": kept[machine.clock_kept],
        "SQLite": f"{version}: {machine.journal}",
    }
