"""What one stream, and all streams together, may ask of the machine: every bound of the speech engine in one value."""

from dataclasses import dataclass

from engines.server.process import MESSAGE_BYTES
from engines.server.uploads import UploadLimits
from engines.speech.refusal import AudioRefused, Code


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The bounds of the speech engine.

    ``streams`` are connections and recordings at once. ``idle_seconds`` is how long a client may send nothing, and,
    within a turn, how long it may take to send a second of audio. A turn ends after ``turn_seconds`` of audio or of
    waiting. A recording over REST has ``recording_seconds`` at most, as at the cloud's endpoint, and ``body_bytes``;
    all of them together have ``bodies_bytes`` as they were sent.
    """

    streams: int = 32
    message_bytes: int = MESSAGE_BYTES
    waiting_messages: int = 8
    idle_seconds: float = 120.0
    turn_seconds: float = 4 * 3600.0
    body_bytes: int = 32 * 1024 * 1024
    bodies_bytes: int = 256 * 1024 * 1024
    recording_seconds: float = 60.0

    @property
    def uploads(self) -> UploadLimits:
        """What recordings on their way in are held to."""
        return UploadLimits(self.body_bytes, self.bodies_bytes, too_large=self._too_large, no_room=self._no_room)

    def no_place(self) -> AudioRefused:
        """What a stream or a recording is refused with while all places are taken."""
        return AudioRefused(
            f"{self.streams} streams are being heard already",
            hint="try again in a few seconds",
            code=Code.TOO_MANY_REQUESTS,
        )

    def too_long(self) -> AudioRefused:
        """What a turn is ended with that lasts too long, by its audio or by the clock."""
        return AudioRefused(f"the turn is longer than {self.turn_seconds:g} seconds", hint="begin another one")

    def _too_large(self) -> AudioRefused:
        words = f"the body has more than {self.body_bytes} bytes"
        return AudioRefused(words, hint="send it in parts", code=Code.INVALID_AUDIO_SIZE)

    def _no_room(self) -> AudioRefused:
        return AudioRefused(
            f"the recordings that are here have {self.bodies_bytes} bytes, and this one came in most slowly",
            hint="try again in a few seconds",
            code=Code.TOO_MANY_REQUESTS,
        )
