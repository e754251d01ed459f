"""The desk of a speech container: what all of its streams share."""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from engines.metering.meter import Meter
from engines.server.errors import Refusal
from engines.speech.counting import CountedConnections
from engines.speech.limits import Limits
from engines.speech.listener import SpeechModel
from engines.speech.refusal import AudioRefused
from licensing.containers import SPEECH_TO_TEXT
from licensing.core.errors import AzlicError

(METER,) = SPEECH_TO_TEXT.meters
T = TypeVar("T")


class Desk:
    """The model, the meter, the audio that was counted, and the places there are."""

    def __init__(
        self,
        *,
        model: SpeechModel,
        meter: Meter,
        admit: Callable[[], Refusal | None],
        clock: Callable[[], datetime],
        limits: Limits,
    ) -> None:
        self.model = model
        self.limits = limits
        self.known = CountedConnections()
        self.admit = admit
        self._meter = meter
        self._clock = clock
        self._places = threading.BoundedSemaphore(limits.streams)

    async def work(self, task: Callable[[], T]) -> T:
        """Have something heard or written by one of the model's threads."""
        return await asyncio.get_running_loop().run_in_executor(self.model.threads, task)

    def take_place(self) -> bool:
        """Take one of the places for a stream, if one is free."""
        return self._places.acquire(blocking=False)

    def leave_place(self) -> None:
        """Give the place back."""
        self._places.release()

    def check_admission(self) -> None:
        """Raise ``AudioRefused`` once no work may be taken in any more: the license has ended, for one."""
        if refusal := self.admit():
            raise AudioRefused(refusal.message, hint="the container's operator has to mend it")

    def record(self, seconds: Decimal) -> None:
        """Count seconds of audio; they are on the disk when this returns, or ``AudioRefused`` is raised."""
        try:
            self._meter.record(METER, seconds, at=self._clock())
        except AzlicError as error:
            raise AudioRefused(
                f"the usage could not be recorded, so the text is withheld: {error.message}", hint=error.hint
            ) from error
