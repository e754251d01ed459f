"""Azure's own JSON: commitment plans and commitment tiers, as the Azure command line prints them.

Fields we do not know are passed over, as Azure adds them at will; every one that we take has to make sense.
Source: facts/azure-disconnected §3.1 to §3.3.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from licensing.core import strict_json
from licensing.core.errors import AzlicError, BadCall
from licensing.core.files import FileTooLarge, read_file
from licensing.core.instants import iso, parse_instant
from licensing.core.text import printable
from licensing.signing.document import Label
from usage.plans.arm_id import arm_id

MAX_BYTES = 4 << 20
_BOM = b"\xef\xbb\xbf"


def _whole(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("it is not a whole number")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("it is not a date")
    try:
        return parse_instant(value)
    except BadCall as error:
        raise ValueError(error.message) from error


def _is_midnight(instant: datetime) -> datetime:
    if (instant.hour, instant.minute, instant.second, instant.microsecond) != (0, 0, 0, 0):
        raise ValueError(f"{iso(instant)} is not 00:00 UTC, where a term begins and ends")
    return instant


def _is_arm_id(value: str) -> str:
    try:
        return arm_id(value)
    except BadCall as error:
        raise ValueError(error.message) from error


_ArmId = Annotated[str, AfterValidator(_is_arm_id)]
_Whole = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=2**53 - 1)]
_Day = Annotated[datetime, BeforeValidator(_instant), AfterValidator(_is_midnight)]


class _Azure(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, hide_input_in_errors=True)


class AzureQuota(_Azure):
    """What one unit commits to."""

    quantity: _Whole
    unit: Label


class AzureTerm(_Azure):
    """What was bought for one term: ``current`` or ``next``. A count that is left out is 1."""

    tier: Label
    count: _Whole | None = None
    start_date: _Day | None = None
    end_date: _Day | None = None
    quota: AzureQuota | None = None


class AzureProperties(_Azure):
    """A plan's properties, as far as we take them."""

    plan_type: Label
    hosting_model: Label | None = None
    provisioning_state: Label | None = None
    auto_renew: bool | None = None
    current: AzureTerm | None = None
    next: AzureTerm | None = None


class AzurePlan(_Azure):
    """A commitment plan."""

    id: _ArmId | None = None
    name: Label
    properties: AzureProperties


class AzureTier(_Azure):
    """A tier that can be bought."""

    hosting_model: Label
    plan_type: Label
    tier: Label
    quota: AzureQuota | None = None


AzureItem = TypeVar("AzureItem", bound=_Azure)


class FoundItem(NamedTuple):
    """One item of a list as it was found, with its place."""

    place: str
    value: object

    @property
    def name(self) -> str:
        """What it calls itself, or else its place: for people."""
        name = self.value.get("name") if isinstance(self.value, dict) else None
        return f"plan {printable(name)[:200]}" if isinstance(name, str) and name else self.place or "the plan"

    def read(self, kind: type[AzureItem]) -> AzureItem:
        """The item as a value. Raises ``ValueError`` with the place of the first thing that is wrong."""
        try:
            return kind.model_validate(self.value)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = (self.place + _place(first["loc"])).lstrip(".")[:200] or "all of it"
            raise ValueError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from error


class FoundList(NamedTuple):
    """Azure's list, each item still to be read; ``goes_on`` says that there is more elsewhere."""

    items: tuple[FoundItem, ...]
    goes_on: bool


def read_json(path: Path) -> bytes:
    """The content of a file that is no larger than such a list can be. Raises ``AzlicError``."""
    try:
        return read_file(path, MAX_BYTES)
    except FileTooLarge as error:
        raise wrong(path.name, f"it is larger than {MAX_BYTES:,} bytes") from error


def read_items(content: bytes, origin: str) -> FoundList:
    """Read Azure's list, a plain list or a single one. Raises ``AzlicError`` where it is none of these."""
    try:
        parsed: object = strict_json.loads(content.removeprefix(_BOM))
    except ValueError as error:
        raise wrong(origin, str(error)) from error
    if isinstance(parsed, list):
        return FoundList(_numbered("", parsed), goes_on=False)
    if not isinstance(parsed, dict):
        raise wrong(origin, "all of it: it is neither a plan nor a list of plans")
    if "payloadType" in parsed:
        raise AzlicError(f"{origin} is a license, not Azure's JSON", hint="name the folder that holds it")
    if "value" not in parsed:
        return FoundList((FoundItem("", parsed),), goes_on=False)
    if not isinstance(parsed["value"], list):
        raise wrong(origin, "value: it is not a list")
    return FoundList(_numbered("value", parsed["value"]), goes_on=bool(parsed.get("nextLink")))


def _numbered(place: str, values: Sequence[object]) -> tuple[FoundItem, ...]:
    return tuple(FoundItem(f"{place}[{number}]", value) for number, value in enumerate(values))


def _place(location: Sequence[str | int]) -> str:
    return printable("".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location))


def wrong(origin: str, what: str) -> AzlicError:
    """The error for a file that is not what Azure prints."""
    return AzlicError(
        f"{origin}: {what}",
        hint="give it what `az cognitiveservices account commitment-plan list` prints (tiers: `commitment-tier list`), "
        "in UTF-8",
    )
