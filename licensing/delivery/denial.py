"""Why a license was not given: the containers' own words for it.

Source: seeds/containers-faq, "What status messages and errors do Azure AI containers return?".
"""

from dataclasses import dataclass
from enum import StrEnum


class DenialCode(StrEnum):
    """The stable code of a denial, as the containers print it."""

    INVALID = "Invalid"
    MISMATCH = "Mismatch"
    UNAUTHORIZED = "ContainerUseUnauthorized"
    OUT_OF_QUOTA = "OutOfQuota"
    BUSY = "BillingEndpointBusy"
    COULD_NOT_CONNECT = "CouldNotConnect"
    UNKNOWN = "Unknown"


HTTP_STATUS = {
    DenialCode.INVALID: 401,
    DenialCode.MISMATCH: 403,
    DenialCode.UNAUTHORIZED: 403,
    DenialCode.OUT_OF_QUOTA: 403,
    DenialCode.BUSY: 503,
    DenialCode.UNKNOWN: 500,
}

WHAT_TO_DO = {
    DenialCode.INVALID: "give one of the resource's two API keys; azlic issuer resource key makes a new one",
    DenialCode.MISMATCH: "give the API key and the endpoint of one resource, which licenses this type and version",
    DenialCode.UNAUTHORIZED: "ask the issuer for what is missing: to approve the subscription, to license this"
    " container to a resource of SKU DC0, or, where it took the license back, to begin a new one",
    DenialCode.OUT_OF_QUOTA: "buy or renew a commitment plan for the resource",
    DenialCode.BUSY: "try again after the time the answer names",
    DenialCode.COULD_NOT_CONNECT: "check the endpoint's address and that this machine reaches it",
    DenialCode.UNKNOWN: "try again later; if it persists, tell the issuer",
}


@dataclass(frozen=True, slots=True)
class Denial:
    """A license that was asked for and not given. ``retry_after`` is in seconds, where waiting may help.

    ``hint`` is what the issuer's own people may try, where ``WHAT_TO_DO`` says too little; it does not travel.
    """

    code: DenialCode
    detail: str
    retry_after: float | None = None
    hint: str | None = None
