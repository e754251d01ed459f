"""The monthly report, in each of its forms."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from usage.auditing.recomputation import Recomputed
    from usage.ledger.checkpoints import Head
    from usage.months import Month
    from usage.reporting.report import MonthlyReport

    Writer = Callable[[], str | bytes]


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("report")(report_command)


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"


def report_command(
    month: Annotated[
        str | None, typer.Argument(metavar="[YYYY-MM]", help="The month (UTC); this one if left out.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TABLE,
    prove: Annotated[
        bool, typer.Option("--recompute", help="Recompute the month's totals from all its records.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", readable=False, help="Write it to a file, whole or not at all."),
    ] = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Report a month against the commitments.

    What was excluded from the numbers is shown with them: nothing is dropped silently. With --recompute, exit status 1
    when the records and corrections of the month do not make its totals.

    Example: azlic report 2026-11
    """
    from licensing.core.errors import BadCall
    from licensing.db.database import open_ledger, reading
    from licensing.history.read import read_seen
    from usage.months import Month
    from usage.reporting.report import monthly_report

    if form is Format.PDF and file is None:
        raise BadCall("a PDF cannot be shown in a terminal", hint="name a file: -o report.pdf")
    settings, as_of = load_settings(), clock.as_of(None)
    wanted = Month.parse(month) if month else Month.of(as_of)
    with reading(open_ledger(database or settings.database)) as connection:
        found = monthly_report(connection, wanted, as_of=as_of)
        proof = _recompute(connection, wanted) if prove else None
        suspect = read_seen(connection).clock_behind(as_of)
        write = _FORMATS[Format.JSON if json else form](found, proof, connection, settings)
    if suspect:
        output.tell(f"azlic: the clock is suspect: {suspect}\n  try: azlic clock status")
    _deliver(write(), file)
    if proof is not None:
        _tell(proof)


def _table(report: "MonthlyReport", *_: object) -> "Writer":
    from azlic.render.report.json import REPORT

    return lambda: REPORT.text(report)


def _json(report: "MonthlyReport", proof: "Recomputed | None", *_: object) -> "Writer":
    from azlic.render.report.json import REPORT

    return lambda: REPORT.json(report, proof)


def _csv(report: "MonthlyReport", *_: object) -> "Writer":
    from azlic.render.report.csv import report_csv

    return lambda: report_csv(report)


def _markdown(report: "MonthlyReport", *_: object) -> "Writer":
    from azlic.render.report.markdown import report_markdown

    return lambda: report_markdown(report)


def _html(report: "MonthlyReport", _: object, connection: "Connection", settings: Settings) -> "Callable[[], str]":
    from azlic.web.pages.report import report_html, report_view
    from usage.ledger.checkpoints import ledger_head
    from usage.reporting.burndown import burn_downs

    courses, head = burn_downs(connection, report), ledger_head(connection)

    def write() -> str:
        note, unsigned = _sign(head, settings)
        return report_html(report_view(report, courses, head, site=settings.site, note=note, unsigned=unsigned))

    return write


def _pdf(report: "MonthlyReport", proof: "Recomputed | None", connection: "Connection", settings: Settings) -> "Writer":
    from azlic.web.pdf import report_pdf

    page = _html(report, proof, connection, settings)
    return lambda: report_pdf(page())


_FORMATS: "Mapping[Format, Callable[[MonthlyReport, Recomputed | None, Connection, Settings], Writer]]" = {
    Format.TABLE: _table,
    Format.JSON: _json,
    Format.CSV: _csv,
    Format.MARKDOWN: _markdown,
    Format.HTML: _html,
    Format.PDF: _pdf,
}
"""Each takes what it needs from the open ledger, and gives what writes the report once the ledger is closed again."""


def _sign(head: "Head", settings: Settings) -> tuple[str | None, str]:
    """The signed checkpoint, or why there is none; a site without a key reports all the same."""
    from licensing.core.errors import AzlicError
    from licensing.signing.site_keys import site_signer
    from usage.ledger.checkpoints import sign_checkpoint

    try:
        note = sign_checkpoint(head, site_signer(settings.site_keys))
    except AzlicError as error:
        return None, f"{error.message}; {error.hint}."
    return note, "" if note else "this ledger has no name yet; its first export gives it one."


def _deliver(report: str | bytes, file: Path | None) -> None:
    if file is not None:
        from licensing.core.files import write_whole

        write_whole(file, report if isinstance(report, bytes) else f"{report}\n".encode())
        output.tell(f"report: {file}")
    elif isinstance(report, str):
        output.emit(report)


def _recompute(connection: "Connection", month: "Month") -> "Recomputed":
    from azlic.render.progress import counting
    from usage.auditing.recomputation import recompute

    with counting("records") as progress:
        return recompute(connection, month, progress=progress)


def _tell(proof: "Recomputed") -> None:
    """Say what the recomputation found; leaves with exit status 1 where it found a difference."""
    from azlic.render.counts import counts_lines, counts_words

    rows = f"recomputed: {proof.month}: {counts_words(proof.counts)}"
    if proof.difference is None:
        output.tell("\n".join([f"{rows}, which make its totals", *counts_lines(proof.counts)]))
        return
    output.tell(f"{rows}, which do not make its totals\n  first difference: {proof.difference}")
    raise typer.Exit(1)
