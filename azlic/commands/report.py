"""The monthly report, in each of its forms."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from usage.months import Month
    from usage.recompute import Recomputed


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command()(report)


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


def report(
    month: Annotated[str | None, typer.Argument(metavar="[YYYY-MM]", help="The month (UTC), else this one.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TABLE,
    prove: Annotated[
        bool, typer.Option("--recompute", help="Prove the month's totals from its records; they are all read.")
    ] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Report a month against the commitments.

    What was kept out of the numbers is shown with them: nothing is dropped silently. With --recompute, exit status 1
    when the records and corrections of the month do not make its totals.

    Example: azlic report 2026-11
    """
    from licensing.database import open_database, reading
    from licensing.memory import remembered
    from licensing.remember import answered
    from usage.months import Month
    from usage.report import MonthlyReport, monthly_report

    as_of = clock.as_of(None)
    wanted = Month.parse(month) if month else Month.of(as_of)
    target = database or load_settings().database
    with reading(open_database(target)) as connection:
        found: MonthlyReport = monthly_report(connection, wanted, as_of=as_of)
        proof = _recompute(connection, wanted) if prove else None
        suspect = remembered(connection).clock_behind(as_of)
    if suspect:
        output.tell(f"azlic: the clock is suspect: {suspect}\n  try: azlic clock status")
    answered(target, as_of, "report")
    if json or form is Format.JSON:
        from azlic.report_json import report_json

        output.emit(report_json(found, proof))
    elif form is Format.TABLE:
        from azlic.show_report import report_text

        output.emit(report_text(found, block=output.shown("█", instead="#")))
    else:
        from azlic.report_sheets import report_csv, report_markdown

        output.emit(report_csv(found) if form is Format.CSV else report_markdown(found))
    if proof is not None:
        _tell(proof)


def _recompute(connection: "Connection", month: "Month") -> "Recomputed":
    from azlic.show_ingest import counting
    from usage.recompute import recompute

    with counting("records") as progress:
        return recompute(connection, month, progress=progress)


def _tell(proof: "Recomputed") -> None:
    """Say what the recomputation found; leaves with exit status 1 where it found a difference."""
    rows = f"{proof.records:,} records and {proof.corrections:,} corrections"
    if proof.difference is None:
        output.tell(f"recomputed: {rows} of {proof.month} make its totals")
        return
    output.tell(f"recomputed: {rows} of {proof.month} do not make its totals\n  first difference: {proof.difference}")
    raise typer.Exit(1)
