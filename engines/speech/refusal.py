"""Why a client of the speech container was not heard: a code, and words that the Speech SDK shows."""

from enum import IntEnum, StrEnum

from engines.server import errors
from engines.server.errors import NOT_RECORDED, Refusal, WorkRefused
from licensing.core.text import printable

REASON_BYTES = 123
"""What a WebSocket's close frame holds besides its code. Source: RFC 6455 §5.5."""


class Code(StrEnum):
    """The reason of a refusal over REST; ``status`` is the HTTP status it travels with."""

    INVALID_ARGUMENT = errors.INVALID_ARGUMENT
    INVALID_AUDIO = "InvalidAudio"
    INVALID_AUDIO_SIZE = "InvalidAudioSize"
    TOO_MANY_REQUESTS = "TooManyRequests"
    UNSUPPORTED_MEDIA_TYPE = "UnsupportedMediaType"

    @property
    def status(self) -> int:
        return _STATUS.get(self, 400)

    @property
    def meaning(self) -> str:
        """What it says, whatever the audio."""
        return _MEANINGS[self]


_STATUS = {Code.INVALID_AUDIO_SIZE: 413, Code.UNSUPPORTED_MEDIA_TYPE: 415, Code.TOO_MANY_REQUESTS: 429}
_MEANINGS = {
    Code.INVALID_ARGUMENT: "a parameter has a value that it does not take",
    Code.INVALID_AUDIO: "the body is empty, damaged, or no recording that is taken",
    Code.INVALID_AUDIO_SIZE: "the recording has too many bytes, or lasts too long",
    Code.TOO_MANY_REQUESTS: "there is no room for another recording now",
    Code.UNSUPPORTED_MEDIA_TYPE: "the body is compressed",
}


class CloseCode(IntEnum):
    """How a WebSocket is closed. Of those with words, the Speech SDK shows 1007 at once and tries no second time."""

    GOING_AWAY = 1001
    REFUSED = 1007
    TOO_BIG = 1009


class AudioRefused(WorkRefused):
    """A stream or a recording was not heard to its end, and says why; what was delivered before stays counted."""

    def __init__(
        self, message: str, *, hint: str, code: Code = Code.INVALID_AUDIO, close: CloseCode = CloseCode.REFUSED
    ) -> None:
        super().__init__(code, code.status, message, hint=hint)
        self.close = close

    @property
    def reason(self) -> str:
        """As much of the advice as a close frame holds."""
        return printable(self.advice).encode()[:REASON_BYTES].decode(errors="ignore")


class NotAdmitted(AudioRefused):
    """The container may not work any more: its license has ended, or its use cannot be recorded."""

    def __init__(self, refusal: Refusal, *, hint: str) -> None:
        super().__init__(refusal.message, hint=hint)
        self.code, self.status = refusal.code, 503


def not_recorded(message: str, *, hint: str) -> NotAdmitted:
    """What was heard, and could not be counted."""
    words = f"the usage could not be recorded, so the text is withheld: {message}"
    return NotAdmitted(Refusal(NOT_RECORDED, words), hint=hint)
