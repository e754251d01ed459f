"""The quarantine and the findings: what was kept out of the numbers, and what to make of it."""

from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

app = typer.Typer(help="Lines kept apart, not counted.", no_args_is_help=True)
findings_app = typer.Typer(help="Problems with the sources.", no_args_is_help=True)

All = Annotated[bool, typer.Option("--all", help="Include those already settled.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason; it is kept.")]
Numbers = Annotated[list[int], typer.Argument(metavar="NUMBER...", help="The numbers that list shows.")]


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="quarantine")
    program.add_typer(findings_app, name="findings")


@app.command("list")
def quarantine_list_command(
    database: options.Database = None, settled: All = False, json: options.Json = False
) -> None:
    """List the lines that wait in quarantine.

    Example: azlic quarantine list
    """
    from azlic.render.findings import QUARANTINE
    from licensing.db.database import open_ledger, reading
    from usage.intake.quarantine import list_quarantined

    with reading(open_ledger(database or load_settings().database)) as connection:
        lines = list_quarantined(connection, settled=settled)
    QUARANTINE.give(json, lines)


@app.command("retry")
def retry_command(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[NUMBER]...", help="The numbers that list shows; all if left out.")
    ] = None,
    dated: Annotated[
        str | None,
        typer.Option("--dated", metavar="DATE", help="When records that are dated ahead were written in truth (UTC)."),
    ] = None,
    database: options.Database = None,
) -> None:
    """Take lines after all, where they can be read.

    A record that is dated more than a day ahead is taken by azlic ingest on its day. Where its container's clock was
    wrong, state when it was written: it counts then. Exit status 1 when some lines still cannot be taken.

    Example: azlic quarantine retry
    """
    from azlic.render.receipt import receipt_text
    from licensing.core.errors import BadCall
    from licensing.core.instants import parse_instant
    from licensing.db.database import open_ledger
    from usage.intake.quarantine import retry

    if dated is not None and not numbers:
        raise BadCall("--dated is said of single lines", hint="name their numbers: azlic quarantine list")

    settings = load_settings()
    engine = open_ledger(database or settings.database, upgrade=True)
    receipt = retry(
        engine, numbers or None, now=clock.now(), site=settings.site, dated=parse_instant(dated) if dated else None
    )
    output.say(*receipt_text(receipt).split("\n"))
    raise typer.Exit(0 if receipt.clean else 1)


@app.command("discard")
def discard_command(numbers: Numbers, reason: Reason, database: options.Database = None) -> None:
    """Discard lines with a reason; they are kept.

    Example: azlic quarantine discard 3 --reason "torn by the power cut of 3 March"
    """
    from licensing.db.database import open_ledger
    from usage.intake.quarantine import discard

    engine = open_ledger(database or load_settings().database, upgrade=True)
    count = discard(engine, numbers, reason=reason, now=clock.now())
    output.say(f"{count} discarded: {reason}")


@findings_app.command("list")
def findings_list_command(database: options.Database = None, settled: All = False, json: options.Json = False) -> None:
    """List the findings that nobody has settled.

    Example: azlic findings list
    """
    from azlic.render.findings import FINDINGS
    from licensing.db.database import open_ledger, reading
    from usage.intake.findings import list_findings, open_gaps

    with reading(open_ledger(database or load_settings().database)) as connection:
        found, gaps = list_findings(connection, settled=settled), open_gaps(connection, settled=settled)
    FINDINGS.give(json, found, gaps)


@findings_app.command("settle")
def settle_command(numbers: Numbers, reason: Reason, database: options.Database = None) -> None:
    """Let findings rest for a reason; they are kept.

    Example: azlic findings settle 2 --reason "the file was moved to the archive by hand"
    """
    from licensing.db.database import open_ledger
    from usage.intake.findings import settle

    engine = open_ledger(database or load_settings().database, upgrade=True)
    count = settle(engine, numbers, reason=reason, now=clock.now())
    output.say(f"{count} settled: {reason}")
