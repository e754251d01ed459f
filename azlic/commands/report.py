"""The monthly report, in each of its forms."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import Settings, load_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from usage.auditing.recomputation import Recomputed
    from usage.ledger.checkpoints import Head
    from usage.months import Month
    from usage.reporting.report import MonthlyReport


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command()(report)


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"


def report(
    month: Annotated[str | None, typer.Argument(metavar="[YYYY-MM]", help="The month (UTC), else this one.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TABLE,
    prove: Annotated[
        bool, typer.Option("--recompute", help="Prove the month's totals from its records; they are all read.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", readable=False, help="Write it to a file, whole or not at all."),
    ] = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Report a month against the commitments.

    What was kept out of the numbers is shown with them: nothing is dropped silently. With --recompute, exit status 1
    when the records and corrections of the month do not make its totals.

    Example: azlic report 2026-11
    """
    from licensing.db.database import open_ledger, reading
    from licensing.history.read import read_seen
    from licensing.history.remember import witness_answer
    from usage.months import Month
    from usage.reporting.report import monthly_report

    as_of = clock.as_of(None)
    wanted = Month.parse(month) if month else Month.of(as_of)
    _check_file(form, file)
    settings = load_settings()
    target = database or settings.database
    page = ""
    with reading(open_ledger(target)) as connection:
        found = monthly_report(connection, wanted, as_of=as_of)
        proof = _recompute(connection, wanted) if prove else None
        suspect = read_seen(connection).clock_behind(as_of)
        if form in (Format.HTML, Format.PDF) and not json:
            page = _page(connection, found, settings)
    if suspect:
        output.tell(f"azlic: the clock is suspect: {suspect}\n  try: azlic clock status")
    witness_answer(target, as_of, "report")
    _deliver(page or _text(found, Format.JSON if json else form, proof), form, file)
    if proof is not None:
        _tell(proof)


def _check_file(form: Format, file: Path | None) -> None:
    from licensing.core.errors import BadCall

    if form is Format.PDF and file is None:
        raise BadCall("a PDF is no text for a terminal", hint="name a file: -o report.pdf")


def _text(report: "MonthlyReport", form: Format, proof: "Recomputed | None") -> str:
    if form is Format.JSON:
        from azlic.render.report.json import report_json

        return report_json(report, proof)
    if form is Format.TABLE:
        from azlic.render.report.table import report_text

        return report_text(report, block=output.encodable("█", instead="#"))
    from azlic.render.report.csv import report_csv
    from azlic.render.report.markdown import report_markdown

    return report_csv(report) if form is Format.CSV else report_markdown(report)


def _page(connection: "Connection", report: "MonthlyReport", settings: Settings) -> str:
    from azlic.web.pages.report import report_html, report_view
    from usage.ledger.checkpoints import ledger_head
    from usage.reporting.burndown import burn_down

    head = ledger_head(connection)
    note, unsigned = _sign(head, settings)
    view = report_view(report, burn_down(connection, report), head, site=settings.site, note=note, unsigned=unsigned)
    return report_html(view)


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


def _deliver(text: str, form: Format, file: Path | None) -> None:
    if file is None:
        output.emit(text)
        return
    from licensing.core.files import write_whole

    if form is Format.PDF:
        from azlic.web.pdf import report_pdf

        content = report_pdf(text)
    else:
        content = f"{text}\n".encode()
    write_whole(file, content)
    output.tell(f"report: {file}")


def _recompute(connection: "Connection", month: "Month") -> "Recomputed":
    from azlic.render.receipt import counting
    from usage.auditing.recomputation import recompute

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
