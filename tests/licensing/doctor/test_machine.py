"""The machine: processor, memory, clock, SQLite, and what a container needs of them."""

from pathlib import Path

import pytest

from licensing.containers import CONTAINER_TYPES
from licensing.doctor.machine import (
    Machine,
    clock_is_synchronised,
    examine_machine,
    machine_facts,
    machine_findings,
)
from tests.licensing.doctor.patient import STRONG

GB = 10**9


def codes(machine: Machine, container: str | None = "read", version: str | None = None) -> list[str]:
    kind = CONTAINER_TYPES.get(container or "")
    needs = kind.needs_of(version or kind.tag) if kind else None
    return [finding.code for finding in machine_findings(machine, container, needs)]


def test_a_strong_machine_has_no_findings() -> None:
    assert codes(STRONG) == []


@pytest.mark.parametrize(
    ("container", "version", "cores", "memory", "expected"),
    [
        ("read", None, 8, 16, []),
        ("read", None, 7.5, 16, ["cores-few"]),
        ("read", None, 4, 16, ["cores-few"]),
        ("read", None, 3.9, 16, ["cores-too-few"]),
        ("read", None, 8, 15.9, ["memory-little"]),
        ("read", "3.2.0", 8, 8, ["memory-little"]),
        ("read", "3.2.0", 8, 7.9, ["memory-too-little"]),
        ("read", "3.2-model-2022-04-30", 8, 8, ["memory-little"]),
        ("read", "3.2-model-2021-04-12", 8, 15.9, ["memory-too-little"]),
        ("read", "3.2-model-2021-04-12", 8, 16, ["memory-little"]),
        ("read", "3.2-model-2021-04-12", 8, 24, []),
        ("speech-to-text", "5.0.0", 4, 8, ["cores-few", "memory-little"]),
        ("speech-to-text", "5.0.0", 2, 4, ["cores-too-few", "memory-too-little"]),
        ("speech-to-text", None, 8, 16, []),
        ("summarization", "gpu", 2, 24, []),
        ("summarization", "gpu", 1, 1, ["cores-few", "memory-little"]),
        ("text-translation", None, 3, 3, ["cores-too-few", "memory-too-little"]),
        ("unheard-of", None, 1, 1, []),
        (None, None, 1, 1, []),
    ],
)
def test_cores_and_memory_are_held_against_the_containers_table(
    container: str | None, version: str | None, cores: float, memory: float, expected: list[str]
) -> None:
    machine = STRONG._replace(cores=cores, memory_bytes=int(memory * GB))
    assert codes(machine, container, version) == expected


def test_a_processor_without_avx2_and_a_loose_clock_are_told() -> None:
    assert codes(STRONG._replace(avx2=False, clock_kept=False), None) == ["no-avx2", "clock-loose"]
    assert codes(STRONG._replace(clock_kept=None)) == []


@pytest.mark.parametrize(
    ("version", "journal"),
    [((3, 40, 1), "rollback journal"), ((3, 44, 6), "write-ahead log"), ((3, 51, 2), "rollback")],
)
def test_the_facts_name_sqlite_and_its_journal(version: tuple[int, int, int], journal: str) -> None:
    assert journal in machine_facts(STRONG._replace(sqlite=version))["SQLite"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("proc", "sys/fs/cgroup"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def test_flags_are_read_whole(root: Path) -> None:
    (root / "proc/cpuinfo").write_text("processor : 0\nflags\t\t: fpu avx avx2x\n")
    assert not examine_machine(root).avx2
    (root / "proc/cpuinfo").write_text("processor : 0\nflags\t\t: fpu avx2 bmi\n")
    assert examine_machine(root).avx2


@pytest.mark.parametrize("content", ["", "max 100000\n", "max", "5 0", "nonsense\n"])
def test_no_quota_is_no_limit(root: Path, content: str) -> None:
    (root / "sys/fs/cgroup/cpu.max").write_text(content)
    (root / "sys/fs/cgroup/memory.max").write_text("max\n")
    free = examine_machine(root / "nowhere")
    assert examine_machine(root)[1:3] == free[1:3]
    assert free.cores >= 1 and free.memory_bytes > 0


def test_the_limits_of_a_container_count(root: Path) -> None:
    (root / "sys/fs/cgroup/cpu.max").write_text("50000 100000\n")
    (root / "sys/fs/cgroup/memory.max").write_text("1048576\n")
    machine = examine_machine(root)
    assert (machine.cores, machine.memory_bytes) == (0.5, 1 << 20)


def test_the_mark_of_timesyncd_is_believed(root: Path) -> None:
    assert clock_is_synchronised(root) in {True, False, None}
    (root / "run/systemd/timesync").mkdir(parents=True)
    (root / "run/systemd/timesync/synchronized").touch()
    assert clock_is_synchronised(root) is True


@pytest.mark.parametrize(("answer", "status", "kept"), [(0, 0x2001, True), (5, 0x0040, False), (-1, 0, None)])
def test_the_kernel_is_asked_about_its_clock(
    root: Path, monkeypatch: pytest.MonkeyPatch, answer: int, status: int, kept: bool | None
) -> None:
    class Library:
        def __init__(self, _name: None) -> None: ...

        def adjtimex(self, state: object) -> int:
            state[40:44] = status.to_bytes(4, "little")  # type: ignore[index]
            return answer

    monkeypatch.setattr("ctypes.CDLL", Library)
    assert clock_is_synchronised(root) is kept
