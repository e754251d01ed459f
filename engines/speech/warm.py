"""Loading what hearing needs besides the model: what is loaded late is loaded now."""

import engines.server.websocket  # a server loads it when it begins to serve
import engines.speech.api  # noqa: F401 - an engine loads it when it is asked for its routes
from engines.speech.audio import AudioFormat, Converter


def warm_up() -> None:
    """Resample a tenth of a second: a process may give up the right to read files afterwards.

    Nothing is heard: a recogniser loads nothing, and the first one takes as long as any other, an eighth of a second.
    """
    form = AudioFormat(44_100, 2, "FLOAT", 4)
    Converter(form).convert(bytes(form.slice_frames * form.frame_bytes), last=True)
