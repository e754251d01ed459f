"""One license under examination: what was asked, and what the steps have established so far."""

import os
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from securesystemslib.dsse import Envelope

from licensing.signing.document import License
from licensing.signing.envelope import VerifiedPayload
from licensing.trust.held import Held, TrustedIssuer
from licensing.trust.keys import TrustedKey
from licensing.trust.store import TrustStore
from licensing.verdict.seen import AdoptedLicense, Seen
from licensing.verdict.verdict import Cause, Status
from licensing.verification.mounts import place_of


class Asked(NamedTuple):
    """What a license is asked about; what is None is not compared.

    ``seen`` is None where nothing was seen before, or the caller named the instant, so that no clock is in question.
    """

    as_of: datetime
    container: str | None
    image: str | None
    version: str | None
    site: str | None
    instance: str | None
    seen: Seen | None
    model: str | None = None


class Refusal(Exception):
    """A step's "no", on its way to the verdict."""

    def __init__(self, status: Status, detail: str, cause: Cause | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.cause = cause


class Examination:
    """The state that the steps hand on: each fills in what the next ones need."""

    file: Path
    content: bytes
    envelope: Envelope
    held: Held
    payload: VerifiedPayload
    key: TrustedKey

    def __init__(self, path: Path, trust: TrustStore, asked: Asked) -> None:
        self.path = path
        self.trust = trust
        self.asked = asked
        self.warnings: list[str] = []
        self.parsed: License | None = None
        self.genuine = False
        self.stated: AdoptedLicense | None = None

    @property
    def license(self) -> License:
        """The license, once step 6 has passed."""
        assert self.parsed is not None  # noqa: S101 - step 6 comes before every step that asks
        return self.parsed

    @cached_property
    def adopted(self) -> AdoptedLicense | None:
        """What was stated about the license at this place, still that file or not; once step 1 has found the file."""
        known = self.asked.seen.adopted if self.asked.seen else {}
        if not known:
            return None
        return known.get(place_of(self.file)) or known.get(os.path.realpath(self.file))  # a link to an adopted one

    @property
    def issuer(self) -> TrustedIssuer:
        """What the issuer whose key signed it has stated last, once step 5 has passed."""
        return self.held.issuers[self.key.issuer]

    def last_seen_number(self, statement: str) -> int:
        """The highest number of that issuer's ``rotation`` or ``revocations`` that was seen here before, else 0."""
        return self.asked.seen.statements.get((self.key.issuer, statement), 0) if self.asked.seen else 0
