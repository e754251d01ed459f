"""The meter of a container, as its engine sees it."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol


class Meter(Protocol):
    """Counts what an engine delivers."""

    def record(self, meter: str, quantity: Decimal, *, at: datetime) -> None:
        """Record ``quantity`` units of ``meter`` as delivered at ``at``; it is kept for good when this returns.

        Call it before the work leaves. Raises ``AzlicError`` when it cannot be kept: then the work stays here. Raises
        ``ValueError`` for a meter that the engine did not declare, and ``InexactQuantity``, which is one, for a
        quantity that would have to be rounded to millionths: both are mistakes of the engine.
        """
