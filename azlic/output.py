"""How answers leave the program: data on stdout, words for people on stderr."""

import contextlib
import math
import os
import sys
from typing import TYPE_CHECKING

import typer

from azlic.lines import fitted
from licensing.core.errors import AzlicError

if TYPE_CHECKING:
    from licensing.delivery.denial import Denial


def emit(text: str) -> bool:
    """Print a result, and say whether somebody reads on.

    What stdout's encoding does not have, as the bytes of a file's name may be, is escaped. A reader that has gone
    away, as the end of a pipe may, changes nothing about the answer. Raises ``AzlicError`` when the result cannot be
    written.
    """
    encoding = sys.stdout.encoding or "ascii"
    try:
        typer.echo(encodable(text, instead=text.encode(encoding, "backslashreplace").decode(encoding)))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    except OSError as error:
        raise AzlicError(
            f"the answer could not be written: {error.strerror or error}",
            hint="check where the output goes, and the free space there",
        ) from error
    return True


def say(text: str) -> bool:
    """Print a result in words, in lines that are no wider than the terminal; otherwise as ``emit``."""
    return emit(fitted(text))


def tell(text: str) -> None:
    """Report progress to a person; scripts do not read this, and nobody has to."""
    with contextlib.suppress(OSError):
        typer.echo(fitted(text) if sys.stderr.isatty() else text, err=True)


def tell_of_waiting(denial: "Denial", attempt: int, seconds: float) -> None:
    """Tell a person why a download waits, and for how long."""
    from licensing.delivery.downloading import ATTEMPTS

    pause = math.ceil(seconds * 10) / 10
    tell(f"{denial.code}: {denial.detail}; attempt {attempt} of {ATTEMPTS}, the next in {pause:g} s")


def tell_of_slowness(attempt: int) -> None:
    """Tell a person that an issuer is slow to answer."""
    from licensing.delivery.client import ATTEMPT_SECONDS, ATTEMPTS

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
    return typer.style(text, fg=colour, bold=True)


def log_to_stderr() -> None:
    """Let a server's log go to stderr, one line for each event."""
    import logging

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for quiet in ("httpx", "uvicorn"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    for silent in ("stamina", "PIL"):  # every wait is told by us, and every bad picture in its answer
        logging.getLogger(silent).setLevel(logging.CRITICAL)
