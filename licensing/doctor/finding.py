"""A finding: what is wrong, why it matters, and what fixes it. Every code is listed in ``KINDS``."""

from enum import StrEnum
from typing import NamedTuple


class FindingLevel(StrEnum):
    """How much a finding weighs: something is wrong, it is worth a look, or it could not be examined."""

    ERROR = "error"
    WARNING = "warning"
    UNEXAMINED = "unexamined"


class FindingKind(NamedTuple):
    """What all findings of one code share. ``safe``: ``--fix`` may run their command."""

    level: FindingLevel
    why: str
    safe: bool = False


class DoctorFinding(NamedTuple):
    """One thing that is not as it should be.

    ``command``, run by ``sh -c`` as it is, makes the finding go away; where no command can, it is None and ``do``
    says what a person has to do. ``affected`` says how many files it is about, ``names`` are the first of them.
    """

    code: str
    place: str
    problem: str
    command: str | None = None
    do: str = ""
    affected: int = 1
    names: tuple[str, ...] = ()

    @property
    def level(self) -> FindingLevel:
        """How much it weighs."""
        return KINDS[self.code].level

    @property
    def why(self) -> str:
        """Why it matters."""
        return KINDS[self.code].why

    @property
    def safe(self) -> bool:
        """Whether ``--fix`` may run its command."""
        return KINDS[self.code].safe and self.command is not None


KINDS = {
    # the two folders
    "folder-missing": FindingKind(
        FindingLevel.ERROR, "Docker makes a missing folder itself, and it then belongs to root.", True
    ),
    "folder-is-none": FindingKind(
        FindingLevel.ERROR, "The container needs a folder there, and refuses to start without it."
    ),
    "folder-closed": FindingKind(
        FindingLevel.UNEXAMINED, "What cannot be examined may be wrong without anybody knowing."
    ),
    "folder-not-mounted": FindingKind(
        FindingLevel.WARNING, "What is written into a container itself is lost with the container."
    ),
    "mount-read-only": FindingKind(FindingLevel.ERROR, "The container cannot write its usage records."),
    "space-out": FindingKind(FindingLevel.ERROR, "Without space a usage record is lost, or the container stops."),
    "space-low": FindingKind(FindingLevel.WARNING, "When it runs out, usage records are lost, or the container stops."),
    "owner": FindingKind(
        FindingLevel.WARNING, "The containers' manual requires both folders to be owned by their nonroot user.", True
    ),
    "access": FindingKind(
        FindingLevel.ERROR, "The container runs as that user, and fails on the first of these.", True
    ),
    "access-refused": FindingKind(FindingLevel.ERROR, "Owner, mode and ACL allow it, so something else denies access."),
    "link-outside": FindingKind(
        FindingLevel.ERROR, "Inside the container only the mount exists: such a link is broken."
    ),
    # the license
    "license-name": FindingKind(FindingLevel.ERROR, "The container looks for license.dat, in exactly this spelling."),
    "license-two": FindingKind(
        FindingLevel.WARNING, "Only license.dat is read; each container needs a license folder of its own."
    ),
    "license-writable": FindingKind(
        FindingLevel.WARNING,
        "A container only reads its license. Mount it with :ro, or take the write bits away;"
        " only for DownloadLicense=True it must be writable (chmod u+w).",
        True,
    ),
    "key-world-readable": FindingKind(
        FindingLevel.ERROR,
        "It is a key: a license decrypts the image's sealed files. Every user here can copy it.",
        True,
    ),
    "license-refused": FindingKind(FindingLevel.ERROR, "With this license the container does not start."),
    "license-ending": FindingKind(
        FindingLevel.WARNING, "When it has ended the container answers 503 and does not start."
    ),
    "license-opaque": FindingKind(FindingLevel.WARNING, "Nobody has stated when it ends, so nobody is warned."),
    "license-changed": FindingKind(
        FindingLevel.ERROR, "It is not the file whose end was stated: somebody has replaced it, or it is damaged."
    ),
    "license-unexamined": FindingKind(FindingLevel.UNEXAMINED, "Whether the container may start is not known."),
    # the output
    "output-shared": FindingKind(
        FindingLevel.WARNING, "Each container's own report adds up the whole folder, so each counts everything."
    ),
    "output-fresh": FindingKind(
        FindingLevel.WARNING, "The container's own report starts again from zero, and older records are elsewhere."
    ),
    "output-emptied": FindingKind(
        FindingLevel.ERROR, "Usage records are gone from here, or another volume is mounted in their place."
    ),
    "output-passed-over": FindingKind(
        FindingLevel.WARNING, "What is in it is counted by nobody, and stands against closing a month."
    ),
    "ledger-unexamined": FindingKind(
        FindingLevel.UNEXAMINED, "It is not known whether there are older records elsewhere."
    ),
    # user ids
    "nonroot-elsewhere": FindingKind(
        FindingLevel.WARNING, "chown nonroot:nonroot would give the folders to the wrong user."
    ),
    "subids-missing": FindingKind(
        FindingLevel.ERROR, "Docker needs the range to shift user ids, and does not start without it."
    ),
    # the machine
    "no-avx2": FindingKind(FindingLevel.ERROR, "The containers do not work correctly without AVX2."),
    "cores-too-few": FindingKind(FindingLevel.ERROR, "It is less than the container's minimum."),
    "cores-few": FindingKind(FindingLevel.WARNING, "It is less than what is recommended for the container."),
    "memory-too-little": FindingKind(FindingLevel.ERROR, "It is less than the container's minimum."),
    "memory-little": FindingKind(FindingLevel.WARNING, "It is less than what is recommended for the container."),
    "clock-loose": FindingKind(
        FindingLevel.WARNING, "Licenses end by this clock, and usage is booked into months by it."
    ),
    # the running container
    "container-status": FindingKind(
        FindingLevel.ERROR, "The container itself reports that it cannot work as licensed."
    ),
    "container-silent": FindingKind(
        FindingLevel.UNEXAMINED, "The license state of the running container is not known."
    ),
}
