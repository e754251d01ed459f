"""Connected billing: a thread that checks the key, reports what was used, and says whether the container may serve.

What was delivered is a record in the output mount before it leaves. Here the records since the last report are added
up, written to the spool, sent, and noted as acknowledged: in that order, so that nothing is lost or counted twice,
whenever the container is killed. What another container of the same kind and endpoint left behind is reported, too.
"""

import contextlib
import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engines.metering.billing_state import BillingState, Step, begin
from engines.metering.spool import Spool, Tally, report_line
from licensing.core.errors import AzlicError
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.usage_report import Reporter
from usage.records.recorder import Recorder
from usage.records.usage_names import SPOOL_NAME

if TYPE_CHECKING:
    from licensing.delivery.billing import BillingAnswer

LOOK_SECONDS = 0.25
"""How often the clock is looked at while nothing is due."""
LAST_SECONDS = 8.0
"""How long a container that stops waits for its last report; what is left then is reported by the next one."""
log = logging.getLogger("azlic.container")


class Endpoint(Protocol):
    """What bills: asked one thing at a time, it answers or says why there is no answer."""

    @property
    def endpoint(self) -> str:
        """Its address."""

    def check(self, container: Reporter) -> "BillingAnswer":
        """Whether the key lets this container work."""

    def report(self, identity: str, record: bytes) -> "BillingAnswer":
        """Report what was used."""


class Billing:
    """A connected container's standing with its endpoint, kept up to date by ``step``."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        endpoint: Endpoint,
        container: Reporter,
        clock: Callable[[], datetime],
        interval: timedelta,
    ) -> None:
        self._folder = recorder.folder
        self._tally = Tally()
        self._endpoint = endpoint
        self._container = container
        self._clock = clock
        self._settled: dict[Path, object] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="billing", daemon=True)
        self._spool = Spool(recorder.folder)
        self._spool.connect(recorder.sequence, endpoint.endpoint)
        if missing := self._spool.recover(self._tally, recorder.sequence):
            log.error(
                "%d usage records that were not reported are no longer in '%s': they are not billed.",
                missing,
                recorder.folder,
            )
        recorder.tell(self._tally.add)
        self.state = begin(clock(), interval=interval)

    def start(self) -> None:
        """Go on by itself, beside everything else."""
        self._thread.start()

    def stop(self) -> None:
        """Report what is left, if that is quick, and end; the log is told where something stays."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(LAST_SECONDS)
        if self._spool.pending or not self._tally.is_empty:
            log.warning(
                "What was used last is not reported: it lies in '%s', and the next container there reports it.",
                self._folder,
            )
        if not self._thread.is_alive():
            self._spool.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self.step()
            except Exception as error:  # a thread that ended unseen would let the container serve without billing
                log.exception("Billing failed.")
                denial = Denial(DenialCode.UNKNOWN, f"billing failed: {type(error).__name__}")
                self.state = self.state.answered(denial, now=self._clock())
            due = (self.state.due_at - self._clock()) / timedelta(seconds=1)
            self._ending.wait(min(LOOK_SECONDS, max(0.0, due)) if not self.state.stopped else LOOK_SECONDS)
        if self.state.denial is None:
            self._report()

    def step(self) -> None:
        """Ask the endpoint, if that is due, and tell the log what is new."""
        if self.state.step(self._clock()) is not Step.ASK:
            return
        before = self.state
        denial = self._endpoint.check(self._container).denial or self._report()
        self.state = before.answered(denial, now=self._clock())
        self._tell(before)

    def _report(self) -> Denial | None:
        """Report all that is not reported yet; gives why that does not go on."""
        try:
            self._spool.report(self._tally)
            if denial := self._send(self._spool):
                return denial
            return self._report_left_behind()
        except AzlicError as error:
            return Denial(DenialCode.UNKNOWN, f"{error.message}: {error.hint}")
        except OSError as error:
            return Denial(DenialCode.UNKNOWN, f"reports cannot be written: {error.strerror or error}")

    def _send(self, spool: Spool) -> Denial | None:
        worst: Denial | None = None
        for identity, report in list(spool.pending.items()):
            answer = self._endpoint.report(identity, report_line(report))
            if answer.booked:
                spool.acknowledge(identity)
                worst = answer.denial or worst
            elif answer.denial is not None:
                return answer.denial
        return worst

    def _report_left_behind(self) -> Denial | None:
        """What containers left in the same mount that are no longer there: each new one has another id."""
        for folder in sorted(self._folder.parent.iterdir()):
            if folder == self._folder or not (folder / SPOOL_NAME).is_file() or self._is_settled(folder):
                continue
            with _holding(folder) as held:
                if not held:
                    continue
                spool = Spool(folder)
                try:
                    if spool.endpoint == self._endpoint.endpoint:
                        left = Tally()
                        spool.recover(left)
                        spool.report(left)
                        if denial := self._send(spool):
                            return denial
                finally:
                    spool.close()
            self._settled[folder] = _content(folder)
        return None

    def _is_settled(self, folder: Path) -> bool:
        return self._settled.get(folder) == _content(folder)

    def _tell(self, before: BillingState) -> None:
        now = self.state
        if now.denial is None:
            if before.denial is not None:
                log.info("Billing is %s: %s Work is taken in.", now.name, now.message)
        elif before.name != now.name or before.tries != now.tries:
            log.error("Billing is %s: no work is taken in, because %s.", now.name, now.message)


@contextlib.contextmanager
def _holding(folder: Path) -> Iterator[bool]:
    """Hold a container's folder as the container does, for a moment; whether nobody else holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        held = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = False
        yield held
    finally:
        os.close(descriptor)


def _content(folder: Path) -> object:
    """What changes when anything is written in a folder."""
    return sorted((entry.name, entry.stat().st_size) for entry in os.scandir(folder))
