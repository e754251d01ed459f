"""What one stream, and all streams together, may ask of the machine: every bound of the speech engine in one value."""

from dataclasses import dataclass

from engines.server.process import MESSAGE_BYTES


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The bounds of the speech engine.

    ``streams`` are connections and recordings at once. ``idle_seconds`` is how long a client may send nothing, and,
    within a turn, how long it may take to send a second of audio. A turn ends after ``turn_seconds`` of audio or of
    waiting. A recording over REST has ``recording_seconds`` at most, as at the cloud's endpoint.
    """

    streams: int = 32
    message_bytes: int = MESSAGE_BYTES
    waiting_messages: int = 8
    idle_seconds: float = 120.0
    turn_seconds: float = 4 * 3600.0
    body_bytes: int = 32 * 1024 * 1024
    recording_seconds: float = 60.0
    upload_seconds: float = 120.0
