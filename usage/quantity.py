"""Exact quantities: integers of a millionth of the meter's unit, from the record to the report."""

import re
from decimal import Decimal
from typing import Any, NewType

from licensing.core.errors import BadCall

Quantity = NewType("Quantity", int)
"""An exact quantity: millionths of the meter's unit, so that 1.5 hours are ``Quantity(1_500_000)``."""
MICRO = 10**6
MAX_WHOLE = 10**12
"""The largest quantity of one record, in whole units; a month's total of 64 bits holds nine such records."""


_WRITTEN = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")


class InexactQuantity(ValueError):
    """A number that would have to be rounded, or does not fit."""


def to_micro(quantity: Any) -> Quantity:
    """The millionths in a JSON number: ``int``, or ``Decimal`` for one written with a point or an exponent.

    Raises ``InexactQuantity`` in words for everything that is not such a number from 0 to 10^12 with at most
    six decimals.
    """
    if type(quantity) is int:
        micro = quantity * MICRO
    elif isinstance(quantity, Decimal) and quantity.is_finite():
        if quantity.adjusted() > 12:
            raise InexactQuantity("quantity is larger than 1,000,000,000,000")
        # 13 digits before the point and 15 behind it are what a Decimal multiplies without rounding
        if fraction_digits(quantity) > 15 or quantity * MICRO != int(quantity * MICRO):
            raise InexactQuantity("quantity has more than six decimals")
        micro = int(quantity * MICRO)
    else:
        raise InexactQuantity("quantity is not a number")
    if micro < 0:
        raise InexactQuantity("quantity is negative")
    if micro > MAX_WHOLE * MICRO:
        raise InexactQuantity("quantity is larger than 1,000,000,000,000")
    return Quantity(micro)


def parse_quantity(text: str) -> Quantity:
    """The millionths in a quantity as a person writes it: ``12`` or ``0.25``. Raises ``BadCall``."""
    try:
        if _WRITTEN.fullmatch(text) is None:
            raise InexactQuantity("quantity is not a number")
        return to_micro(Decimal(text))
    except InexactQuantity as error:
        raise BadCall(f"{text!r}: {error}", hint="write it as 12 or 0.25, with at most six decimals") from error


def fraction_digits(number: Decimal) -> int:
    """How many digits a number is written with behind its point."""
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def from_micro(micro: int) -> int | Decimal:
    """The quantity as a number for people and JSON: whole where it is whole, else with the decimals it has."""
    whole, rest = divmod(micro, MICRO)
    return whole if rest == 0 else Decimal(micro).scaleb(-6).normalize()


def group_digits(micro: int) -> str:
    """The quantity with thousands grouped: ``1,250,000`` or ``0.25``."""
    return f"{from_micro(micro):,}"
