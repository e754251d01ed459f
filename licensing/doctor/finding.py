"""A finding: what is wrong, why it matters, and what mends it. Every code there is stands in ``KINDS``."""

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How much a finding weighs: something is wrong, it is worth a look, or it could not be examined."""

    ERROR = "error"
    WARNING = "warning"
    UNEXAMINED = "unexamined"


class Kind(NamedTuple):
    """What all findings of one code share. ``safe``: ``--fix`` may run their command."""

    level: Level
    why: str
    safe: bool = False


class Finding(NamedTuple):
    """One thing that is not as it should be.

    ``command``, run by ``sh -c`` as it stands, makes the finding go away; where no command can, it is None and ``do``
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
    def level(self) -> Level:
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
    "folder-missing": Kind(Level.ERROR, "Docker makes a missing folder itself, and it then belongs to root.", True),
    "folder-is-none": Kind(Level.ERROR, "The container needs a folder there, and refuses to start without it."),
    "folder-closed": Kind(Level.UNEXAMINED, "What cannot be looked into may be wrong, and nobody would know."),
    "folder-not-mounted": Kind(Level.WARNING, "What is written into a container itself is lost with the container."),
    "mount-read-only": Kind(Level.ERROR, "The container cannot write its usage records."),
    "space-out": Kind(Level.ERROR, "A usage record that finds no space is lost, or stops the container."),
    "space-low": Kind(Level.WARNING, "When it runs out, usage records are lost, or the container stops."),
    "owner": Kind(Level.WARNING, "The containers' manual wants both folders owned by their nonroot user.", True),
    "access": Kind(Level.ERROR, "The container runs as that user, and fails on the first of these.", True),
    "access-refused": Kind(Level.ERROR, "Owner, mode and ACL allow it, so something else stands in the way."),
    "link-outside": Kind(Level.ERROR, "In the container only the mount is there: such a link leads nowhere."),
    # the license
    "license-name": Kind(Level.ERROR, "The container looks for license.dat, in just this spelling."),
    "license-two": Kind(Level.WARNING, "Only license.dat is read; each container needs a license folder of its own."),
    "license-writable": Kind(
        Level.WARNING,
        "A container only reads its license. Mount it with :ro, or take the write bits away;"
        " only for DownloadLicense=True it must be writable (chmod u+w).",
        True,
    ),
    "key-world-readable": Kind(
        Level.ERROR, "It is a key: a license decrypts the image's sealed files. Every user here can copy it.", True
    ),
    "license-refused": Kind(Level.ERROR, "With this license the container does not start."),
    "license-ending": Kind(Level.WARNING, "When it has ended the container answers 503 and does not start."),
    "license-opaque": Kind(Level.WARNING, "Until when it runs is stated by nobody yet, so nobody is warned."),
    "license-changed": Kind(
        Level.ERROR, "It is not the file whose end was stated: somebody has replaced it, or it is damaged."
    ),
    "license-unexamined": Kind(Level.UNEXAMINED, "Whether the container may start is not known."),
    # the output
    "output-shared": Kind(Level.WARNING, "The containers' own report sums up the whole folder, so each counts all."),
    "output-fresh": Kind(
        Level.WARNING, "The container's own report begins at nothing again, and old records lie apart."
    ),
    "output-emptied": Kind(
        Level.ERROR, "Usage records are gone from here, or another volume is mounted in their place."
    ),
    "ledger-unexamined": Kind(Level.UNEXAMINED, "Whether older records lie elsewhere is not known."),
    # user ids
    "nonroot-elsewhere": Kind(Level.WARNING, "chown nonroot:nonroot would give the folders to the wrong user."),
    "subids-missing": Kind(Level.ERROR, "Docker needs the range to shift user ids, and does not start without it."),
    # the machine
    "no-avx2": Kind(Level.ERROR, "The containers do not work correctly without AVX2."),
    "cores-too-few": Kind(Level.ERROR, "It is less than the container's minimum."),
    "cores-few": Kind(Level.WARNING, "It is less than what is recommended for the container."),
    "memory-too-little": Kind(Level.ERROR, "It is less than the container's minimum."),
    "memory-little": Kind(Level.WARNING, "It is less than what is recommended for the container."),
    "clock-loose": Kind(Level.WARNING, "Licenses end by this clock, and usage is booked into months by it."),
    # the running container
    "container-status": Kind(Level.ERROR, "By its own word the container cannot work as licensed."),
    "container-silent": Kind(Level.UNEXAMINED, "How the running container stands with its license is not known."),
}
