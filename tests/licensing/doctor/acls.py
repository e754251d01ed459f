"""ACLs as the kernel keeps them, set without any package."""

import os
import struct
from pathlib import Path

USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32
NOBODY = 0xFFFFFFFF


def packed(*entries: tuple[int, int, int]) -> bytes:
    """The bytes of an ACL: tag, bits, id of each entry."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def an_acl(
    mode: int,
    *,
    users: dict[int, int] | None = None,
    groups: dict[int, int] | None = None,
    mask: int = 7,
) -> bytes:
    """An ACL over the bits of ``mode``, with named users and groups."""
    return packed(
        (USER_OBJ, mode >> 6 & 7, NOBODY),
        *((USER, bits, uid) for uid, bits in sorted((users or {}).items())),
        (GROUP_OBJ, mode >> 3 & 7, NOBODY),
        *((GROUP, bits, gid) for gid, bits in sorted((groups or {}).items())),
        (MASK, mask, NOBODY),
        (OTHER, mode & 7, NOBODY),
    )


def set_acl(path: Path, acl: bytes) -> None:
    """Give a file an ACL. Raises ``OSError`` where its file system has none."""
    os.setxattr(path, "system.posix_acl_access", acl)
