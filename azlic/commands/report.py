"""The monthly report, in each of its forms."""

from enum import StrEnum
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings


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
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Report a month against the commitments.

    What was kept out of the numbers is shown with them: nothing is dropped silently.

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
        suspect = remembered(connection).clock_behind(as_of)
    if suspect:
        output.tell(f"azlic: the clock is suspect: {suspect}\n  try: azlic clock status")
    answered(target, as_of, "report")
    if json or form is Format.JSON:
        from azlic.report_json import report_json

        output.emit(report_json(found))
    elif form is Format.TABLE:
        from azlic.show_report import report_text

        output.emit(report_text(found, block=output.shown("█", instead="#")))
    else:
        from azlic.report_sheets import report_csv, report_markdown

        output.emit(report_csv(found) if form is Format.CSV else report_markdown(found))
