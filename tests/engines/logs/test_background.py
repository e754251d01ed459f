"""Lines on a thread of their own: in order, bounded, and never in the way."""

import logging
import os
import threading

from engines.logs.background import WAITING_LINES, Background
from tests.waiting import eventually


class Target:
    """Where lines go: it can hang, and fail."""

    def __init__(self) -> None:
        self.written: list[object] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.error: OSError | None = None

    def write(self, told: dict[str, object]) -> None:
        assert self.goes_on.wait(60)
        if self.error is not None:
            raise self.error
        self.written.append(told["message"])

    def tend(self) -> None:
        """Nothing."""

    def close(self) -> None:
        self.written.append("closed")


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("azlic.x", logging.INFO, "", 0, message, None, None)


def test_lines_wait_for_their_target_and_come_in_order() -> None:
    target, handler = Target(), Background("x")
    for number in range(100):
        handler.handle(record(str(number)))
    handler.open(target)
    handler.close()
    assert target.written == [*map(str, range(100)), "closed"]


def test_a_target_that_hangs_holds_nobody_up_and_what_is_too_much_is_lost() -> None:
    target, handler = Target(), Background("x")
    target.goes_on.clear()
    handler.open(target)
    for number in range(WAITING_LINES + 500):
        handler.handle(record(str(number)))
    target.goes_on.set()
    assert eventually(handler._lines.empty)
    handler.close()
    kept = [each for each in target.written if each != "closed"]
    assert WAITING_LINES <= len(kept) <= WAITING_LINES + 1 and kept[0] == "0"


def test_a_target_that_fails_is_tried_again_with_each_line() -> None:
    target, handler = Target(), Background("x")
    target.error = OSError(28, "No space left on device")
    handler.open(target)
    for number in range(3):
        handler.handle(record(str(number)))
    assert eventually(lambda: handler._lost == 3)
    target.error = None
    handler.handle(record("after"))
    handler.close()
    assert target.written == ["after", "closed"]


def test_a_forked_process_writes_nothing_and_waits_for_nothing() -> None:
    target, handler = Target(), Background("x")
    handler.open(target)
    child = os.fork()
    if child == 0:
        handler.handle(record("of the child"))
        os._exit(handler._lines.qsize())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    handler.close()
    assert target.written == ["closed"]
