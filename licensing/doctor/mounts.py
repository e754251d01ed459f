"""What is mounted where, how, and how much space is left.

Source: proc(5) for /proc/self/mountinfo, statvfs(3).
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from licensing.core.text import command_word
from licensing.doctor.finding import DoctorFinding

_OCTAL = re.compile(rb"\\([0-7]{3})")
_MIB = 1 << 20
_OUT_BYTES, _OUT_INODES = 64 * _MIB, 64
_LOW_BYTES, _LOW_INODES, _LOW_PERCENT = 10 * 1024 * _MIB, 10_000, 5


class MountPoint(NamedTuple):
    """One mount: where, of which kind, with which options; ``super_options`` are those of the file system itself."""

    point: str
    kind: str
    options: frozenset[str]
    super_options: frozenset[str]

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written there."""
        return "ro" in self.options | self.super_options


def parse_mounts(content: bytes) -> list[MountPoint]:
    """The mounts of a ``mountinfo`` file, in its order; a line that is none is passed over."""
    return [mount for line in content.split(b"\n") if (mount := _mount(line))]


def _mount(line: bytes) -> MountPoint | None:
    before, dash, behind = line.partition(b" - ")
    left, right = before.split(b" "), behind.split(b" ")
    if not dash or len(left) < 6 or len(right) < 3 or not left[4].startswith(b"/"):
        return None
    point = _OCTAL.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), left[4])
    options, super_options = (frozenset(os.fsdecode(field).split(",")) for field in (left[5], right[2]))
    return MountPoint(os.fsdecode(point), os.fsdecode(right[0]), options, super_options)


def read_mounts(root: Path = Path("/")) -> list[MountPoint]:
    """What is mounted on this machine, as this process sees it; nothing where that cannot be read."""
    try:
        return parse_mounts((root / "proc/self/mountinfo").read_bytes())
    except OSError:
        return []


def mount_of(path: str, known: Iterable[MountPoint]) -> MountPoint | None:
    """The mount that a real path is on: the deepest; of two at one point the later, which hides the other."""
    found: MountPoint | None = None
    for mount in known:
        inside = mount.point in {"/", path} or path.startswith(f"{mount.point}/")
        if inside and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def in_a_container(known: Iterable[MountPoint], root: Path = Path("/")) -> bool:
    """Whether this process runs in a container, whose own files go away with it."""
    if any((root / mark).exists() for mark in (".dockerenv", "run/.containerenv")):
        return True
    own = mount_of("/", [mount for mount in known if mount.point == "/"])
    return own is not None and "overlay" in own.kind


class Space(NamedTuple):
    """What is left of a file system for users who are not root; ``inodes`` is None where it does not count them."""

    bytes_free: int
    bytes_all: int
    inodes_free: int | None
    inodes_all: int

    @classmethod
    def of(cls, path: str) -> "Space":
        """The space available at a path. Raises ``OSError``."""
        told = os.statvfs(path)
        inodes = told.f_favail if told.f_files else None
        return cls(told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize, inodes, told.f_files)


def space_findings(place: str, space: Space) -> Iterable[DoctorFinding]:
    """Whether space or inodes have run out, or soon will."""
    left = [(f"{space.bytes_free // _MIB:,} MiB", space.bytes_free, space.bytes_all, _OUT_BYTES, _LOW_BYTES)]
    if space.inodes_free is not None:
        inodes = space.inodes_free
        left.append((f"{inodes:,} inodes (files that can be made)", inodes, space.inodes_all, _OUT_INODES, _LOW_INODES))
    for words, free, whole, out, low in left:
        is_low = free < low and free * 100 < whole * _LOW_PERCENT
        if free < out or is_low:
            do = f"make room on its file system, or mount a larger one: df -h {command_word(place)}"
            yield DoctorFinding("space-out" if free < out else "space-low", place, f"only {words} are left", do=do)


def read_only_finding(place: str, mount: MountPoint) -> DoctorFinding:
    """An output folder on a mount that nobody can write to."""
    how = "remount,bind,rw" if "ro" not in mount.super_options else "remount,rw"
    return DoctorFinding(
        "mount-read-only",
        place,
        f"it is on {mount.point}, which is mounted read-only",
        command=f"mount -o {how} {command_word(mount.point)}",
    )
