"""Metering with no network: usage records in the output mount."""

import logging
import threading
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from licensing.core.errors import AzlicError
from usage.records.recorder import Recorder

log = logging.getLogger("azlic.container")


class OfflineMeter:
    """Writes what was delivered into ``Mounts:Output``, a line on the disk for each piece of work.

    ``api_types`` are the meters that the engine declared, and what each one's records call its API. The log is told
    once when records cannot be written any more, and once when they can again.
    """

    def __init__(self, recorder: Recorder, api_types: Mapping[str, str]) -> None:
        self._recorder = recorder
        self._api_types = api_types
        self._fault: AzlicError | None = None
        self._noting = threading.Lock()
        self._looking = threading.Lock()

    def record(self, meter: str, quantity: Decimal, *, at: datetime) -> None:
        """Append one usage record; it is on the disk when this returns."""
        if meter not in self._api_types:
            raise ValueError(f"the engine did not declare a meter {meter!r}")
        try:
            self._recorder.append(meter, quantity, at=at, api_type=self._api_types[meter])
        except AzlicError as error:
            self._note(error)
            raise
        self._note(None)

    def fault(self) -> AzlicError | None:
        """What keeps records from being written, or None while nothing does.

        It looks anew each time: at a glance, and by trying where something was wrong. One caller looks at a time, and
        others are told what is known.
        """
        if not self._looking.acquire(blocking=False):
            return self._fault
        try:
            fault = self._recorder.fault(thoroughly=self._fault is not None)
            self._note(fault)
            return fault
        finally:
            self._looking.release()

    def _note(self, fault: AzlicError | None) -> None:
        with self._noting:
            before, self._fault = self._fault, fault
            if fault and not before:
                log.error("No work is taken in, because %s. Try: %s", fault.message, fault.hint)
            elif before and not fault:
                log.info("Usage records can be written to '%s' again: work is taken in.", self._recorder.folder)
