"""The log to Fluentd or Fluent Bit, over its forward protocol."""

from datetime import datetime

from fluent.sender import EventTime, FluentSender

from engines.logs.levels import OURS
from usage.records.container_log import INSTANT


class Fluentd:
    """A listener of the forward protocol; lines wait for it in memory, a mebibyte of them at most."""

    def __init__(self, host: str, port: int) -> None:
        self._sender = FluentSender(OURS, host=host, port=port, timeout=3.0)

    def write(self, told: dict[str, object]) -> None:
        """Send a line, and those that wait, each with its own instant."""
        at = EventTime(datetime.fromisoformat(str(told[INSTANT])).timestamp())
        if not self._sender.emit_with_time("container", at, told):
            error = self._sender.last_error
            raise error if isinstance(error, OSError) else OSError("nothing can be sent")

    def tend(self) -> None:
        """Nothing has to be done."""

    def close(self) -> None:
        """Send what waits, and hang up."""
        self._sender.close()
