"""The usage record: one JSON object a line, in the shape a container reports.

Source: seeds/containers-faq (``usageRequestBody``); ``sequence`` and ``previous`` are ours. One module knows the
format: what is written here is read here.
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec

from usage.quantity import InexactQuantity, fraction_digits, to_micro

GENESIS = "0" * 64
"""``previous`` of a container's first record."""

SECONDS_BELOW = 10**11
LATEST_MS = 253_370_764_800_000
"""The first instant of the year 9999, behind the last month there is."""


class BadLine(ValueError):
    """A line that is not a usage record; the text says why."""


class MeteredQuantity(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What was counted, and how much of it in the meter's unit."""

    name: str
    quantity: Any


class UsageRecord(
    msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel", omit_defaults=True
):
    """One line of a usage file.

    ``request_time`` is Unix time: seconds below 10^11, milliseconds from there on. ``sequence`` counts the records of
    one container without a gap from 1; ``previous`` is the SHA-256 of the line before, without its newline.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    container_type: str
    container_version: str
    container_id: str
    meter: MeteredQuantity
    request_time: Any
    api_type: str
    sequence: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
    previous: str | None = None


class PlainRecord(UsageRecord, frozen=True, gc=False):
    """A record whose time is in whole milliseconds: what our engines write, and what is read without a detour."""

    request_time: Annotated[int, msgspec.Meta(ge=SECONDS_BELOW, lt=LATEST_MS)]


_RECORD_KEYS = frozenset(field.encode_name for field in msgspec.structs.fields(UsageRecord))
_METER_KEYS = frozenset(("name", "quantity"))
_encoder = msgspec.json.Encoder(decimal_format="number")
_any = msgspec.json.Decoder(float_hook=Decimal)

decode_plain = msgspec.json.Decoder(PlainRecord, float_hook=Decimal).decode
"""The quick way in: a plain record with the known fields and no others, or one of ``UNREADABLE``."""

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidOperation)
"""What a decoder raises for bytes it cannot take."""


def encode(record: UsageRecord) -> bytes:
    """The record as a line, without its newline."""
    return _encoder.encode(record)


def _decode_tolerantly(line: bytes) -> tuple[UsageRecord, str | None]:
    """Read a record that may hold more than we know; the unknown comes back as JSON text, to be kept."""
    try:
        fields = _any.decode(line)
        if not isinstance(fields, dict):
            raise BadLine("it is not a JSON object")
        extra = {name: fields.pop(name) for name in list(fields) if name not in _RECORD_KEYS}
        meter = fields.get("meter")
        if isinstance(meter, dict):
            more = {name: meter.pop(name) for name in list(meter) if name not in _METER_KEYS}
            if more:
                extra["meter"] = more
        record = msgspec.convert(fields, UsageRecord)
        return record, _encoder.encode(extra).decode() if extra else None
    except InvalidOperation as error:
        raise BadLine("a number in it is out of range") from error
    except UNREADABLE as error:
        raise BadLine(str(error)) from error


def interpret(line: bytes) -> tuple[UsageRecord, str | None, int, int]:
    """A line as a record, the JSON text of what we do not know in it, its millionths, and its Unix milliseconds.

    The thorough way in, for lines that the quick one cannot take. Raises ``BadLine``.
    """
    record, extra = _decode_tolerantly(line)
    if not record.id.isprintable():
        raise BadLine("id contains unprintable characters")
    if (record.sequence is None) != (record.previous is None):
        raise BadLine("sequence and previous come together or not at all")
    try:
        micro = to_micro(record.meter.quantity)
    except InexactQuantity as error:
        raise BadLine(str(error)) from error
    return record, extra, micro, requested_ms(record.request_time)


def requested_ms(value: Any) -> int:
    """A ``requestTime`` in Unix milliseconds, exactly. Raises ``BadLine`` for anything but a time before 9999."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadLine("requestTime is not a number")
    if not 0 < value < LATEST_MS:
        raise BadLine("requestTime is before 1970 or after 9998")
    if isinstance(value, Decimal) and fraction_digits(value) > 12:
        raise BadLine("requestTime is more precise than a millisecond")
    scaled = value * 1000 if value < SECONDS_BELOW else value
    if scaled != int(scaled):
        raise BadLine("requestTime is more precise than a millisecond")
    return int(scaled)


LABEL_LENGTH = 200
