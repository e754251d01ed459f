"""How answers leave the program: data on stdout, words for people on stderr.

Whatever writes to either goes through ``Outlet`` there: names come from strangers, and none of them steers a terminal.
"""

import contextlib
import math
import os
import sys
from collections.abc import Iterable, Iterator
from textwrap import indent
from typing import TYPE_CHECKING, Any, TextIO, cast

import typer

from azlic.lines import OWN, OWN_ESCAPE, fitted, joined, one_line, written
from licensing.core.errors import AzlicError

if TYPE_CHECKING:
    from engines.logs.levels import Levels
    from licensing.delivery.denial import Denial


_START = "azlic.start"
"""The category of what a server says while it starts; in words it is told without one."""


class Outlet:
    """A stream of text on which control characters are written as their codes, but for line ends and azlic's own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write it, and say how many characters were to be written."""
        shown, encoding = written(text), self.stream.encoding or "ascii"
        self.stream.write(shown if shown.isascii() else shown.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        if name == "buffer":  # bytes would go past it
            raise AttributeError(name)
        return getattr(self.stream, name)


@contextlib.contextmanager
def outlets() -> Iterator[None]:
    """Let stdout and stderr be outlets, for all that writes to them in this process."""
    out, err = (cast("TextIO", Outlet(stream)) for stream in (sys.stdout, sys.stderr))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield


def terminal_of(stream: TextIO) -> TextIO:
    """The stream below an outlet, for what draws on a terminal and shows no names."""
    return stream.stream if isinstance(stream, Outlet) else stream


def emit(text: str) -> bool:
    """Print a result, and say whether somebody reads on.

    A reader that has gone away, as the end of a pipe may, changes nothing about the answer. Raises ``AzlicError`` when
    the result cannot be written.
    """
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    except OSError as error:
        raise AzlicError(
            f"the answer could not be written: {error.strerror or error}",
            hint="check where the output goes, and the free space there",
        ) from error
    return True


def emit_with_crlf(text: str) -> bool:
    """Print a text whose lines end as the internet's do."""
    return emit(text.replace("\r\n", f"\r{OWN}\n").removesuffix("\n"))


def draw_anew(lines: Iterable[str]) -> bool:
    """Show these lines instead of all that a terminal shows."""
    return emit(f"{OWN_ESCAPE}[2J{OWN_ESCAPE}[H" + "\n".join(lines))


def say(*lines: str) -> bool:
    """Print a result in words, line by line, none wider than the terminal; otherwise as ``emit``."""
    return emit(fitted(joined(lines)))


def tell(*lines: str) -> None:
    """Report progress to a person, line by line; scripts do not read this, and nobody has to."""
    text = joined(lines)
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{fitted(text) if sys.stderr.isatty() else text}\n")
        sys.stderr.flush()


def agreed(question: str) -> bool:
    """Ask a person, on stderr, and say whether the answer was yes."""
    return typer.confirm(one_line(question), err=True)


def confirm(question: str) -> None:
    """Ask a person, and end the program unless the answer is yes."""
    if not agreed(question):
        raise typer.Abort


def tell_of_waiting(denial: "Denial", attempt: int, seconds: float) -> None:
    """Tell a person why a download waits, and for how long."""
    from licensing.delivery.downloading import ATTEMPTS

    pause = math.ceil(seconds * 10) / 10
    tell(f"{denial.code}: {denial.detail}; attempt {attempt} of {ATTEMPTS}, the next in {pause:g} s")


def tell_of_slowness(attempt: int) -> None:
    """Tell a person that an issuer is slow to answer."""
    from licensing.delivery.asking import ATTEMPT_SECONDS
    from licensing.delivery.client import ATTEMPTS

    tell(f"waiting for the issuer's answer, for {ATTEMPT_SECONDS:g} s at most; attempt {attempt} of {ATTEMPTS}")


def encodable(text: str, *, instead: str) -> str:
    """The text, or its replacement where stdout's encoding does not have it."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return instead
    return text


def style(text: str, colour: str) -> str:
    """Colour for a terminal; none in a pipe, none where NO_COLOR is set and not empty. Source: no-color.org."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return typer.style(one_line(text), fg=colour, bold=True).replace("\x1b[", f"{OWN_ESCAPE}[")


def log_to_stderr(levels: "Levels | None" = None, *, as_json: bool = False) -> None:
    """Let a server's log go to stderr, one line for each event that its levels let through."""
    import logging

    from engines.logs.levels import Levels
    from engines.logs.lines import JsonLines, fields, without_values

    class Lines(logging.Formatter):
        """An event is one line, and what led to an error stands further in below it."""

        def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name for it
            told = fields(record)
            about = [f"{told['durationMs']} ms"] if "durationMs" in told else []
            about += [f"request {told['requestId']}"] if "requestId" in told else []
            return one_line(super().formatMessage(record).rstrip() + (f" ({', '.join(about)})" if about else ""))

        def formatException(self, ei: Any) -> str:  # noqa: N802
            return indent(without_values(ei[1]), "  ")

    told = levels or Levels()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else Lines("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.addFilter(told)
    if not as_json:
        handler.addFilter(lambda record: record.name != _START)
    logging.basicConfig(handlers=[handler], level=told.lowest)
    logging.captureWarnings(capture=True)


def tell_or_log(*lines: str, as_json: bool) -> None:
    """Report how a server starts: in words, or as lines of its log where all of stderr is JSON."""
    import logging

    log = logging.getLogger(_START)
    for line in lines:
        if not as_json:
            tell(line)
        log.info("%s", line)
