"""The speech engine: text, times and confidences from live audio, behind the Speech SDK's protocol."""

from licensing.core.errors import AzlicError

try:
    import soundfile  # noqa: F401
    import soxr  # noqa: F401
    import vosk  # noqa: F401
    import websockets  # noqa: F401
except ImportError as error:
    raise AzlicError(f"the speech engine is not installed: {error}", hint="pip install azlic[speech]") from error

from engines.speech.api import speech_routes
from engines.speech.limits import Limits
from engines.speech.listener import SpeechModel
from engines.speech.warm import warm_up

__all__ = ["Limits", "SpeechModel", "speech_routes", "warm_up"]
