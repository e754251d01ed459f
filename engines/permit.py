"""What lets a container work: a license in its mount, or an API key that its billing endpoint calls good."""

import logging
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from engines.metering.billing_state import BillingState
from engines.server.errors import BILLING_NOT_VALID, LICENSE_NOT_VALID, Refusal
from licensing.core.instants import iso
from licensing.delivery.denial import DenialCode
from licensing.signing.document import License
from licensing.verdict.verdict import Status, Verdict
from licensing.verification.gate import Gate

NON_METERED = "Container is non-metered and does not require an API Key."
log = logging.getLogger("azlic.container")

ApiStatus = Literal[
    "NonMetered",
    "Valid",
    "Invalid",
    "Mismatch",
    "CouldNotConnect",
    "OutOfQuota",
    "BillingEndpointBusy",
    "ContainerUseUnauthorized",
    "Unknown",
]
_STATUS_OF: dict[DenialCode, ApiStatus] = {
    DenialCode.INVALID: "Invalid",
    DenialCode.MISMATCH: "Mismatch",
    DenialCode.COULD_NOT_CONNECT: "CouldNotConnect",
    DenialCode.OUT_OF_QUOTA: "OutOfQuota",
    DenialCode.BUSY: "BillingEndpointBusy",
    DenialCode.UNAUTHORIZED: "ContainerUseUnauthorized",
    DenialCode.UNKNOWN: "Unknown",
}


class Standing(NamedTuple):
    """How a container stands: why it takes no work in, if so, its ``apiStatus`` with its message, and how in words."""

    refusal: Refusal | None
    status: ApiStatus
    message: str
    detail: str


class Permit(Protocol):
    """What lets a container work."""

    def standing(self, now: datetime) -> Standing:
        """Whether it does."""

    def troubled(self, refusal: Refusal) -> Standing:
        """How a container stands whose use cannot be recorded, whatever lets it work."""

    def tell(self, now: datetime) -> None:
        """Tell the log what is new."""


class LicensePermit:
    """A license, which the gate asks for before each piece of work."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._watch = LicenseWatch()

    def standing(self, now: datetime) -> Standing:
        """Whether the license runs."""
        verdict = self._gate.verdict(now)
        if verdict.may_run:
            return Standing(None, "NonMetered", NON_METERED, verdict.detail)
        return self.troubled(Refusal(LICENSE_NOT_VALID, verdict.detail))

    def troubled(self, refusal: Refusal) -> Standing:
        """Disconnected containers have one word for all that is wrong."""
        return Standing(refusal, "Invalid", refusal.message, refusal.message)

    def tell(self, now: datetime) -> None:
        """Tell the log when the license's standing changes."""
        self._watch.look(self._gate.verdict(now))


class Billed(Protocol):
    """What knows how the billing endpoint was found last."""

    @property
    def state(self) -> BillingState:
        """The state of billing."""


class BillingPermit:
    """An API key, as the billing endpoint was found last: nobody waits for it."""

    def __init__(self, billing: Billed) -> None:
        self._billing = billing

    def standing(self, now: datetime) -> Standing:
        """Whether the key is good."""
        state = self._billing.state
        if state.denial is None:
            return Standing(None, "Valid", state.message, state.message)
        message = f"{state.name}: {state.message}"
        refusal = Refusal(BILLING_NOT_VALID, message, state.retry_after(now))
        return Standing(refusal, _STATUS_OF[state.denial.code], state.message, message)

    def troubled(self, refusal: Refusal) -> Standing:
        """What cannot be recorded cannot be billed."""
        return Standing(refusal, "Unknown", refusal.message, refusal.message)

    def tell(self, now: datetime) -> None:
        """Nothing: billing tells the log itself."""


class LicenseWatch:
    """Tells the log when the license's standing changes, and when another license takes its place."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._license: License | None = None

    def look(self, verdict: Verdict) -> None:
        """Compare with the last look, and say what is new."""
        if verdict.status != self._status:
            level = logging.INFO if verdict.may_run else logging.ERROR
            log.log(level, "License %s: %s", verdict.status, verdict.detail)
        new, old = verdict.license, self._license
        if new and old and (new.license_id, new.serial) != (old.license_id, old.serial):
            same = new.license_id == old.license_id
            log.info(
                "License %s: serial %d takes the place of serial %d, until %s.",
                "renewed" if same else "replaced",
                new.serial,
                old.serial,
                iso(new.expires_at),
            )
        self._status, self._license = verdict.status, new or old
