"""The words of connected billing on the wire, the same on both sides.

``POST {endpoint}/billing/status`` asks whether a key lets a container work, or, where the body names none, whether it
is one of the resource's; ``POST {endpoint}/billing/usage`` reports what a meter counted. Both are answered by the state
of the key, in the names of the containers' own ``apiStatus``.
Source: seeds/containers-faq (``usageRequestBody``, the states), facts §2.6.
"""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from licensing.core import strict_json
from licensing.signing.document import Label, StrictModel

VALID = "Valid"
"""The state of a key that nothing is wrong with; the others are those of ``DenialCode``."""
KEY_IS_VALID = "Api Key is valid, no action needed."


class _InCamels(StrictModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read what came over the wire. Raises ``ValueError``, ``ValidationError`` among them."""
        return cls.model_validate(strict_json.loads(content, exact=True), by_name=False, by_alias=True)

    def to_bytes(self) -> bytes:
        """It as it goes over the wire."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


def _a_number(value: object) -> object:
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise ValueError("it is not a number")  # a text, or a truth value, would be taken for one
    return value


_Number = BeforeValidator(_a_number)


class ReportedMeter(_InCamels):
    """What was counted, and how much of it in the meter's unit."""

    name: Label
    quantity: Annotated[Decimal, _Number, Field(ge=0)]


class Reporter(_InCamels):
    """The container that asks or reports."""

    container_type: Label
    container_version: Label
    container_id: Label


NOBODY = b"{}"
"""What is sent to ask for the key alone."""


def asker_in(content: bytes) -> Reporter | None:
    """Which container asks for its key; None where the key alone is asked for. Raises ``ValueError``."""
    return None if strict_json.loads(content) == {} else Reporter.parse(content)


class MeterReport(Reporter):
    """What one meter of a container counted since the report before; the same ``id`` is the same report."""

    id: Annotated[Label, Field(max_length=128)]
    meter: ReportedMeter
    request_time: Annotated[int, _Number, Field(gt=0)]
    api_type: Label


class UsageRequest(_InCamels):
    """A usage report as it is sent."""

    usage_request_body: MeterReport


class BillingState(_InCamels):
    """The answer to a container whose report is booked, or whose key was asked for: the state of the key.

    ``id`` is the report's, which is booked, now or before; none where nothing was reported.
    """

    id: str | None = None
    api_status: str
    api_status_message: str


def status_url(endpoint: str) -> str:
    """Where the key of a resource's endpoint is checked."""
    return f"{endpoint.rstrip('/')}/billing/status"


def usage_url(endpoint: str) -> str:
    """Where use is reported to a resource's endpoint."""
    return f"{endpoint.rstrip('/')}/billing/usage"
