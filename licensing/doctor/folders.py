"""The folders of a site: the license folder and the output folders, each looked at in one walk."""

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from licensing.doctor.access import ENTER, READ, WRITE
from licensing.doctor.finding import Finding
from licensing.doctor.identity import Identity
from licensing.doctor.license_folder import key_findings, name_findings, writable_findings
from licensing.doctor.links import link_findings
from licensing.doctor.mounts import Mount, Space, in_a_container, read_only_finding, space_findings
from licensing.doctor.output_folder import has_usage_files, sharing_findings
from licensing.doctor.survey import Survey, access_findings, closed_findings, missing_folder, no_folder, survey

_MIB = 1 << 20
_FindingsOf = Callable[[Survey, Identity], Iterable[Finding]]


class Folder(NamedTuple):
    """A folder that was looked at: what it is in words, what was found, and how. ``tried`` is None without a survey."""

    path: str
    told: str
    findings: tuple[Finding, ...]
    tried: bool | None = None
    empty: bool = False


def license_folder(path: str, identity: Identity, known: Sequence[Mount], root: Path) -> Folder:
    """Look at a license folder: the container only reads it."""
    return _folder(path, identity, known, root, _license_findings)


def output_folder(path: str, identity: Identity, known: Sequence[Mount], root: Path) -> Folder:
    """Look at an output folder: the container writes to all of it. It is ``empty`` without a usage file."""
    return _folder(path, identity, known, root, _output_findings)


def _folder(path: str, identity: Identity, known: Sequence[Mount], root: Path, findings_of: _FindingsOf) -> Folder:
    try:
        if not stat.S_ISDIR(Path(path).stat().st_mode):
            return Folder(path, "no folder", (no_folder(path, identity),))
        looked = survey(path, identity, known)
    except (FileNotFoundError, NotADirectoryError):
        lost = no_folder if os.path.lexists(path) else missing_folder
        return Folder(path, "not there", (lost(path, identity),))
    except OSError as error:
        reason = f"it cannot be looked at by user {os.geteuid()}: {error.strerror or error}"
        return Folder(path, reason, (Finding("folder-closed", path, reason, do="run azlic doctor as root"),))
    found = [*closed_findings(looked.tree), *_not_mounted(looked, known, root), *link_findings(looked.tree)]
    found += findings_of(looked, identity)
    empty = not looked.tree.closed and not has_usage_files(looked.tree)
    return Folder(path, _told(looked), tuple(found), tried=looked.found is not None, empty=empty)


def _license_findings(looked: Survey, identity: Identity) -> Iterable[Finding]:
    yield from access_findings(looked, identity, folder_needs=READ | ENTER, file_needs=READ)
    yield from name_findings(looked.tree)
    yield from writable_findings(looked, identity)
    yield from key_findings(looked.tree, identity)


def _output_findings(looked: Survey, identity: Identity) -> Iterable[Finding]:
    if looked.mount is not None and looked.mount.read_only:
        yield read_only_finding(looked.folder, looked.mount)
        yield from access_findings(looked, identity, folder_needs=READ | ENTER, file_needs=READ)
    else:
        yield from access_findings(looked, identity, folder_needs=READ | WRITE | ENTER, file_needs=READ | WRITE)
    yield from sharing_findings(looked.tree)
    yield from space_findings(looked.folder, Space.of(looked.folder))


def _not_mounted(looked: Survey, known: Sequence[Mount], root: Path) -> Iterable[Finding]:
    if looked.mount is not None and looked.mount.point == "/" and in_a_container(known, root):
        do = "start the container with the folder mounted: -v HOST-FOLDER:CONTAINER-FOLDER"
        yield Finding("folder-not-mounted", looked.folder, "it lies in this container itself, on no mount", do=do)


def _told(looked: Survey) -> str:
    """Owner, mode, how many files, what it lies on, how that is mounted, and what is free there."""
    entry = looked.tree.entries[0]
    told = f"{entry.uid}:{entry.gid} {stat.S_IMODE(entry.mode):04o}, {len(looked.tree.entries) - 1:,} below it"
    if looked.mount is not None:
        is_point = looked.mount.point == os.path.realpath(looked.folder)
        options = sorted((looked.mount.options | looked.mount.super_options) & {"rw", "ro", "noexec", "nosuid"})
        options = [option for option in options if not (option == "rw" and looked.mount.read_only)]
        told += f", {'a mount' if is_point else 'no mount of its own'} ({looked.mount.kind} {','.join(options)})"
    return f"{told}, {Space.of(looked.folder).bytes_free // _MIB:,} MiB free"
