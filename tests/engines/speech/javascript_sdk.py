"""The official Speech SDK for JavaScript, in a process of Node's own: what a customer's program hears through it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

import pytest

PROGRAM = Path(__file__).with_name("javascript") / "listen.mjs"
REQUIRED = "AZLIC_TEST_JAVASCRIPT"


class Told(TypedDict):
    """What the SDK told its program; ``ends`` are ticks, ``json`` the answers as they came."""

    texts: list[str]
    ends: list[int]
    hypotheses: list[str]
    json: list[str]
    reason: str
    words: str


class JavaScript:
    """A program that does one task after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def listen(self, address: str, file: Path | None, mode: str = "once", *, detailed: bool = False) -> Told:
        """Hear a WAV file, ``once`` or ``continuous``; without one, a microphone that stays silent."""
        assert self._process.stdin is not None and self._process.stdout is not None
        task = {"address": address, "file": str(file or ""), "mode": mode, "detailed": detailed}
        print(json.dumps(task), file=self._process.stdin, flush=True)
        told: Told = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def javascript(**environment: str) -> Iterator[JavaScript]:
    """Node with the SDK; where they are missing, the test is skipped, or fails if ``REQUIRED`` says ``required``."""
    node = shutil.which("node")
    if node is None or not (PROGRAM.parent / "node_modules").is_dir():
        missing = f"no Speech SDK for JavaScript here: npm ci --prefix {PROGRAM.parent} (needs Node 20)"
        (pytest.fail if os.environ.get(REQUIRED) == "required" else pytest.skip)(missing)
    command = [node, str(PROGRAM)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=os.environ | environment) as process:
        try:
            yield JavaScript(process)
        finally:
            process.kill()
