"""The answer to "may this container run": one status, the checks behind it, and the dates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from licensing.signing.document import License
from licensing.verdict.seen import AdoptedLicense


class Status(StrEnum):
    """The stable code of a verdict. The first three let the container run; every other one refuses."""

    VALID = "valid"
    EXPIRING = "expiring"
    GRACE = "grace"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    MALFORMED = "malformed"
    OPAQUE = "opaque"
    UNTRUSTED = "untrusted"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    CONFLICTING = "conflicting"
    WRONG_CONTAINER = "wrong-container"
    WRONG_IMAGE = "wrong-image"
    WRONG_INSTANCE = "wrong-instance"
    CLOCK_SUSPECT = "clock-suspect"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"


class Cause(StrEnum):
    """The stable code of what lies behind a refusal, where one status has several causes and each its own remedy."""

    CLOSED = "closed"
    NOT_A_FILE = "not-a-file"
    LINK_TO_NOWHERE = "link-to-nowhere"
    TRUST_IN_THE_MOUNT = "trust-in-the-mount"
    UNKNOWN_KEY = "unknown-key"
    ENCODED_AGAIN = "encoded-again"
    WITHDRAWN_KEY = "withdrawn-key"
    CHANGED = "changed"
    KEY_NOT_IN_FORCE = "key-not-in-force"
    TRUST_EXPIRED = "trust-expired"
    OLDER_TRUST = "older-trust"
    OTHER_REPOSITORY = "other-repository"
    OTHER_SITE = "other-site"
    ISSUED_LATER = "issued-later"
    CLOCK_BEHIND = "clock-behind"
    ADOPTED_CHANGED = "adopted-changed"


RUNNING = frozenset({Status.VALID, Status.EXPIRING, Status.GRACE})
INSTALLABLE = RUNNING | {Status.NOT_YET_VALID}
"""What may be installed and remembered: a license that begins later is fetched ahead of time."""


NOT_REACHED = "not reached"
NOT_ASKED = "skipped: nothing in it can be read"


class Check(NamedTuple):
    """One numbered step of the verification.

    ``passed`` is None for a step that was not reached, or that an adopted license cannot be asked.
    """

    number: int
    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a license lets its container run at ``as_of``, and why.

    ``license`` and ``key_id`` are there only once it is known to be genuine; nothing unverified is ever shown.
    ``stated`` stands in for them where the file is one that azlic cannot read and that was adopted: nothing of it is
    known, but what the operator stated.
    ``warn_from`` is the instant from which the status is ``expiring``. ``cause`` tells apart what has to be fixed in
    different ways. ``warnings`` take nothing away from the answer: they are for people to look into.
    ``payload_digest`` and ``statements`` (the numbers of what its issuer said last) are what a site remembers of it.
    """

    path: Path
    as_of: datetime
    status: Status
    detail: str
    checks: tuple[Check, ...]
    license: License | None = None
    key_id: str | None = None
    warn_from: datetime | None = None
    cause: Cause | None = None
    warnings: tuple[str, ...] = ()
    payload_digest: bytes | None = None
    statements: Mapping[tuple[str, str], int] = field(default_factory=dict)
    stated: AdoptedLicense | None = None

    @property
    def may_run(self) -> bool:
        """Whether the container may start, and go on running."""
        return self.status in RUNNING

    @property
    def expires_at(self) -> datetime | None:
        """When the license ends, by its own word or by the operator's."""
        known = self.license or self.stated
        return known.expires_at if known else None

    @property
    def container_type(self) -> str | None:
        """The kind of container it is for, by its own word or by the operator's."""
        if self.license is not None:
            return self.license.container.type
        return self.stated.container_type if self.stated else None

    @property
    def days_left(self) -> int | None:
        """Whole days until the license ends, rounded down; negative once it has ended."""
        return (self.expires_at - self.as_of) // timedelta(days=1) if self.expires_at else None

    @property
    def changes_at(self) -> datetime | None:
        """The next instant at which this answer changes by itself, if the file stays as it is."""
        if self.expires_at is None or self.warn_from is None:
            return None
        ahead = [self.warn_from, self.expires_at]
        if self.license is not None:
            ahead += [self.license.not_before, self.license.grace_ends_at]
        return min((instant for instant in ahead if instant > self.as_of), default=None)
