"""The store of results, as an engine sees it."""

from datetime import datetime
from typing import Protocol


class ResultStore(Protocol):
    """Keeps what a client will ask for later, each under a key; safe to use from several threads."""

    def takes(self, size: int) -> bool:
        """Whether a result of ``size`` bytes can be kept at all; asked before the work is recorded."""

    def put(self, key: str, content: bytes, *, until: datetime | None) -> None:
        """Keep ``content`` in the place of what was there, until an instant; without one, as long as the work runs.

        What has an end may go before it where the store runs out of room: what was fetched, and then the oldest.
        """

    def get(self, key: str, *, now: datetime) -> bytes | None:
        """What is kept under the key, or None if it is unknown, or its time is over."""

    def expire(self, now: datetime) -> None:
        """Free the room of everything whose time is over."""
