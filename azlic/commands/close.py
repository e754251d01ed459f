"""Closing months, and correcting them afterwards."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command("close")(close_command)
    program.command("correct")(correct_command)


def close_command(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="The month (UTC); it has ended.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Output folders to look through.  [default: beside the known files]"),
    ] = None,
    accept: Annotated[
        str | None, typer.Option("--accept", metavar="REASON", help="Close despite open items; the reason is kept.")
    ] = None,
    yes: Yes = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Close a month: its numbers stay as they are.

    What comes later is booked in the next open month, and names the month it belongs to. Exit status 1 while it has
    blockers: lines in quarantine, missing records, findings, bytes that were not taken, a failed audit. First its
    totals are proved from its records: a difference is a blocker that no reason is accepted for.

    Example: azlic close 2026-10 /output
    """
    from azlic.render.closing import CLOSING, closable_text
    from licensing.db.database import open_ledger
    from usage.closing.blockers import are_acceptable, way_on
    from usage.closing.close import close_month, examine
    from usage.months import Month

    wanted, now = Month.parse(month), clock.now()
    engine = open_ledger(database or load_settings().database, upgrade=True)
    found = examine(engine, wanted, now=now, folders=paths or ())
    refused = bool(found.obstacles) and (accept is None or not are_acceptable(found.obstacles))
    if refused:
        output.tell(f"azlic: {wanted} is not ready to be closed", f"  try: {way_on(found.obstacles)}")
    if not json:
        output.say(*closable_text(found).split("\n"))
    if not (refused or yes):
        output.confirm(f"Close {wanted} for good?")
    closing = None if refused else close_month(engine, wanted, now=now, folders=paths or (), accept=accept)
    if json or closing:
        CLOSING.give(json, found, closing)
    raise typer.Exit(1 if refused else 0)


def correct_command(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="The record's id, as its usage file has it.")],
    quantity: Annotated[str, typer.Option("--quantity", metavar="Q", help="What it counts from now on; 0 cancels it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason; it is kept.")],
    yes: Yes = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Correct what a record counts; the record stays.

    The difference is booked in the record's month, or in the next open one where that is closed.

    Example: azlic correct 0199f0aa --quantity 12 --reason "scanned twice" --yes
    """
    from azlic.render.closing import CORRECTION, correction_text
    from licensing.db.database import open_ledger
    from usage.ledger.corrections import check_reason, correct, look_up
    from usage.quantity import parse_quantity

    micro, now = parse_quantity(quantity), clock.now()
    check_reason(reason)
    engine = open_ledger(database or load_settings().database, upgrade=True)
    change = look_up(engine, record, micro, now=now)
    if not yes:
        output.tell(*correction_text(change).split("\n"))
        output.confirm("Book this correction?")
    done = correct(engine, record, micro, reason=reason, now=now)
    CORRECTION.give(json, done)
