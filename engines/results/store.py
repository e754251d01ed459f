"""The store of results, as an engine sees it."""

from datetime import datetime
from typing import Protocol

from licensing.core.errors import AzlicError


class ResultsUnavailable(AzlicError):
    """A result could not be kept, or not be looked for."""


class ResultStore(Protocol):
    """Keeps what a client will ask for later, each under a key; safe to use from several threads.

    A store that is ``shared`` by several containers may wait for a disk, raises ``ResultsUnavailable`` where that
    fails, and lets others end the work of a container that is gone.
    """

    @property
    def shared(self) -> bool:
        """Whether other containers answer for what this one keeps."""

    def takes(self, size: int) -> bool:
        """Whether a result of ``size`` bytes can be kept at all; asked before the work is recorded."""

    def put(self, key: str, content: bytes, *, until: datetime | None) -> None:
        """Keep ``content`` in the place of what was there, until an instant; without one, as long as the work runs.

        What has an end may go before it where the store runs out of room: what was fetched, and then the oldest.
        """

    def claim(self, key: str, content: bytes, *, until: datetime) -> bool:
        """Make room for what will be ``put`` at the end; False where others have ended the work, which is then void.

        Asked before the work is recorded: what is void must not be counted.
        """

    def get(self, key: str, *, now: datetime) -> bytes | None:
        """What is kept under the key, or None if it is unknown, or its time is over."""

    def expire(self, now: datetime) -> None:
        """Free the room of everything whose time is over."""

    def open(self) -> None:
        """Begin to look after what is kept."""

    def close(self) -> None:
        """Let go of what is open; what a shared store keeps stays there for the others."""
