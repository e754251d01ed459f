"""Usage: take the records of output folders, once or as they are written."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command("ingest")(ingest_command)
    program.command("watch")(watch_command)


def ingest_command(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", readable=False, help="Output folders, or single usage files.")
    ],
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Take usage records into the ledger.

    Every whole line below the folders is taken exactly once, however often it is offered.

    Exit status 1 when there is something to look into: a bad line, a conflict, a gap, a file that shrank or is gone,
    something that may hold usage and was not taken.

    Example: azlic ingest /output
    """
    from azlic.monitoring.expected import open_or_make
    from azlic.render.progress import counting_bytes
    from azlic.render.receipt import RECEIPT
    from licensing.db.database import reading
    from licensing.history.read import read_seen
    from usage.intake.run import NotAllRead, ingest

    settings = load_settings()
    engine = open_or_make(settings, database)
    unread = None
    with counting_bytes("ingest") as progress:
        try:
            receipt = ingest(engine, paths, now=clock.now(), site=settings.site, progress=progress)
        except NotAllRead as error:
            receipt, unread = error.receipt, error
    with reading(engine) as connection:
        suspect = read_seen(connection).clock_behind(clock.as_of(None))
    if suspect:
        output.tell(f"azlic: the clock is suspect: {suspect}", "  try: azlic clock status")
    RECEIPT.give(json, receipt)
    if unread is not None:
        raise unread
    raise typer.Exit(0 if receipt.clean else 1)


def watch_command(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", readable=False, help="Output folders.")],
    rescan: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How often to rescan everything.")] = 60,
    polling: Annotated[
        bool,
        typer.Option("--polling", help="Look at the folders once a second: for network mounts, which send no events."),
    ] = False,
    database: options.Database = None,
) -> None:
    """Take usage records as they are written.

    Runs until SIGTERM or Ctrl+C and ends when the ingest in hand is done. Under systemd (Type=notify) it says when it
    is ready, and that it is alive where WatchdogSec is set.

    Example: azlic watch /output
    """
    from azlic.monitoring.expected import open_or_make
    from azlic.render.receipt import receipt_line
    from azlic.sd_notify import Supervisor
    from azlic.signals import call_when_told_to_end
    from licensing.core.errors import AzlicError
    from usage.intake.watcher import Watch
    from usage.ledger.receipt import Receipt

    settings = load_settings()
    engine = open_or_make(settings, database)
    loop = Watch(engine, paths, clock=clock.now, site=settings.site, polling=polling)
    call_when_told_to_end(loop.stop)
    supervisor = Supervisor()
    ready = False

    def took(receipt: Receipt) -> None:
        nonlocal ready
        if not ready:
            supervisor.ready()
            output.tell(f"watching {', '.join(map(str, paths))}")
            ready = True
        if receipt.tells:
            output.tell(receipt_line(clock.as_of(None), receipt))

    def failed(error: AzlicError) -> None:
        output.tell(f"azlic: {error.message}; it is tried again within {rescan:g} seconds", f"  try: {error.hint}")

    loop.run(
        rescan_seconds=rescan,
        alive_seconds=supervisor.alive_every_seconds or rescan,
        took=took,
        alive=supervisor.alive,
        failed=failed,
    )
    supervisor.stopping()
    output.tell("stopped; everything taken so far is in the ledger")
