"""The folders of a site: the license folder and the output folders. Each is looked at in one walk, then judged."""

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from licensing.doctor.access import ENTER, READ, WRITE
from licensing.doctor.finding import DoctorFinding
from licensing.doctor.identity import Identity
from licensing.doctor.license_folder import key_findings, name_findings, writable_findings
from licensing.doctor.links import link_findings
from licensing.doctor.mounts import MountPoint, Space, in_a_container, mount_of, read_only_finding, space_findings
from licensing.doctor.output_folder import sharing_findings
from licensing.doctor.survey import Survey, access_findings, missing_folder, no_folder, unreadable_findings
from licensing.doctor.tree import Tree, walk

_MIB = 1 << 20
_FindingsOf = Callable[[Survey, Identity], Iterable[DoctorFinding]]


class Sight(NamedTuple):
    """A folder as it was looked at. Where it has no tree, it could not be, and ``finding`` says why."""

    path: str
    tree: Tree | None = None
    mount: MountPoint | None = None
    finding: DoctorFinding | None = None

    @property
    def problem(self) -> str:
        """Why it could not be looked at."""
        return self.finding.problem if self.finding else ""


class Folder(NamedTuple):
    """A folder that was looked at: what it is in words, what was found, and how. ``tried`` is None without a survey.

    ``whole`` says that all of it could be seen.
    """

    path: str
    told: str
    findings: tuple[DoctorFinding, ...]
    tried: bool | None = None
    whole: bool = False


def look(path: str, identity: Identity, known: Sequence[MountPoint]) -> Sight:
    """Look at everything in a folder, once."""
    try:
        if not stat.S_ISDIR(Path(path).stat().st_mode):
            return Sight(path, finding=no_folder(path, identity))
        mount = mount_of(os.path.realpath(path), known)
        return Sight(path, walk(path, identity, read_only=mount is not None and mount.read_only), mount)
    except (FileNotFoundError, NotADirectoryError):
        lost = no_folder if os.path.lexists(path) else missing_folder
        return Sight(path, finding=lost(path, identity))
    except OSError as error:
        reason = f"it cannot be examined by user {os.geteuid()}: {error.strerror or error}"
        return Sight(path, finding=DoctorFinding("folder-closed", path, reason, do="run azlic doctor as root"))


class Judge(NamedTuple):
    """What folders are judged by: for whom, among which mounts, on which machine."""

    identity: Identity
    known: Sequence[MountPoint]
    root: Path

    def license_folder(self, sight: Sight, found: bytes | None) -> Folder:
        """Judge a license folder: the container only reads it. ``found`` are its rights as they were tried."""
        return self._folder(sight, found, _license_findings)

    def output_folder(self, sight: Sight, found: bytes | None) -> Folder:
        """Judge an output folder: the container writes to all of it."""
        return self._folder(sight, found, _output_findings)

    def _folder(self, sight: Sight, found: bytes | None, findings_of: _FindingsOf) -> Folder:
        if sight.tree is None:
            return Folder(sight.path, sight.problem, (sight.finding,) if sight.finding else ())
        looked = Survey(sight.tree, found, sight.mount)
        findings = (
            *unreadable_findings(looked.tree),
            *_mount_findings(looked, self.known, self.root),
            *link_findings(looked.tree),
            *findings_of(looked, self.identity),
        )
        return Folder(sight.path, _facts(looked), findings, tried=found is not None, whole=not looked.tree.closed)


def _license_findings(looked: Survey, identity: Identity) -> Iterable[DoctorFinding]:
    yield from access_findings(looked, identity, folder_needs=READ | ENTER, file_needs=READ)
    yield from name_findings(looked.tree)
    yield from writable_findings(looked, identity)
    yield from key_findings(looked.tree, identity)


def _output_findings(looked: Survey, identity: Identity) -> Iterable[DoctorFinding]:
    if looked.mount is not None and looked.mount.read_only:
        yield read_only_finding(looked.folder, looked.mount)
        yield from access_findings(looked, identity, folder_needs=READ | ENTER, file_needs=READ)
    else:
        yield from access_findings(looked, identity, folder_needs=READ | WRITE | ENTER, file_needs=READ | WRITE)
    yield from sharing_findings(looked.tree)
    yield from space_findings(looked.folder, Space.of(looked.folder))


def _mount_findings(looked: Survey, known: Sequence[MountPoint], root: Path) -> Iterable[DoctorFinding]:
    if looked.mount is not None and looked.mount.point == "/" and in_a_container(known, root):
        do = "start the container with the folder mounted: -v HOST-FOLDER:CONTAINER-FOLDER"
        yield DoctorFinding(
            "folder-not-mounted", looked.folder, "it is inside this container itself, not on a mount", do=do
        )


def _facts(looked: Survey) -> str:
    """Owner, mode, how many files, what it lies on, how that is mounted, and what is free there."""
    entry = looked.tree.entries[0]
    told = f"{entry.uid}:{entry.gid} {stat.S_IMODE(entry.mode):04o}, {len(looked.tree.entries) - 1:,} below it"
    if looked.mount is not None:
        is_point = looked.mount.point == os.path.realpath(looked.folder)
        options = sorted((looked.mount.options | looked.mount.super_options) & {"rw", "ro", "noexec", "nosuid"})
        options = [option for option in options if not (option == "rw" and looked.mount.read_only)]
        told += f", {'a mount' if is_point else 'no mount of its own'} ({looked.mount.kind} {','.join(options)})"
    return f"{told}, {Space.of(looked.folder).bytes_free // _MIB:,} MiB free"
