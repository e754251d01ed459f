"""The clock, and the evidence against it."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings
from licensing.verdict.seen import WitnessKind

app = typer.Typer(help="This machine's clock, and the witnesses against it.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="clock")


@app.command("status")
def status_command(database: options.Database = None, json: options.Json = False) -> None:
    """Show the clock and the evidence against it.

    Beside it is the newest time of a license's issue, of a usage record and of an answer given here.
    Exit status 1 when the clock is behind one of them.

    Example: azlic clock status
    """
    from azlic.monitoring.expected import refuse_missed_ledger
    from azlic.render.clock import CLOCK
    from licensing.core.errors import AzlicError
    from licensing.history.read import read_memory

    settings, now = load_settings(), clock.as_of(None)
    refuse_missed_ledger(settings, database)
    seen = read_memory(database or settings.database)
    if seen.unread:
        raise AzlicError(seen.unread, hint="run as a user who may read the ledger, or name it with --database")
    CLOCK.give(json, seen, now)
    raise typer.Exit(1 if seen.clock_behind(now) else 0)


@app.command("strike")
def strike_command(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it was wrong; it is kept.")],
    kinds: Annotated[
        list[WitnessKind] | None,
        typer.Argument(metavar="[KIND]...", help="license, record, evaluation; all if left out.", show_choices=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Strike what was seen wrongly.

    Each witness that is later than the clock counts as of now from here on. What it had shown, who struck it, when and
    why is kept in the ledger for ever: azlic audit, alerts, clock status and the month's report show it. Only the
    ledger's owner and root may. See first that the clock is right: date -u. Usage that was taken while the clock ran
    ahead still counts where it is dated: it is named here, in reports and alerts, with what to do.

    Example: azlic clock strike record --reason "the camera container's clock stood in 2029"
    """
    from azlic.render.clock import STRUCK
    from licensing.core.instants import iso
    from licensing.db.database import open_ledger, reading
    from licensing.db.readonly import view_of
    from licensing.history.striking import strike
    from licensing.issuer.audit import operator
    from usage.ledger.counted_ahead import read_counted_ahead

    settings, now = load_settings(), clock.now()
    engine = open_ledger(database or settings.database, upgrade=True)
    if not yes:
        output.confirm(f"Is it {iso(now)} now, and what was seen later is wrong?")
    struck = strike(engine, kinds or tuple(WitnessKind), reason=reason, now=now, by=operator())
    with reading(engine) as connection:
        STRUCK.give(json, struck, now, read_counted_ahead(view_of(connection), now))


@app.command("reset")
def reset_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The issuer's signed clock reset.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    trust: options.Trust = None,
    database: options.Database = None,
) -> None:
    """Undo what a wrong clock has recorded.

    The document is signed by the issuer (azlic issuer clock-reset). Every witness later than the instant in it is set
    back to that instant; records, serials and licenses stay as they are. Each document works once.

    Example: azlic clock reset reset.json
    """
    from licensing.core.instants import iso
    from licensing.db.database import open_ledger
    from licensing.trust.clock_reset import read_clock_reset, take_clock_reset
    from licensing.trust.store import TrustStore

    settings = load_settings()
    document = read_clock_reset(file, trust=TrustStore(trust or settings.trust), site=settings.site)
    engine = open_ledger(database or settings.database, upgrade=True)
    if not yes:
        output.confirm(f"Set the clock's mark back to {iso(document.instant)} ({document.reason})?")
    take_clock_reset(engine, document, now=clock.now())
    output.say(f"the clock's high-water mark is back at {iso(document.instant)}")
