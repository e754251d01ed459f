"""What connected containers reported to the issuer."""

from typing import Annotated

import typer

from azlic import clock, options


def register(issuer: typer.Typer) -> None:
    """Put this command into the issuer's group."""
    issuer.command("usage")(usage_command)


def usage_command(
    ledger: Annotated[str, typer.Option("--ledger", metavar="PATH|URL", help="The ledger that it was booked into.")],
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="The month (UTC); this one if left out.")
    ] = None,
    json: options.Json = False,
) -> None:
    """List what connected containers used in a month.

    By resource, container and meter, as they reported it to azlic issuer serve --ledger. What it leaves of a plan is
    told by azlic report.

    Example: azlic issuer usage --ledger vendor.db --month 2026-11
    """
    from azlic.render.connected import CONNECTED_USAGE
    from licensing.db.database import open_ledger, reading
    from licensing.db.readonly import view_of
    from usage.connected.listing import connected_usage
    from usage.months import Month

    wanted = Month.parse(month) if month else Month.of(clock.as_of(None))
    with reading(open_ledger(ledger)) as connection:
        found = connected_usage(view_of(connection), wanted)
    CONNECTED_USAGE.give(json, wanted, found)
