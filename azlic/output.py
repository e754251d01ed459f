"""How answers leave the program: data on stdout, words for people on stderr, JSON with a schema name."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import typer


def emit(text: str) -> None:
    """Print a result."""
    typer.echo(text)


def tell(text: str) -> None:
    """Tell a person how things are going; scripts do not read this."""
    typer.echo(text, err=True)


def emit_json(schema: str, fields: Mapping[str, Any]) -> None:
    """Print a result for a script: its first key names the schema it holds to."""
    typer.echo(json.dumps({"schema": schema} | dict(fields), indent=2, ensure_ascii=False))


def styled(text: str, colour: str) -> str:
    """Colour for a terminal; none in a pipe, none where NO_COLOR is set."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return typer.style(text, fg=colour, bold=True)


def log_to_stderr() -> None:
    """Let a server's log go to stderr, one line for each event."""
    import logging

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for quiet in ("httpx", "uvicorn"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
