"""The user that a container runs as: nonroot, 65532:65532 unless stated otherwise.

Source: facts §1.3 (ownership of both mounts, and hosts that have no such name).
"""

import contextlib
import grp
import os
import pwd
from collections.abc import Iterable
from typing import NamedTuple

from licensing.core.errors import BadCall
from licensing.core.user import read_id
from licensing.doctor.finding import DoctorFinding

NONROOT = "nonroot"
OPENSHIFT = "openshift"
_SOME_NUMBER = 1_000_650_000
"""A user as OpenShift chooses one, from a namespace's range; no file is that user's."""


class Identity(NamedTuple):
    """A user by numbers. ``groups`` are those beside its own: a container's user has none, unless it runs here.

    ``fs_group`` is the group by which it gets at its volumes, where a cluster gives them to one (fsGroup).
    """

    uid: int
    gid: int
    groups: frozenset[int] = frozenset()
    fs_group: int | None = None

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"

    def is_in(self, gid: int) -> bool:
        """Whether the user is in a group."""
        return gid == self.gid or gid in self.groups

    @property
    def by_group(self) -> int | None:
        """The group that its files are to belong to, whoever owns them; None where they are to be its own.

        It is fsGroup, or 0 for a user whom OpenShift chose: a number of no file's owner, in the group of root.
        """
        return 0 if self.fs_group is None and self.uid and self.gid == 0 else self.fs_group

    def with_fs_group(self, gid: int) -> "Identity":
        """The same user, whom a cluster gives volumes by this group."""
        return self._replace(groups=self.groups | {gid}, fs_group=gid)

    def is_right_owner(self, uid: int, gid: int) -> bool:
        """Whether a file of these numbers belongs to whom it should."""
        return (uid, gid) == self[:2] if self.by_group is None else gid == self.by_group

    def give(self, flag: str, where: str) -> str:
        """The command that gives files to the user, or to its group."""
        if self.by_group is None:
            return f"chown -h{flag} {self} {where}"
        return f"chgrp -h{flag} {self.by_group} {where}"

    def make_folder(self, word: str) -> str:
        """The command that makes a folder for the user, or for its group: what is made in it is that group's too."""
        if self.by_group is None:
            return f"install -d -m 0750 -o {self.uid} -g {self.gid} {word}"
        return f"install -d -m 2770 -g {self.by_group} {word}"

    @classmethod
    def own(cls) -> "Identity":
        """The user of this process."""
        return cls(os.geteuid(), os.getegid(), frozenset(os.getgroups()) - {os.getegid()})

    def as_here(self) -> "Identity":
        """The same user with the groups it has here, where it is the one who asks: Kubernetes' fsGroup is one."""
        own = Identity.own()
        return own._replace(fs_group=self.fs_group) if own[:2] == self[:2] else self


def find_user(text: str, *, nonroot: str) -> Identity:
    """The user of ``UID:GID``, ``UID``, or a name (``NAME`` or ``NAME:GROUP``) of this host.

    ``nonroot`` is what that name stands for, whatever this host calls so: inside the container the numbers count.
    ``openshift`` is whomever that chooses: any number, in group 0.
    Raises ``BadCall`` for a name that this host does not know.
    """
    if text == OPENSHIFT:
        return Identity(_SOME_NUMBER, 0)
    if text in {NONROOT, f"{NONROOT}:{NONROOT}"}:
        text = nonroot
    user, _, group = text.partition(":")
    uid = read_id(user)
    if uid is None:
        with contextlib.suppress(KeyError, ValueError):
            known = pwd.getpwnam(user)
            return Identity(known.pw_uid, _group(group, text) if group else known.pw_gid)
        raise _unknown(text)
    return Identity(uid, _group(group, text) if group else uid)


def _group(group: str, text: str) -> int:
    gid = read_id(group)
    if gid is None:
        with contextlib.suppress(KeyError, ValueError):
            return grp.getgrnam(group).gr_gid
        raise _unknown(text)
    return gid


def _unknown(text: str) -> BadCall:
    return BadCall(
        f"this host has no user {text!r}",
        hint="give the numbers that the container has, UID:GID, for example 65532:65532",
    )


def name_findings(identity: Identity) -> Iterable[DoctorFinding]:
    """Whether this host calls another user nonroot, so that the manual's ``chown nonroot:nonroot`` would go wrong."""
    with contextlib.suppress(KeyError):
        known = pwd.getpwnam(NONROOT)
        if (known.pw_uid, known.pw_gid) != identity[:2]:
            numbers = f"{known.pw_uid}:{known.pw_gid}"
            yield DoctorFinding(
                "nonroot-elsewhere",
                NONROOT,
                f"this host's own user nonroot is {numbers}, the container's is {identity}",
                do=f"always use the numbers: chown -R {identity}",
            )
