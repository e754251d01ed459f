"""A channel: somewhere that alerts are sent to."""

from typing import Protocol

from usage.alerts.message import Message


class ChannelFailed(Exception):
    """A channel did not take a message; the reason names no address and no secret."""


class Channel(Protocol):
    """A way to send alerts. ``repeats`` says that it wants all alerts each time, and sorts them out itself."""

    @property
    def name(self) -> str:
        """The name it has in the file of channels."""

    @property
    def repeats(self) -> bool:
        """Whether it is also sent what it has already."""

    def send(self, message: Message) -> None:
        """Tell it once. Raises ``ChannelFailed``."""
