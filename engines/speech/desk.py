"""The desk of a speech container: what all of its streams and recordings share."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from engines.metering.meter import Meter
from engines.server.errors import Refusal
from engines.server.uploads import Uploads
from engines.speech.counting import CountedConnections
from engines.speech.limits import Limits
from engines.speech.model import SpeechModel
from engines.speech.refusal import NotAdmitted, not_recorded
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
        self.uploads = Uploads(limits.uploads)
        self.admit = admit
        self._meter = meter
        self._clock = clock
        self._taken = 0
        self._recording = ThreadPoolExecutor(1, "record")  # a mount that hangs holds up nothing else

    async def work(self, task: Callable[[], T]) -> T:
        """Have something heard by one of the model's threads."""
        return await asyncio.get_running_loop().run_in_executor(self.model.threads, task)

    def check_places(self) -> None:
        """Raise ``AudioRefused`` where every place is taken."""
        if self._taken >= self.limits.streams:
            raise self.limits.no_place()

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the places for streams and recordings; raises ``AudioRefused`` where none is free."""
        self.check_places()
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def check_admission(self) -> None:
        """Raise ``AudioRefused`` once no work may be taken in any more: the license has ended, for one."""
        if refusal := self.admit():
            raise NotAdmitted(refusal, hint="the container's operator has to mend it")

    async def count(self, counting: Callable[[Callable[[Decimal], None]], None]) -> None:
        """Have ``counting`` record seconds with what it is given: on the disk when this returns.

        Raises ``AudioRefused`` where no work may be taken in any more, or nothing can be recorded.
        """

        def count() -> None:
            self.check_admission()
            counting(self._record)

        await asyncio.get_running_loop().run_in_executor(self._recording, count)

    def _record(self, seconds: Decimal) -> None:
        try:
            self._meter.record(METER, seconds, at=self._clock())
        except AzlicError as error:
            raise not_recorded(error.message, hint=error.hint) from error
