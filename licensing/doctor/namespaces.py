"""User namespaces: where Docker's userns-remap or a rootless engine shifts ids, 65532 inside is another user here.

Source: subuid(5), user_namespaces(7); Docker counts its range from the container's root, rootless engines map that
root to the user itself and count from 1.
"""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from licensing.core.files import FileTooLarge, read_capped
from licensing.core.text import command_word, printable
from licensing.doctor.finding import DoctorFinding
from licensing.doctor.identity import Identity

_RANGE = 65_536
_NUMBER = re.compile(r"[0-9]{1,10}")
_MAX_BYTES = 1024 * 1024
_FIRST = 100_000
_ROOTLESS = (".local/share/containers", ".local/share/docker")


class SubRange(NamedTuple):
    """A line of ``/etc/subuid`` or ``/etc/subgid``: whose ids, from which on, how many."""

    owner: str
    start: int
    size: int


class Shift(NamedTuple):
    """The user as this host sees it, in whose words it was shifted, and what is wrong with the ranges."""

    identity: Identity
    told: str
    findings: tuple[DoctorFinding, ...] = ()


def parse_ranges(text: str) -> list[SubRange]:
    """The ranges of a subuid file; a line that is none is passed over."""
    found: list[SubRange] = []
    for line in text.splitlines():
        owner, *numbers = line.strip().split(":")
        if owner and len(numbers) == 2 and all(_NUMBER.fullmatch(number) for number in numbers):
            found.append(SubRange(owner, int(numbers[0]), int(numbers[1])))
    return found


def find_userns_remap(root: Path = Path("/")) -> str | None:
    """The user that Docker's setting ``userns-remap`` names; ``default`` is dockremap. None where it is not set."""
    try:
        told = json.loads(read_capped(root / "etc/docker/daemon.json", _MAX_BYTES)).get("userns-remap")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    if not isinstance(told, str) or not told:
        return None
    return "dockremap" if told == "default" else told.partition(":")[0]


def shift(
    identity: Identity, *, owners: Iterable[tuple[int, int]], home: Path | None, user: str, root: Path = Path("/")
) -> Shift:
    """Who the container's user is on this host.

    Docker's setting is followed; else a folder that belongs to the shifted user of somebody's rootless engine shows
    that this is meant; else the engine of ``user``, who is not root and keeps its images in ``home``.
    """
    if _inside_a_namespace(root):
        return Shift(identity, "this process is in a user namespace of its own; ids are as it sees them")
    uids, gids = (_ranges(root / "etc" / name) for name in ("subuid", "subgid"))
    if name := find_userns_remap(root):
        return _userns_remap(identity, name, uids, gids, root / "etc")
    for owner in dict.fromkeys(entry.owner for entry in uids):
        rootless = _rootless(identity, owner, uids, gids)
        if rootless and rootless[:2] in set(owners):
            return _shift_of(
                identity, rootless, f"the rootless engine of {printable(owner)}, to whom the folders belong"
            )
    if home is not None and any(_is_there(home / place) for place in _ROOTLESS):
        rootless = _rootless(identity, user, uids, gids)
        if rootless:
            return _shift_of(identity, rootless, f"the rootless engine of {printable(user)}")
    return Shift(identity, "ids are not shifted")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False  # the home of somebody else, after su or sudo


def _inside_a_namespace(root: Path) -> bool:
    try:
        return (root / "proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]
    except OSError:
        return False


def _ranges(path: Path) -> list[SubRange]:
    try:
        return parse_ranges(read_capped(path, _MAX_BYTES).decode(errors="replace"))
    except (OSError, FileTooLarge):
        return []


def _shift_of(identity: Identity, shifted: Identity, by: str) -> Shift:
    return Shift(shifted, f"{identity} in the container is {shifted} here, by {by}")


def _host_id(number: int, ranges: Iterable[SubRange]) -> int | None:
    """The id behind the ranges, which are laid end to end."""
    for entry in ranges:
        if number < entry.size:
            return entry.start + number
        number -= entry.size
    return None


def _userns_remap(identity: Identity, name: str, uids: list[SubRange], gids: list[SubRange], etc: Path) -> Shift:
    uid = _host_id(identity.uid, (entry for entry in uids if entry.owner == name))
    gid = _host_id(identity.gid, (entry for entry in gids if entry.owner == name))
    if uid is not None and gid is not None:
        return _shift_of(identity, Identity(uid, gid), f"userns-remap ({printable(name)})")
    start = max([_FIRST, *(entry.start + entry.size for entry in (*uids, *gids))])
    files = [str(etc / file) for file, found in (("subuid", uid), ("subgid", gid)) if found is None]
    add = " && ".join(f"echo {name}:{start}:{_RANGE} >> {command_word(file)}" for file in files)
    problem = f"Docker's userns-remap names {printable(name)}, who has no range for {identity} in {' and '.join(files)}"
    plain = name.isidentifier() or name.replace("-", "_").isidentifier()
    finding = DoctorFinding(
        "subids-missing", files[0], problem, add if plain else None, do="give the user a range: subuid(5)"
    )
    return Shift(identity, "ids would be shifted by userns-remap, but the offset is not stated", (finding,))


def _rootless(identity: Identity, owner: str, uids: list[SubRange], gids: list[SubRange]) -> Identity | None:
    if identity.uid == 0 or identity.gid == 0:
        return None
    uid = _host_id(identity.uid - 1, (entry for entry in uids if entry.owner == owner))
    gid = _host_id(identity.gid - 1, (entry for entry in gids if entry.owner == owner))
    return None if uid is None or gid is None else Identity(uid, gid)


def engine_home() -> Path | None:
    """Where the user of this process would keep a rootless engine's images; None for root."""
    home = os.environ.get("HOME")
    return Path(home) if home and os.geteuid() != 0 else None
