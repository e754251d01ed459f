"""What the ledger holds, one by one: records, and the corrections booked about them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from azlic import options
from azlic.settings import load_settings

app = typer.Typer(help="The usage records in the ledger.", no_args_is_help=True)
corrections_app = typer.Typer(help="What was booked later.", no_args_is_help=True)

Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, metavar="N", help="How many at most, newest first.")]


class Order(StrEnum):
    """By what records are the newest."""

    USED = "used"
    TAKEN = "taken"


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="records")
    program.add_typer(corrections_app, name="corrections")


@app.command("list")
def records_list_command(
    month: Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Those of a month (UTC).")] = None,
    start: options.From = None,
    end: options.To = None,
    site: Annotated[str | None, typer.Option("--site", metavar="NAME", help="Those of a site; - is this one.")] = None,
    container: Annotated[
        str | None, typer.Option("--container", metavar="ID|TYPE", help="Those of a container.")
    ] = None,
    meter: Annotated[str | None, typer.Option("--meter", metavar="METER", help="Those of a meter.")] = None,
    order: Annotated[Order, typer.Option(help="By the time of use, or as the ledger took them.")] = Order.USED,
    limit: Limit = 50,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List usage records, the last used first.

    Each is shown as it was reported, with what it counts where it was corrected or came late.

    Example: azlic records list --month 2026-11 --container 0123456789ab
    """
    from azlic.render.listing import RECORDS
    from licensing.core.errors import BadCall
    from licensing.db.database import open_ledger, reading
    from usage.ledger.listing import Chosen, list_records
    from usage.months import Month

    if month and (start or end):
        raise BadCall("--month is a span of its own", hint="leave out --from and --to")
    span = (Month.parse(month).starts_at, Month.parse(month).next.starts_at) if month else (_day(start), _day(end))
    chosen = Chosen(*span, site, container, meter)
    with reading(open_ledger(database or load_settings().database)) as connection:
        found = list_records(connection, chosen, limit=limit, as_taken=order is Order.TAKEN)
    RECORDS.give(json, found, order.value)


def _day(text: str | None) -> datetime | None:
    from licensing.core.instants import parse_instant

    return parse_instant(text) if text else None


@corrections_app.command("list")
def corrections_list_command(
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="Those about a month, and those it counts (UTC).")
    ] = None,
    limit: Limit = 50,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """List late records and corrections, and why.

    The last booked come first. A correction by hand is a reversal of what counted, a replacement, or both.

    Example: azlic corrections list --month 2026-11
    """
    from azlic.render.listing import CORRECTIONS
    from licensing.db.database import open_ledger, reading
    from usage.ledger.listing import list_corrections
    from usage.months import Month

    with reading(open_ledger(database or load_settings().database)) as connection:
        found = list_corrections(connection, month=Month.parse(month) if month else None, limit=limit)
    CORRECTIONS.give(json, found)
