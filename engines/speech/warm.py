"""Hearing once before the first client: what is loaded late is loaded now."""

import engines.server.websocket  # noqa: F401 - a server loads it when it begins to serve
from engines.speech.audio import AudioFormat, slices_of
from engines.speech.listener import Listener, SpeechModel


def warm_up(model: SpeechModel) -> None:
    """Hear a tenth of a second, resampled: a process may give up the right to read files afterwards."""
    form = AudioFormat(44_100, 2, "FLOAT", 4)
    listener = Listener(model, form)
    list(listener.hear(slices_of(bytes(form.slice_frames * form.frame_bytes), form)))
    listener.finish()
