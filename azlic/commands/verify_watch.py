"""A view of licenses that is kept fresh, until SIGTERM or Ctrl+C."""

import contextlib
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue

from azlic import output
from azlic.render.verdict import VERDICT, verdict_text
from azlic.render.verdicts import verdict_line, verdicts_text
from azlic.signals import call_when_told_to_end
from licensing.core.errors import AzlicError
from licensing.verdict.severity import worst_first
from licensing.verdict.verdict import Verdict
from licensing.verification.mounts import Mounts
from licensing.verification.watch import Watched

LOOK_SECONDS = 1.0
"""Looking costs a stat for each license; network mounts, which send no events, are so seen as well as any other."""


def watch_verdicts(watched: Watched, *, clock: Callable[[], datetime], lead_days: int, json: bool) -> int:
    """Show the verdicts, and again whenever one of them has changed; the exit status is that of the last view.

    A terminal gets the whole view anew, whenever something was examined. Anything else gets a line for each license
    and then for each that has changed, with ``json`` an object under ``azlic.verdict/v1``.
    """
    stop: SimpleQueue[None] = SimpleQueue()
    call_when_told_to_end(lambda: stop.put(None))
    view = _Terminal(lead_days) if sys.stdout.isatty() and not json else _Lines(lead_days, json)
    status, complaint = 0, ""
    while True:
        try:
            mounts, verdicts = watched.look(clock())
            status, complaint = 0 if all(verdict.may_run for verdict in verdicts) else 1, ""
            if not view.show(mounts, verdicts):
                return status
        except AzlicError as error:
            status = error.exit_status
            if error.message != complaint:
                complaint = error.message
                output.tell(f"azlic: {error.message}; it is tried again", f"  try: {error.hint}")
        with contextlib.suppress(Empty):
            stop.get(timeout=LOOK_SECONDS)
            return status


class _Terminal:
    """The whole view, drawn anew."""

    def __init__(self, lead_days: int) -> None:
        self._lead_days = lead_days
        self._drawn: object = None

    def show(self, mounts: Mounts, verdicts: Sequence[Verdict]) -> bool:
        size = shutil.get_terminal_size()
        if (mounts, verdicts, size) == self._drawn:
            return True
        self._drawn = (mounts, verdicts, size)
        text = (
            verdict_text(verdicts[0], lead_days=self._lead_days)
            if mounts.alone
            else verdicts_text(verdicts, mounts, lead_days=self._lead_days)
        )
        lines = text.splitlines()
        room = max(1, size.lines - 3)
        cut = [f"... {len(lines) - room + 1} more lines"] if len(lines) > room else []
        return output.draw_anew([*lines[: room - len(cut)], *cut, "", "Watching; Ctrl+C ends."])


class _Lines:
    """A line for each license that says something else than before."""

    def __init__(self, lead_days: int, json: bool) -> None:
        self._lead_days = lead_days
        self._json = json
        self._said: dict[Path, object] = {}

    def show(self, _mounts: Mounts, verdicts: Sequence[Verdict]) -> bool:
        for verdict in worst_first(verdicts):
            license_ = verdict.license or verdict.stated
            said = (verdict.status, verdict.cause, verdict.detail, license_, verdict.warnings)
            if said != self._said.get(verdict.path):
                self._said[verdict.path] = said
                if not self._emit(verdict):
                    return False
        return True

    def _emit(self, verdict: Verdict) -> bool:
        if self._json:
            return output.emit(VERDICT.line(verdict, lead_days=self._lead_days))
        return output.emit(verdict_line(verdict))
