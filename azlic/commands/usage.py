"""Usage: take the records of output folders, report on a month."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command()(ingest)
    program.command()(report)


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Output folders, or single usage files.")],
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Take usage records into the ledger.

    Every whole line below the folders is taken exactly once, however often it is offered.

    Exit status 1 when there is something to look into: a bad line, a conflict, a gap, a file that shrank or is gone.

    Example: azlic ingest /output
    """
    from azlic.show_ingest import progress_bar, receipt_fields, receipt_text
    from licensing.database import open_database
    from usage.ingest import ingest as ingest_paths

    engine = open_database(database or load_settings().database, create=True)
    with progress_bar() as progress:
        receipt = ingest_paths(engine, paths, now=clock.now(), progress=progress)
    if json:
        output.emit_json("azlic.receipt/v1", receipt_fields(receipt))
    else:
        output.emit(receipt_text(receipt))
    raise typer.Exit(0 if receipt.clean else 1)


def report(
    month: Annotated[str | None, typer.Argument(metavar="[YYYY-MM]", help="The month (UTC), else this one.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TABLE,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Report a month against the commitments.

    What was kept out of the numbers is shown with them: nothing is dropped silently.

    Example: azlic report 2026-11
    """
    from azlic.show_report import report_csv, report_fields, report_text
    from licensing.database import open_database, reading
    from usage.months import Month
    from usage.report import monthly_report

    as_of = clock.as_of(None)
    wanted = Month.parse(month) if month else Month.of(as_of)
    with reading(open_database(database or load_settings().database)) as connection:
        found = monthly_report(connection, wanted, as_of=as_of)
    if json or form is Format.JSON:
        output.emit_json("azlic.report/v1", report_fields(found))
    else:
        output.emit(report_csv(found) if form is Format.CSV else report_text(found))
