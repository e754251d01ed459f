"""What one client, and all clients together, may hold of a server: every bound of its connections in one value."""

from dataclasses import dataclass, replace

LARGEST_BODY = 50 * 1024 * 1024
"""The bytes of the largest body that any server of ours takes."""


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """How long a connection is kept that makes no progress, and how many there may be.

    ``head_seconds`` is for the whole head of a request, from its first byte, or from the connection's beginning.
    ``stall_seconds`` is how long a body or the reading of an answer may stand still; one that goes on, however slowly,
    is never cut for that. ``idle_seconds`` is how long a connection waits for its next request: longer than proxies
    keep theirs in a pool, 60 seconds mostly, so that none sends a request into one that is just being closed.
    ``linger_seconds`` is how long what comes after an answer is still taken, so that its client gets to read it.

    Where there are ``connections`` already, one more takes the place of the one that has waited longest for its
    client; so many more may wait in a ``queue`` of the system's. A server that was told to stop takes in for
    ``stop_seconds`` what is on its way, and cuts it then.

    The head of a request has at most ``head_bytes``, and so has what describes one chunk of a body. A chunk that is
    announced with more than ``body_bytes`` is refused at once: no application takes so large a body.
    """

    head_seconds: float = 20.0
    stall_seconds: float = 30.0
    idle_seconds: int = 75
    linger_seconds: float = 2.0
    stop_seconds: float = 4.0
    connections: int = 1_000
    queue: int = 2_048
    head_bytes: int = 64 * 1024
    body_bytes: int = LARGEST_BODY

    @property
    def look_seconds(self) -> float:
        """How often a connection is looked at: often enough for the shortest of the times."""
        return min(
            1.0, *(each / 4 for each in (self.head_seconds, self.stall_seconds, self.linger_seconds, self.stop_seconds))
        )

    def within(self, files: int) -> "ConnectionLimits":
        """The limits of a process that may have so many files open: most of them are left for its work.

        What waits in the queue is taken all at once, and several times before the first is let go for the last.
        """
        return replace(
            self, connections=min(self.connections, max(1, files // 3)), queue=min(self.queue, max(1, files // 16))
        )
