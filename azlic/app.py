"""The command line, put together."""

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

import azlic
from azlic.plain_help import speak_plainly

_MODULES = {
    "verify": "licenses",
    "download": "licenses",
    "adopt": "adopt",
    "adopted": "adopt",
    "site": "request",
    "request": "request",
    "install": "request",
    "doctor": "doctor",
    "engine": "container",
    "ingest": "usage",
    "watch": "usage",
    "quarantine": "quarantine",
    "findings": "quarantine",
    "report": "report",
    "close": "close",
    "correct": "close",
    "serve": "serve",
    "plan": "plan",
    "pull": "readings",
    "import": "readings",
    "sources": "readings",
    "trust": "trust",
    "containers": "containers",
    "tags": "containers",
    "run": "run",
    "issuer": "issuer",
    "seal": "seal",
    "clock": "clock",
    "audit": "audit",
    "checkpoint": "audit",
    "backup": "audit",
    "restore": "audit",
    "export": "export",
    "inspect": "export",
    "accept": "export",
    "acknowledge": "export",
    "handing-sites": "export",
    "alerts": "alerts",
    "check": "check",
    "notify": "notify",
    "calendar": "calendar",
    "units": "units",
    "rules": "units",
}


def command_line(words: Sequence[str]) -> typer.Typer:
    """The program for these words: with the named command's module alone, or with all where none is named.

    Starting one command so does not cost building the others.
    """
    named = _MODULES.get(words[0]) if words else None
    app = typer.Typer(
        name="azlic",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=named is None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    for module in (named,) if named else dict.fromkeys(_MODULES.values()):
        import_module(f"azlic.commands.{module}").register(app)
    speak_plainly(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"azlic {azlic.__version__}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Know, prove and be warned: licenses and usage of AI containers that have no network.

    Exit status: 0 fine, 1 "no" (not valid, findings), 2 bad command line, 3 the environment failed.
    """
