"""The license document: who may run which container, from when until when, and what was committed."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    model_validator,
)

from licensing.containers import version_key
from licensing.core import strict_json
from licensing.core.instants import iso
from licensing.core.text import printable
from licensing.core.validation_messages import first_fault

LICENSE_TYPE = "application/vnd.azlic.license.v1+json"


def _is_printable(text: str) -> str:
    # not a pattern: each use of one would compile its own automaton, and verify starts anew every time
    if not text.isprintable():
        raise ValueError("it contains unprintable characters")
    return text


Label = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_is_printable)]
"""One line of text that is safe to print on a terminal."""

_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)


def _one_form(value: object) -> object:
    # a text of digits would be read as a Unix time
    if not isinstance(value, str):
        return value
    if not _RFC_3339.fullmatch(value):
        raise ValueError("it is not a time with a time zone, such as 2027-01-01T00:00:00Z")
    return datetime.fromisoformat(value)


def _in_range(instant: datetime) -> datetime:
    # days are added to it and taken from it
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("it is not between the years 1970 and 9990")
    return instant


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_one_form),
    AfterValidator(_in_range),
    PlainSerializer(iso, return_type=str, when_used="json"),
]
Count = Annotated[int, Field(ge=1, le=2**53 - 1)]


def _begins_with_number(version: str) -> str:
    version_key(version)
    return version


def _is_content_key(text: str) -> str:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("a content key is not base64") from error
    if len(key) != 32:
        raise ValueError("a content key is not 32 bytes long")
    return text


Version = Annotated[Label, AfterValidator(_begins_with_number)]
ContentKey = Annotated[str, AfterValidator(_is_content_key)]


class StrictModel(BaseModel):
    """A signed document's part: frozen, and nothing in it that this version does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Quota(StrictModel):
    """How much one unit of a tier commits to, in the plan's own unit (``Transaction``, ``Hour`` ...)."""

    quantity: Count
    unit: Label


class CommittedPlan(StrictModel):
    """A commitment: ``count`` units of a tier, each of ``quota``, for every ``period`` from start to its end."""

    name: Label
    plan_type: Label
    tier: Label
    count: Count = 1
    quota: Quota
    period: Literal["month", "year"]
    starts_at: Instant
    ends_at: Instant
    meters: tuple[Label, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.starts_at >= self.ends_at:
            raise ValueError("the plan ends before it starts")
        return self


class LicensedContainer(StrictModel):
    """The container a license is for: its type, the images it may be, and from which version to below which."""

    type: Label
    repositories: Annotated[tuple[Label, ...], Field(min_length=1)]
    version_from: Version
    version_below: Version
    model: Label | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if version_key(self.version_from) >= version_key(self.version_below):
            raise ValueError("the version range is empty")
        return self

    def admits(self, version: str) -> bool:
        """Whether an image of this version may run; a version without a number may not."""
        try:
            key = version_key(version)
        except ValueError:
            return False
        return version_key(self.version_from) <= key < version_key(self.version_below)


class LicensedResource(StrictModel):
    """The resource that pays: its name and the endpoint the license came from."""

    name: Label
    endpoint: Label


class License(StrictModel):
    """What ``license.dat`` says once its signature has been checked.

    ``expires_at`` is exclusive: at that very instant the license no longer runs the container. ``grace_days`` is 0
    unless the issuer states more. ``serial`` rises with every download of the same ``license_id``.
    ``content_keys`` open the image's sealed files; they are secrets and stay out of ``repr``.
    """

    license_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    serial: Count
    container: LicensedContainer
    resource: LicensedResource
    site: Label | None = None
    instances: tuple[Label, ...] | None = None
    issued_at: Instant
    not_before: Instant
    expires_at: Instant
    grace_days: Annotated[int, Field(ge=0, le=366)] = 0
    plan: CommittedPlan
    content_keys: dict[Label, ContentKey] = Field(default_factory=dict, repr=False)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.not_before >= self.expires_at:
            raise ValueError("the license expires before it begins")
        if self.issued_at >= self.expires_at:
            raise ValueError("the license expires before it was issued")
        return self

    @property
    def grace_ends_at(self) -> datetime:
        """The instant from which the container stands still, whatever was forgotten (exclusive, like the expiry)."""
        return self.expires_at + timedelta(days=self.grace_days)

    def to_bytes(self) -> bytes:
        """The payload that gets signed: UTF-8 JSON; what is not stated stays out."""
        return self.model_dump_json(exclude_none=True).encode()


class BadDocument(ValueError):
    """A payload is not the document its type promises."""


D = TypeVar("D", bound=StrictModel)


def parse_document(payload: bytes, kind: type[D]) -> D:
    """Read a document of a kind from bytes whose signature has been checked.

    Raises ``BadDocument`` with the first thing that is wrong, named by its field; a value is never repeated.
    """
    try:
        strict_json.loads(payload)
        return kind.model_validate_json(payload, strict=True)
    except ValidationError as error:
        names, words = first_fault(error)
        where = printable(".".join(names))[:200]
        raise BadDocument(f"{where}: {words}" if where else words) from error
    except ValueError as error:
        raise BadDocument(str(error)) from error


def parse_license(payload: bytes) -> License:
    """Read a license from bytes whose signature has been checked. Raises ``BadDocument``."""
    return parse_document(payload, License)
