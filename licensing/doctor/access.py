"""Who may do what with a file: owner, group, mode bits and ACL, weighed as the kernel weighs them.

Source: acl(5), path_resolution(7); the layout of ``system.posix_acl_access`` is that of <linux/posix_acl_xattr.h>.
"""

import os
import stat
import struct
from typing import NamedTuple

from licensing.doctor.identity import Identity

READ, WRITE, ENTER = 4, 2, 1
"""A file can be read or written; a folder listed (READ), have names made in it (WRITE), and be entered."""

_ATTRIBUTE = "system.posix_acl_access"
_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 1, 2, 4, 8, 16, 32


class AclEntry(NamedTuple):
    """One line of an ACL: what kind, which of read, write and execute, and for whom."""

    tag: int
    bits: int
    id: int


Acl = tuple[AclEntry, ...]


def read_acl(path: str) -> Acl | None:
    """The ACL of a file; None where it has none beside its mode bits, or its file system has no ACLs."""
    try:
        return parse_acl(os.getxattr(path, _ATTRIBUTE, follow_symlinks=False))
    except OSError:
        return None


def parse_acl(content: bytes) -> Acl | None:
    """The ACL of an attribute's bytes; None for bytes that are none."""
    if content[:4] != _VERSION or (len(content) - 4) % _ENTRY.size:
        return None
    return tuple(AclEntry(tag, bits & 7, id_) for tag, bits, id_ in _ENTRY.iter_unpack(content[4:]))


def permits(status: os.stat_result, acl: Acl | None, identity: Identity, want: int) -> bool:
    """Whether a user may do all of ``want`` at once: two groups that each allow half do not add up.

    Where the mode has no bit for the group, which is the ACL's mask, Linux does not look at the ACL at all.
    """
    if identity.uid == 0:
        return True
    if acl is None or not status.st_mode & stat.S_IRWXG:
        return status.st_mode >> _shift(status, identity) & want == want
    return _acl_permits(acl, status, identity, want)


def _shift(status: os.stat_result, identity: Identity) -> int:
    if status.st_uid == identity.uid:
        return 6
    return 3 if identity.is_in(status.st_gid) else 0


def _acl_permits(acl: Acl, status: os.stat_result, identity: Identity, want: int) -> bool:
    mask = next((entry.bits for entry in acl if entry.tag == _MASK), 7)
    in_a_group = False
    for entry in acl:
        if entry.tag == _USER_OBJ and status.st_uid == identity.uid:
            return entry.bits & want == want
        if entry.tag == _USER and entry.id == identity.uid:
            return entry.bits & mask & want == want
        group = status.st_gid if entry.tag == _GROUP_OBJ else entry.id
        if entry.tag in {_GROUP_OBJ, _GROUP} and identity.is_in(group):
            in_a_group = True
            if entry.bits & want == want:
                return mask & want == want
    return not in_a_group and any(entry.tag == _OTHER and entry.bits & want == want for entry in acl)


def rights(status: os.stat_result, acl: Acl | None, identity: Identity) -> int:
    """What a user may do with a file or folder that it can reach. Making a name in a folder takes entering it too."""
    is_folder = stat.S_ISDIR(status.st_mode)
    found = READ if permits(status, acl, identity, READ) else 0
    found |= WRITE if permits(status, acl, identity, WRITE | ENTER if is_folder else WRITE) else 0
    return found | (ENTER if is_folder and permits(status, acl, identity, ENTER) else 0)
