"""The command line, put together."""

from collections.abc import Sequence
from functools import cache, cached_property
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.main import get_command

import azlic
from azlic.plain_help import grouped_help, speak_plainly

_GROUPS = {
    "Provision licenses": {
        "site": "request",
        "request": "request",
        "install": "request",
        "download": "licenses",
        "verify": "licenses",
        "adopt": "adopt",
        "adopted": "adopt",
        "trust": "trust",
        "clock": "clock",
    },
    "Run containers": {
        "containers": "containers",
        "tags": "containers",
        "run": "run",
        "engine": "container",
        "doctor": "doctor",
        "diagnose": "diagnose",
    },
    "Collect usage": {
        "ingest": "usage",
        "watch": "usage",
        "quarantine": "quarantine",
        "findings": "quarantine",
        "pull": "readings",
        "import": "readings",
        "sources": "readings",
        "records": "records",
    },
    "Plans and month-end": {
        "plan": "plan",
        "report": "report",
        "close": "close",
        "correct": "close",
        "corrections": "records",
    },
    "Hand over": {
        "export": "export",
        "acknowledge": "export",
        "inspect": "export",
        "accept": "export",
        "handing-sites": "export",
    },
    "Watch and warn": {
        "alerts": "alerts",
        "notify": "notify",
        "check": "check",
        "serve": "serve",
        "calendar": "calendar",
        "units": "units",
        "rules": "units",
    },
    "Settings": {
        "config": "config",
        "status": "status",
    },
    "Audit and back up the ledger": {
        "audit": "audit",
        "checkpoint": "audit",
        "backup": "audit",
        "restore": "audit",
    },
    "Issue licenses": {
        "issuer": "issuer",
        "seal": "seal",
    },
}
"""The commands as the help shows them, each with its module."""

_MODULES = {name: module for group in _GROUPS.values() for name, module in group.items()}


class Program(typer.Typer):
    """The program, whose commands are put together once, however often this process calls it."""

    @cached_property
    def _command(self) -> Any:
        return get_command(self)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run the command of these words; without any, of those in ``sys.argv``."""
        return self._command(*args, **options)


def command_line(words: Sequence[str]) -> typer.Typer:
    """The program for these words: with the named command's module alone, or with all where none is named.

    Starting one command so does not cost building the others.
    """
    return _program(_MODULES.get(words[0]) if words else None)


@cache
def _program(named: str | None) -> Program:
    app = Program(
        name="azlic",
        cls=grouped_help(_GROUPS),
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
