"""Names that mean harm, and what tells whether one got out as it is."""

import os
import re
from pathlib import Path

FORGED = "FORGED: all is well"
"""Stands behind a line end in every hostile name: a line that begins so was never written by azlic."""
NAME = (
    f"=1\x1b]0;x\x07\t\n{FORGED}\r\x7f\x85\x9b31m\u200b\u200f\u061c\u202e\u2066\u2028\u2029\ufeff\u3164\ufe0f"
    + os.fsdecode(b"\xff")
)
"""As a folder may be called: a formula, a terminal's title, line ends, directions, what is no UTF-8."""
TEXT = NAME.encode(errors="ignore").decode()
"""The same as UTF-8 has it, for what is in files."""
_LINE_ENDS = {".ics": "\r\n"}
_TEXTS = (".ics", ".prom", ".html", ".json", ".service", ".timer", ".cron", ".yml", ".cfg", ".conf", ".txt", ".csv")


def leaks(content: bytes | str, suffix: str = "") -> list[str]:
    """What got out as it is: control characters, and lines that were made to look like azlic's."""
    text = content if isinstance(content, str) else content.decode(errors="surrogateescape").removeprefix("\ufeff")
    lines = text.split(_LINE_ENDS.get(suffix, "\n"))
    found = {ascii(char) for line in lines for char in line if not char.isprintable() or char in "\u3164\ufe0f"}
    forged = [ascii(line[:60]) for line in lines if re.match(rf"\W*{FORGED}", line)]
    return sorted(found) + forged


def leaks_of_files(folder: Path, before: set[Path]) -> dict[str, list[str]]:
    """The same of every text that was written into a folder since."""
    written = [path for path in folder.rglob("*") if path.is_file() and path not in before]
    texts = [path for path in written if path.suffix in _TEXTS]
    return {ascii(path.name): found for path in texts if (found := leaks(path.read_bytes(), path.suffix))}
