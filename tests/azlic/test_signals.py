"""A command that runs on ends when it is told to, whatever its main thread is about."""

import signal
import subprocess
import sys

import pytest

DEAF = """
import sqlite3
from azlic.signals import call_when_told_to_end
database = sqlite3.connect(":memory:", check_same_thread=False)
def stop():
    while True:
        database.interrupt()
call_when_told_to_end(stop)
print("ready", flush=True)
try:
    database.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
except sqlite3.OperationalError as error:
    print(error)
"""
"""Its main thread never comes back to Python by itself, so no handler of a signal would ever be called.

It interrupts again and again: what interrupts a query that has not yet begun is lost.
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_heard_while_the_main_thread_is_somewhere_else(number: signal.Signals) -> None:
    command = [sys.executable, "-c", DEAF]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (0, "interrupted\n", "")
