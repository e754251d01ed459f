"""The clock, and what speaks against it."""

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

app = typer.Typer(help="This machine's clock, and the witnesses against it.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="clock")


@app.command()
def status(database: options.Database = None, json: options.Json = False) -> None:
    """Show the clock and what speaks against it.

    Beside it stands the newest time of a license's issue, of a usage record and of an answer given here.
    Exit status 1 when the clock is behind one of them.

    Example: azlic clock status
    """
    from azlic.show_clock import clock_fields, clock_text
    from licensing.errors import AzlicError
    from licensing.memory import read_memory

    now = clock.as_of(None)
    seen = read_memory(database or load_settings().database)
    if seen.unread:
        raise AzlicError(seen.unread, hint="run as a user who may read the ledger, or name it with --database")
    if json:
        output.emit_json("azlic.clock/v1", clock_fields(seen, now))
    else:
        output.emit(clock_text(seen, now))
    raise typer.Exit(1 if seen.clock_behind(now) else 0)
