"""Why a client of the speech container was not heard: a code, and words that the Speech SDK shows."""

from enum import IntEnum

from licensing.core.errors import AzlicError
from licensing.core.text import printable

REASON_BYTES = 123
"""What a WebSocket's close frame holds besides its code. Source: RFC 6455 §5.5."""


class CloseCode(IntEnum):
    """How a WebSocket is closed. Of those with words, the Speech SDK shows 1007 at once and tries no second time."""

    GOING_AWAY = 1001
    REFUSED = 1007
    TOO_BIG = 1009


class AudioRefused(AzlicError):
    """A stream or a recording was not heard to its end, and says why; what was delivered before stays counted."""

    def __init__(self, message: str, *, hint: str, code: CloseCode = CloseCode.REFUSED) -> None:
        super().__init__(message, hint=hint)
        self.code = code

    @property
    def advice(self) -> str:
        """The message for a client: what happened, and what to try."""
        return f"{self.message}: {self.hint}"

    @property
    def reason(self) -> str:
        """As much of the advice as a close frame holds."""
        return printable(self.advice).encode()[:REASON_BYTES].decode(errors="ignore")
