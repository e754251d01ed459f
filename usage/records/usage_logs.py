"""The JSON of ``/records/usage-logs/``: what a container says was used, as far as it is counted.

Source: facts/azure-disconnected §2.2, five shapes of one body. ``type`` and ``billedUnit`` may be absent, the keys come
in any order, fields we do not know are passed over here and kept with the raw bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from licensing.core import strict_json
from usage.months import Month
from usage.quantity import InexactQuantity, TooFine, round_to_micro, to_micro
from usage.records.record import LABEL_LENGTH

MAX_BYTES = 1 << 20
UNNAMED = "-"
"""Stands for a service or API that a body does not name."""

_BOM = b"\xef\xbb\xbf"


class UnusableBody(ValueError):
    """A body that is not a usage report; the text says why."""


@dataclass(frozen=True, slots=True)
class UsageLogs:
    """One report: how much of each meter counts, in millionths of its unit.

    ``refused`` are the meters that cannot be taken, each with the reason; those in ``too_fine`` could be, rounded.
    ``rounded`` are the numbers that were, as they are written.
    """

    service: str
    api_type: str
    charges: Mapping[str, int]
    refused: Mapping[str, str] = field(default_factory=dict)
    too_fine: frozenset[str] = frozenset()
    rounded: Mapping[str, str] = field(default_factory=dict)

    @property
    def nonzero(self) -> dict[str, int]:
        """The meters of which anything was used at all."""
        return {meter: micro for meter, micro in self.charges.items() if micro}


def parse_usage_logs(content: bytes, *, month: Month | None, rounds: bool = False) -> UsageLogs:
    """Read a body that was asked for a month, or for everything (None). Raises ``UnusableBody``.

    What counts of a meter is its ``billedUnit`` where it has one, else its ``quantity``; both have to be numbers. One
    that is too fine to be counted exactly is refused, unless ``rounds``; a meter that is refused keeps no other out,
    but a body none of whose meters makes sense is none. A meter that is listed twice has to have the same value twice;
    a body that names another month is refused.
    """
    body = _object(content)
    meters = body.get("meters")
    if not isinstance(meters, list):
        raise UnusableBody("it has no list of meters")
    found = _Meters(rounds)
    for place, meter in enumerate(meters):
        found.read(meter, f"meters[{place}]")
    if found.refused and not (found.charges or found.too_fine):
        raise UnusableBody(next(iter(found.refused.values())))
    _refuse_other_month(body, month)
    return UsageLogs(
        _label(body, "serviceName"),
        _label(body, "apiType"),
        found.charges,
        refused=found.refused,
        too_fine=frozenset(found.too_fine),
        rounded=found.rounded,
    )


class _Meters:
    """The meters of a body, each taken or refused."""

    def __init__(self, rounds: bool) -> None:
        self._rounds = rounds
        self.charges: dict[str, int] = {}
        self.refused: dict[str, str] = {}
        self.too_fine: set[str] = set()
        self.rounded: dict[str, str] = {}

    def read(self, meter: Any, place: str) -> None:
        """Take one meter, or say why not."""
        name = place
        try:
            name = _name(meter, place)
            micro = self._charge(meter, name)
            if self.charges.get(name, micro) != micro or name in self.refused:
                raise UnusableBody(f"meter {name} occurs in it twice, with different numbers")
        except TooFine as error:
            self._refuse(name, f"quantity of {name}: {error}")
            self.too_fine.add(name)
        except UnusableBody as error:
            self._refuse(name, str(error))
        else:
            self.charges[name] = micro

    def _refuse(self, name: str, reason: str) -> None:
        self.charges.pop(name, None)
        self.refused.setdefault(name, reason)

    def _charge(self, meter: Mapping[str, Any], name: str) -> int:
        stated = [key for key in ("billedUnit", "quantity") if meter.get(key) is not None]
        if not stated:
            raise UnusableBody(f"{name} has no quantity")
        for key in stated:
            try:
                round_to_micro(meter[key])
            except InexactQuantity as error:
                raise UnusableBody(f"{key} of {name}: {error}") from error
        counted = meter[stated[0]]
        try:
            return to_micro(counted)
        except TooFine:
            if not self._rounds:
                raise
            self.rounded[name] = str(counted)
            return round_to_micro(counted)


def _name(meter: Any, place: str) -> str:
    if not isinstance(meter, dict):
        raise UnusableBody(f"{place} is not a JSON object")
    name = meter.get("name")
    if not (isinstance(name, str) and _is_label(name)):
        raise UnusableBody(f"{place} has no name of 1 to {LABEL_LENGTH} printable characters")
    return name


def _object(content: bytes) -> dict[str, Any]:
    """The JSON object, with every number as it is written."""
    if len(content) > MAX_BYTES:
        raise UnusableBody(f"it is larger than {MAX_BYTES:,} bytes")
    content = content.removeprefix(_BOM)  # a file from a stick may have been saved by an editor
    try:
        strict_json.loads(content)
        body = json.loads(content.decode(), parse_float=Decimal)
    except InvalidOperation as error:
        raise UnusableBody("one of its numbers is out of range") from error
    except ValueError as error:
        raise UnusableBody(str(error)) from error
    if not isinstance(body, dict):
        raise UnusableBody("it is not a JSON object")
    return body


def _label(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if value is None or value == "":
        return UNNAMED
    if not (isinstance(value, str) and _is_label(value)):
        raise UnusableBody(f"{key} is not 1 to {LABEL_LENGTH} printable characters")
    return value


def _is_label(text: str) -> bool:
    return 1 <= len(text) <= LABEL_LENGTH and text.isprintable()


def _refuse_other_month(body: Mapping[str, Any], month: Month | None) -> None:
    """Hold the month that some bodies repeat against the one that was asked for."""
    said = [str(body.get(key)) for key in ("year", "month")]
    if not all(text.isascii() and text.isdigit() and len(text) <= 4 for text in said):
        return
    year, number = map(int, said)
    if month is None:
        raise UnusableBody(f"it is of {year:04}-{number:02} alone, not of everything")
    if (year, number) != (month.year, month.month):
        raise UnusableBody(f"it is of {year:04}-{number:02}, not of {month}")
