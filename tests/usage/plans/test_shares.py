"""How a meter draws on a plan where nobody states a ratio."""

from fractions import Fraction

import pytest

from licensing.containers import READ, SPEECH_TO_TEXT
from usage.plans.shares import share_of

(PAGES,), (SECONDS,) = READ.meters, SPEECH_TO_TEXT.meters


@pytest.mark.parametrize(
    ("meter", "unit", "ratio"),
    [
        (SECONDS, "Hour", Fraction(1, 3600)),
        (SECONDS, "Second", Fraction(1)),
        (SECONDS, "Transaction", Fraction(1)),
        (PAGES, "Hour", Fraction(1)),
        ("Somebody.Elses", "Hour", Fraction(1)),
    ],
)
def test_seconds_are_parts_of_an_hour(meter: str, unit: str, ratio: Fraction) -> None:
    assert share_of(meter, unit).ratio == ratio
