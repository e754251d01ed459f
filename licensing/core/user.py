"""A user by two numbers, ``UID:GID``, as a container is told one."""

import re

from licensing.core.errors import BadCall

LARGEST_ID = (1 << 32) - 2  # the last one says "no user"


def read_id(text: str, *, largest: int = LARGEST_ID) -> int | None:
    """The number of a user or a group, or None for what is none."""
    return int(text) if re.fullmatch("[0-9]{1,10}", text) and int(text) <= largest else None


def read_user(text: str, *, largest: int = LARGEST_ID) -> tuple[int, int] | None:
    """Both numbers of ``UID:GID``, or None for anything else."""
    user, _, group = text.partition(":")
    uid, gid = read_id(user, largest=largest), read_id(group, largest=largest)
    return None if uid is None or gid is None else (uid, gid)


def parse_user(text: str, *, largest: int = LARGEST_ID) -> tuple[int, int]:
    """Read what ``--user`` was given. Raises ``BadCall``."""
    if (user := read_user(text, largest=largest)) is None:
        raise BadCall(f"--user {text[:40]!r} is not of the form UID:GID", hint="for example --user 65532:65532")
    return user
