"""How a meter draws on a plan where nobody states a ratio."""

from licensing.containers import READ, SPEECH_TO_TEXT
from usage.plans.model import MeterShare

_SECONDS = frozenset(SPEECH_TO_TEXT.meters)
_SECONDS_OF = {"Second": 1, "Hour": 3600}
SUGGESTED_METERS = {("Read", "Transaction"): READ.meters, ("Read", "Pages"): READ.meters}
"""What our own containers count, where one of it is one of the plan's unit: by plan type and unit."""


def share_of(meter: str, unit: str) -> MeterShare:
    """A meter's share of a plan in ``unit``: of what counts seconds, 3600 are an hour; else one is one.

    Source: docs/speech.md, and facts/azure-disconnected §3.2 (speech plans are in hours, or in seconds).
    """
    return MeterShare(meter, 1, _SECONDS_OF.get(unit, 1) if meter in _SECONDS else 1)
