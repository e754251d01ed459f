"""Exact quantities: integers of a millionth of the meter's unit, from the record to the report."""

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate, pairwise
from typing import Any, NewType

from licensing.core.errors import BadCall

Quantity = NewType("Quantity", int)
"""An exact quantity: millionths of the meter's unit, so that 1.5 hours are ``Quantity(1_500_000)``."""
MICRO = 10**6
_HUNDREDTH = MICRO // 100
MAX_WHOLE = 10**12
"""The largest quantity of one record, in whole units; a month's total of 64 bits holds nine such records."""


_WRITTEN = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")


class InexactQuantity(ValueError):
    """A number that would have to be rounded, or does not fit."""


class TooFine(InexactQuantity):
    """A number of more decimals than are counted; rounded it would fit."""


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
            raise TooFine("quantity has more than six decimals")
        micro = int(quantity * MICRO)
    else:
        raise InexactQuantity("quantity is not a number")
    if micro < 0:
        raise InexactQuantity("quantity is negative")
    if micro > MAX_WHOLE * MICRO:
        raise InexactQuantity("quantity is larger than 1,000,000,000,000")
    return Quantity(micro)


def round_to_micro(quantity: Any) -> Quantity:
    """The millionths in a JSON number, where its operator lets it be rounded: half a millionth is rounded up.

    Raises ``InexactQuantity`` as ``to_micro`` does for everything that is not such a number from 0 to 10^12.
    """
    if isinstance(quantity, Decimal) and quantity.is_finite() and quantity.adjusted() <= 12:
        quantity = quantity.quantize(Decimal(1).scaleb(-6), ROUND_HALF_UP)
    return to_micro(quantity)


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


def percent(part: int, whole: int) -> Decimal:
    """How much of a whole a part is, in percent: rounded down to one decimal, and so never 100 before the end.

    What would be 0 although there is something has as many decimals as it takes, up to six: 0.002, at least 0.000001.
    """
    for decimals in (1, 2, 3, 4, 5, 6):
        if found := part * 100 * 10**decimals // whole:
            return Decimal(found).scaleb(-decimals)
    return Decimal("0.000001") if part else Decimal("0.0")


def used_for_people(micro: int) -> int:
    """A converted quantity as people are shown it: rounded down to hundredths, what is smaller to millionths."""
    return micro // _HUNDREDTH * _HUNDREDTH if abs(micro) >= _HUNDREDTH else micro


def left_for_people(micro: int) -> int:
    """What is left of a commitment as people are shown it: rounded up to hundredths; not 0 while there is something."""
    return -(-micro // _HUNDREDTH) * _HUNDREDTH


def parts_for_people(micros: Iterable[int]) -> list[int]:
    """Parts of a converted quantity as people are shown them: they add up to what is shown of the whole."""
    parts = list(micros)
    if abs(sum(parts)) < _HUNDREDTH:
        return parts
    shown = [whole // _HUNDREDTH * _HUNDREDTH for whole in accumulate(parts, initial=0)]
    return [after - before for before, after in pairwise(shown)]
