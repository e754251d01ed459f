"""The monthly report, in each of its forms."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from usage.auditing.recomputation import Recomputed
    from usage.ledger.checkpoints import Head
    from usage.months import Month
    from usage.reporting.quality import Quality
    from usage.reporting.report import MonthlyReport
    from usage.reporting.span import Span

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
        str | None,
        typer.Argument(metavar="[YYYY-MM|YYYY]", help="The month or the year (UTC); this month if left out."),
    ] = None,
    start: options.From = None,
    end: options.To = None,
    site: Annotated[
        list[str] | None, typer.Option("--site", metavar="NAME", help="Of a site alone; - is this one.")
    ] = None,
    plan: Annotated[
        list[str] | None, typer.Option("--plan", metavar="NAME", help="Of a plan alone, by name or ARM id.")
    ] = None,
    container: Annotated[
        list[str] | None,
        typer.Option("--container", metavar="ID|TYPE", help="Of a container alone, or of those of a type."),
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

    Or a year, any days (--from, --to), a part of the use. What was excluded is shown with the numbers: nothing
    is dropped silently. A report of one site, plan or container says so in its title, and what it leaves out. With
    --recompute, exit status 1 when the records and corrections of the month do not make its totals.

    Example: azlic report 2026-11

    Example: azlic report 2026 --site north
    """
    from licensing.core.errors import BadCall
    from licensing.db.database import open_ledger, reading
    from licensing.history.read import read_seen
    from usage.months import Month
    from usage.reporting.report import monthly_report

    if json and form not in {Format.TABLE, Format.JSON}:
        raise BadCall(f"--json and --format {form} are two formats", hint="leave one of them out")
    if form is Format.PDF and file is None:
        raise BadCall("a PDF cannot be shown in a terminal", hint="name a file: -o report.pdf")
    settings, as_of = load_settings(), clock.as_of(None)
    choice = tuple(tuple(names or ()) for names in (site, plan, container))
    span = _span(month, start, end, as_of, partial=any(choice))
    if span is not None:
        if prove:
            raise BadCall("a whole month is recomputed", hint="azlic report YYYY-MM --recompute")
        _deliver(_write_span(span, choice, Format.JSON if json else form, database or settings.database, as_of), file)
        return
    wanted = Month.parse(month) if month else Month.of(as_of)
    with reading(open_ledger(database or settings.database)) as connection:
        found = monthly_report(connection, wanted, as_of=as_of)
        proof = _recompute(connection, wanted) if prove else None
        suspect = read_seen(connection).clock_behind(as_of)
        write = _FORMATS[Format.JSON if json else form](found, proof, connection, settings)
    _warn(suspect, found.quality)
    _deliver(write(), file)
    if proof is not None:
        _tell(proof)


def _span(named: str | None, start: str | None, end: str | None, as_of: "datetime", *, partial: bool) -> "Span | None":
    """The span that was asked for; None for a whole month, which has a report of its own."""
    from licensing.core.errors import BadCall
    from licensing.core.instants import parse_instant
    from usage.months import Month
    from usage.reporting.span import Span

    if start is not None or end is not None:
        if named is not None or start is None or end is None:
            raise BadCall("--from and --to are a span of their own", hint="--from 2026-03-10 --to 2026-04-20")
        return Span.of_days(parse_instant(start), parse_instant(end))
    if named is not None and named.isdecimal() and len(named) == 4:
        return Span.of_year(named)
    if not partial:
        return None
    return Span.of_month(Month.parse(named) if named else Month.of(as_of))


def _write_span(
    span: "Span", choice: tuple[tuple[str, ...], ...], form: Format, database: str, as_of: "datetime"
) -> str | bytes:
    from azlic.render.report.span import SPAN_REPORT, span_csv, span_markdown
    from licensing.db.database import open_ledger, reading
    from licensing.history.read import read_seen
    from usage.reporting.span import Choice, span_report

    with reading(open_ledger(database)) as connection:
        found = span_report(connection, span, Choice(*choice), as_of=as_of)
        suspect = read_seen(connection).clock_behind(as_of)
    _warn(suspect, found.quality)
    if form in {Format.HTML, Format.PDF}:
        from azlic.render.report.span import sections
        from azlic.web.pages.report import span_html
        from azlic.web.pdf import report_pdf

        page = span_html(sections(found))
        return page if form is Format.HTML else report_pdf(page)
    if form is Format.JSON:
        return SPAN_REPORT.json(found)
    writers = {Format.CSV: span_csv, Format.MARKDOWN: span_markdown, Format.TABLE: SPAN_REPORT.text}
    return writers[form](found)


def _warn(suspect: str | None, quality: "Quality") -> None:
    """What is said beside a report in any form, one without a place for its quality too."""
    if suspect:
        output.tell(f"azlic: the clock is suspect: {suspect}", "  try: azlic clock status")
    if quality.failed_audit:
        output.tell(f"azlic: {quality.failed_audit}", "  try: azlic audit")


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
        failed = report.quality.failed_audit
        note, unsigned = (None, f"{failed}.") if failed else _sign(head, settings)
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
        output.tell(f"{rows}, which make its totals", *counts_lines(proof.counts))
        return
    output.tell(f"{rows}, which do not make its totals", f"  first difference: {proof.difference}")
    raise typer.Exit(1)
