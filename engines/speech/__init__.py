"""The speech engine: text, times and confidences from live audio, behind the Speech SDK's protocol."""

from typing import TYPE_CHECKING

from engines.extras import require_extra
from licensing.core.faces import lazy_face

require_extra("speech", "speech", "soundfile", "soxr", "vosk", "websockets")

if TYPE_CHECKING:
    from engines.speech.api import speech_routes
    from engines.speech.limits import Limits
    from engines.speech.model import SpeechModel
    from engines.speech.warm import warm_up

__all__ = ["Limits", "SpeechModel", "speech_routes", "warm_up"]
_HOMES = {
    "Limits": "engines.speech.limits",
    "SpeechModel": "engines.speech.model",
    "speech_routes": "engines.speech.api",
    "warm_up": "engines.speech.warm",
}
if not TYPE_CHECKING:
    __getattr__ = lazy_face(__name__, _HOMES)
