"""The settings in force."""

from pathlib import Path

import typer

from azlic import options

app = typer.Typer(help="The settings in force, and where each comes from.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="config")


@app.command("show")
def show_command(trust: options.Trust = None, database: options.Database = None, json: options.Json = False) -> None:
    """Show each setting, its value, and where it comes from.

    That is its default, the settings file, a variable, or an option given here. Passwords are not shown. What is wrong
    with the file or a value is told, and what no command knows. Exit status 2 then, as other commands leave with it.

    Example: azlic config show
    """
    from azlic.monitoring.effective import effective_settings
    from azlic.render.settings import SETTINGS

    found = effective_settings({"database": database, "trust": _text(trust)})
    SETTINGS.give(json, found)
    raise typer.Exit(0 if found.is_sound else 2)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
