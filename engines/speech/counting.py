"""What of a client's audio has been counted: every second of it once, however often its connection was cut.

After a cut the Speech SDK opens a new connection under the same ``X-ConnectionId`` and sends again all that it has had
no phrase for (facts §5.6). A phrase that was counted, but lost on its way, is in that. So each connection id remembers
the fingerprints of the slices that were counted; what comes again in a new connection, byte for byte, is not counted
again. The words of a client are not taken for it.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from hashlib import blake2b

from engines.speech.audio import AudioFormat

_SIZE = 8
_SILENT = bytes(_SIZE)
_MOST_PHRASES = 100  # that the client may not have had
_MOST_CONNECTIONS = 1_024


class CountedAudio:
    """The fingerprints of the slices that were counted under one connection id, and where phrases ended in them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._slices = b""
        self._ends = [0]

    def overlap(self, sent: bytes) -> int:
        """How many of the first slices that were ``sent`` up to the end of a phrase were counted before.

        A client sends again from the beginning, or from the end of a phrase that it has had: only there may what it
        sends begin to be known. Digital silence is like any other, and so proves nothing.
        """
        for start in self._ends:
            known = self._slices[start : start + len(sent)]
            if known.strip(_SILENT) and sent.startswith(known):
                if start + len(sent) < len(self._slices):
                    self._ends = sorted({*self._ends, start + len(sent)})
                return len(known) // _SIZE
        return 0

    def extend(self, slices: bytes) -> None:
        """Note more slices as counted, to the end of a phrase; what is older than any cut is forgotten."""
        self._slices += slices
        self._ends = sorted({*self._ends, len(self._slices)})
        if len(self._ends) > _MOST_PHRASES:
            start = self._ends[-_MOST_PHRASES]
            self._slices = self._slices[start:]
            self._ends = [end - start for end in self._ends[-_MOST_PHRASES:]]


class CountedConnections:
    """What was counted under each connection id, for the newest of them."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(16)
        self._known: OrderedDict[str, CountedAudio] = OrderedDict()

    def of(self, connection_id: str) -> CountedAudio:
        """What was counted under this id; nothing for a client that states none."""
        if not connection_id:
            return CountedAudio()
        counted = self._known.setdefault(connection_id, CountedAudio())
        self._known.move_to_end(connection_id)
        if len(self._known) > _MOST_CONNECTIONS:
            self._known.popitem(last=False)
        return counted

    def fingerprint(self, content: bytes, frame_bytes: int) -> bytes:
        """The fingerprint of a slice, which nobody outside can make; one of digital silence is all zeros."""
        if content == content[:frame_bytes] * (len(content) // frame_bytes):
            return _SILENT
        return blake2b(content, digest_size=_SIZE, key=self._secret).digest()


class TurnCount:
    """Counts one turn's audio up to the end of each phrase.

    ``again`` says that audio may come again, because the connection is new. Quantities are differences of the whole
    millionths of a second from the turn's start, so that they add up to its exact length, rounded down once.
    """

    def __init__(self, known: CountedConnections, connection_id: str, form: AudioFormat, *, again: bool) -> None:
        self._known = known
        self._counted = known.of(connection_id)
        self._form = form
        self._again = again
        self._sent = bytearray()
        self._noted = 0  # slices
        self._end = 0  # frames
        self._heard = 0

    def hear(self, content: bytes) -> None:
        """Note a slice as sent."""
        self._sent += self._known.fingerprint(content, self._form.frame_bytes)
        self._heard += len(content) // self._form.frame_bytes

    def count(self, end: int, record: Callable[[Decimal], None]) -> None:
        """Have recorded what was not counted before of the audio up to frame ``end``; noted once ``record`` returns."""
        length = self._form.slice_frames
        end = min(end, self._heard)
        slices = -(-end // length)
        with self._counted.lock:
            again = self._counted.overlap(bytes(self._sent[: slices * _SIZE])) if self._again else 0
            start = max(self._end, min(again * length, self._heard))
            if end > start:
                record(self._form.seconds(start, end))
            self._counted.extend(bytes(self._sent[max(again, self._noted) * _SIZE : slices * _SIZE]))
            self._end, self._noted = max(end, start), max(slices, again)
